"""What shops bring that is not as it should be, and the words that they see: the
cases of the tests and of docs/bad-input.md.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.shop import GOOD, columns

HEADER = ",".join(GOOD) + "\n"
JSON = {"path": "sales*", "format": "jsonl", "columns": columns()}
CSV = {"path": "sales*", "format": "csv", "columns": columns()}


def line(number: int = 1, **cells: Any) -> str:
    """The good row as a line of CSV, with other cells."""
    return ",".join(map(str, (GOOD | {"line": number} | cells).values())) + "\n"


FEW = "".join(line(n) for n in range(3))
MANY = "".join(line(n, user=f"u{n * 7919 % 99_991}") for n in range(20_000))


@dataclass(frozen=True)
class Whole:
    """A file that is refused: its bytes, its name, how the mapping's table differs, and the one line that is said."""

    what: str
    data: bytes | str
    words: str
    name: str = "sales.csv"
    table: dict[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data.encode()


def _typed(**changes: Any) -> dict[str, Any]:
    return {**CSV, "columns": columns(**changes)}


def _epochs(n: int) -> str:
    return HEADER + line(1, time=n) + line(2, time=n)


FILES = (
    Whole("a zero-byte file", b"", "file sales.csv: the file is empty; take it away, or bring one with rows"),
    Whole("a header and no row", HEADER, "file sales.csv: the file is empty; take it away, or bring one with rows"),
    Whole(
        "a file whose header is missing",
        FEW,
        "file sales.csv, column user: the column is missing; the first line has u1, i1, 2019-05-01 10:00:00, 0, 2,"
        " 1.99: fix the mapping, or write header: false and the columns _c0, _c1, … in it",
    ),
    Whole(
        "another delimiter than the mapping says",
        (HEADER + FEW).replace(",", ";"),
        "file sales.csv, column user: the column is missing; the header has no ',': write delimiter: ';' in the"
        " mapping",
    ),
    Whole(
        "a column that is missing or renamed",
        (HEADER + FEW).replace("paid", "net"),
        "file sales.csv, column paid: the column is missing; the file has user, item, time, line, quantity, net; fix"
        " the mapping or the file",
    ),
    Whole(
        "a column whose case changed",
        (HEADER + FEW).replace("user", "User"),
        "file sales.csv, column user: the column is missing; write 'User' in the mapping",
    ),
    Whole(
        "a column's name between blanks",
        (HEADER + FEW).replace("user,", "user ,"),
        "file sales.csv, column user: the column is missing; write 'user ' in the mapping",
    ),
    Whole(
        "a column's name twice in the header",
        (HEADER + FEW).replace("paid\n", "paid,Paid\n"),
        "file sales.csv, column paid: the column is missing; the header has this name more than once; rename one of"
        " them in the file",
    ),
    Whole(
        "a spreadsheet's line before the header",
        "sep=,\n" + HEADER + FEW,
        "file sales.csv, column user: the column is missing; the first line is no header: write skip: 1 in the mapping",
    ),
    Whole(
        "a column with a name that bronze needs",
        (HEADER + FEW).replace("paid\n", "paid,_row\n"),
        "file sales.csv, column _row: the name is taken by bronze's own columns; rename it",
    ),
    Whole(
        "Latin-1 in the header, UTF-8 in the mapping",
        (HEADER + FEW).replace("user", "Käufer").encode("latin-1"),
        "file sales.csv, column user: the column is missing; the file has K�ufer, item, time, line, quantity, paid, "
        "so its characters are not UTF-8: fix encoding in the mapping",
    ),
    Whole(
        "UTF-16, UTF-8 in the mapping",
        (HEADER + FEW).encode("utf-16"),
        "file sales.csv: it is UTF-16; write encoding: UTF-16 in the mapping",
    ),
    Whole(
        "UTF-16 without its mark",
        (HEADER + FEW).encode("utf-16-le"),
        "file sales.csv: it is UTF-16 without a mark; write encoding: UTF-16LE (or UTF-16BE) in the mapping",
    ),
    Whole(
        "UTF-8 with its mark, Latin-1 in the mapping",
        (HEADER + FEW).encode("utf-8-sig"),
        "file sales.csv: it is UTF-8; take encoding out of the mapping",
        table={**CSV, "encoding": "ISO-8859-1"},
    ),
    Whole(
        "a character set that is none",
        HEADER + FEW,
        "file sales.csv: cannot be read: Spark knows no character set of that name; "
        "fix encoding in the mapping, such as ISO-8859-1, or windows-1252 (which needs spark.sql.legacy.javaCharsets)",
        table={**CSV, "encoding": "klingon"},
    ),
    Whole(
        "decimal commas, which the mapping does not say",
        HEADER + line(1, paid='"1,99"') + line(2, paid='"2,49"'),
        "file sales.csv, column paid, row 0: no cell is a decimal; the first is '1,99'; write {type: decimal, decimal:"
        " ','} in the mapping",
    ),
    Whole(
        "decimal points, where the mapping says commas",
        HEADER + line(1),
        "file sales.csv, column paid, row 0: no cell is a decimal; the first is '1.99'; take decimal: ',' out of the"
        " mapping",
        table=_typed(paid={"type": "decimal", "decimal": ","}),
    ),
    Whole(
        "times in another format than the mapping says",
        HEADER + line(1, time="01.05.2019 10:00"),
        "file sales.csv, column time, row 0: no cell is a timestamp; the first is '01.05.2019 10:00'; "
        "write {type: timestamp, pattern: d.M.yyyy H:mm} in the mapping",
    ),
    Whole(
        "a retyped column: words where numbers were",
        HEADER + line(1, quantity="two"),
        "file sales.csv, column quantity, row 0: no cell is a long; the first is 'two'; fix its type in the mapping,"
        " or the file",
    ),
    *(
        Whole(
            f"an epoch in {unit}, {declared} in the mapping",
            _epochs(1_556_704_800 * factor),
            f"file sales.csv, column time: the times are {unit}, the mapping says {declared}; {cure}",
            table=_typed(time=declared),
        )
        for declared, unit, factor, cure in (
            ("epoch_seconds", "epoch_millis", 1_000, "write epoch_millis in the mapping"),
            ("epoch_millis", "epoch_seconds", 1, "write epoch_seconds in the mapping"),
            ("epoch_millis", "epoch_micros", 1_000_000, "write epoch_micros in the mapping"),
            ("epoch_micros", "epoch_nanos", 1_000_000_000, "write epoch_nanos in the mapping"),
        )
    ),
    Whole(
        "a gzip file that was cut off",
        gzip.compress((HEADER + MANY).encode())[:-400],
        "file sales.csv.gz: cannot be read: its packing ends too early: the file was cut off, or is empty; bring it"
        " whole",
        "sales.csv.gz",
        CSV,
    ),
    Whole(
        "JSON lines in a gzip file that was cut off",
        gzip.compress("".join(json.dumps(GOOD | {"line": n}) + "\n" for n in range(30_000)).encode())[:-40],
        "file sales.jsonl.gz: cannot be read: its packing ends too early: the file was cut off, or is empty; bring it"
        " whole",
        "sales.jsonl.gz",
        JSON,
    ),
    Whole(
        "a plain file that is named .gz",
        HEADER + FEW,
        "file sales.csv.gz: cannot be read: its name says that it is packed, its bytes do not; give it the name of what"
        " it is, or pack it",
        "sales.csv.gz",
        CSV,
    ),
    Whole(
        "a gzip file that is not named so",
        gzip.compress((HEADER + FEW).encode()),
        "file sales.csv: it is gzip; its name must end in .gz",
    ),
    Whole(
        "an Excel or ZIP file",
        b"PK\x03\x04\x14\x00\x06\x00xl,sheet\n1,2\n",
        "file sales.csv: it is ZIP or Excel; write CSV, JSON lines or Parquet",
    ),
    Whole(
        "Parquet, CSV in the mapping",
        b"PAR1\x15\x04,x\n1,2\nPAR1",
        "file sales.csv: it is Parquet; fix format in the mapping",
    ),
    Whole(
        "CSV, JSON lines in the mapping",
        HEADER + FEW,
        "file sales.jsonl, row 0: no row can be read as jsonl; fix format or encoding in the mapping",
        "sales.jsonl",
        JSON,
    ),
    Whole(
        "JSON with one key twice, or in two cases",
        json.dumps(GOOD | {"USER": "u1"}) + "\n",
        "file sales.jsonl: cannot be read: two of its columns have one name where case does not count; rename one of"
        " them",
        "sales.jsonl",
        JSON,
    ),
    Whole(
        "a quote that is open for more than a million characters",
        HEADER + line(1, item='"i1') + (MANY * 2)[:1_100_000],
        "file sales.csv: cannot be read: a cell has more than a million characters: a quote before it may be open; "
        "close it, and write quotes inside of cells twice",
    ),
)


@dataclass(frozen=True)
class Bad:
    """A row among good ones that goes to quarantine: the line, the rule that it breaks, the column and the reason."""

    what: str
    data: bytes | str
    rule: str
    column: str | None
    reason: str

    @property
    def bytes(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data.encode()


_CELLS = "the line has too few or too many cells; fix it in the file"
_UNREAD = "holds � or NUL where a character could not be read; fix encoding in the mapping, or the cell"
_NO_TIME = "not a timestamp; fix the cell, or the type in the mapping"
_NO_DECIMAL = "not a decimal; fix the cell, or the type in the mapping"
_NO_LONG = "not a long; fix the cell, or the type in the mapping"
_EARLY = "before 1990; fix the time, or its unit in the mapping"
_OPEN = "the row runs over several lines: a quote in it may be open; close it, and write quotes inside of cells twice"

ROWS = (
    Bad("a row with more cells than the header", line(1).replace("\n", ",more\n"), "unreadable", None, _CELLS),
    Bad("a row with fewer cells", "u1,i1,2019-05-01 10:00:00\n", "unreadable", None, _CELLS),
    Bad(
        "the header again, in the middle",
        HEADER,
        "repeated_header",
        None,
        "the line repeats the header; take it out of the file",
    ),
    Bad(
        "an id in Latin-1 in a file of UTF-8",
        line(2, user="Müller").encode("latin-1"),
        "broken_characters",
        "user",
        _UNREAD,
    ),
    Bad("NUL in an id", line(3, item="i\0" + "1"), "broken_characters", "item", _UNREAD),
    Bad(
        "an id that is empty, or of blanks",
        line(4, user="  "),
        "no_user",
        "user",
        "user is empty; a row without it belongs to no one",
    ),
    Bad("a number that is none", line(5, quantity="two"), "uncastable", "quantity", _NO_LONG),
    Bad("half a piece", line(6, quantity="2.5"), "uncastable", "quantity", _NO_LONG),
    Bad("a number beyond all counts", line(7, quantity="9" * 20), "uncastable", "quantity", _NO_LONG),
    Bad("NaN for a price", line(10, paid="NaN"), "uncastable", "paid", _NO_DECIMAL),
    Bad("a decimal comma among decimal points", line(11, paid='"1,99"'), "uncastable", "paid", _NO_DECIMAL),
    Bad("another time format among ISO 8601", line(12, time="01/05/2019 10:00"), "uncastable", "time", _NO_TIME),
    Bad("an epoch among written times", line(13, time="1556704800"), "uncastable", "time", _NO_TIME),
    Bad("a day that no calendar has", line(14, time="2019-02-30"), "uncastable", "time", _NO_TIME),
    Bad("the year 10000", line(15, time="10000-01-01"), "uncastable", "time", _NO_TIME),
    Bad(
        "the year 9999",
        line(16, time="9999-12-31 23:59:59"),
        "time_in_future",
        "time",
        "later than the run's now (2020-01-01T00:00:00Z); fix the time, its zone or unit in the mapping",
    ),
    Bad("the year 1", line(17, time="0001-01-01"), "time_too_early", "time", _EARLY),
    Bad("a time before 1970", line(18, time="1969-12-31 23:59:59"), "time_too_early", "time", _EARLY),
)
QUOTES = (  # a file of their own: what such a quote takes in is the row
    Bad(
        "a quote that is open up to the next one",
        line(1, item='"i1') + FEW + line(2, item='"i2"'),
        "open_quote",
        None,
        _OPEN,
    ),
    Bad("a quote that is open to the end of the file", line(3, user='"u1') + FEW, "open_quote", None, _OPEN),
)
JSON_ROWS = (
    Bad(
        "JSON that ends too early",
        '{"user": "u1", "item"\n',
        "unreadable",
        None,
        "the line is no JSON object; fix it in the file",
    ),
    Bad("a JSON list of numbers", "[1, 2]\n", "unreadable", None, "the line is no JSON object; fix it in the file"),
    Bad(
        "bytes in JSON that are not UTF-8",
        json.dumps(GOOD | {"user": "Müller"}, ensure_ascii=False).encode("latin-1") + b"\n",
        "unreadable",
        None,
        "the line is no JSON object; fix it in the file",
    ),
    Bad("a JSON object without a user", "{}\n", "no_user", "user", "user is empty; a row without it belongs to no one"),
)
