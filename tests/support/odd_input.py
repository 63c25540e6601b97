"""What shops bring that looks odd and is kept, and what a second bringing does: cases of tests and of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.support.bad_input import line


@dataclass(frozen=True)
class OddRow:
    """A row that looks odd and is accepted: its data, what becomes of it, and the outcome in words."""

    what: str
    data: str
    becomes: dict[str, Any]
    outcome: str


_FAMILY = "👩‍👩‍👧"
ODD_ROWS = (
    OddRow("a byte order mark before the header", "\ufeff", {}, "the header is read as if it were not there"),
    OddRow("line breaks inside quotes", line(101, user='"u\n1"'), {"user_id": "u\n1"}, "part of the cell"),
    OddRow(
        "a cell that begins with a quote and has lines",
        line(102, item='"""i"" says,\nyes"'),
        {"item_id": '"i" says,\nyes'},
        "part of the cell",
    ),
    OddRow("an empty line", "\n", {}, "passed over"),
    OddRow(
        "leading zeros", line(103, user="007"), {"user_id": "007"}, "another id than 7, where the mapping says string"
    ),
    OddRow("blanks around an id", line(104, user="  007 "), {"user_id": "007"}, "taken off"),
    OddRow(
        "é in two characters (NFD)",
        line(105, user="cafe\u0301"),
        {"user_id": "caf\u00e9"},
        "the same id as é in one (NFC)",
    ),
    OddRow("emoji", line(106, user=_FAMILY), {"user_id": _FAMILY}, "an id like others"),
    OddRow("an id of 10,000 characters", line(107, user="x" * 10_000), {"user_id": "x" * 10_000}, "an id like others"),
    OddRow(
        "ids that spell null and NaN",
        line(108, user="null", item="NaN"),
        {"user_id": "null", "item_id": "NaN"},
        "ids like others: only an empty cell is empty",
    ),
    OddRow(
        "numbers as text, between blanks",
        line(109, quantity=" 2 ", paid=" 1.50"),
        {"quantity": 2, "amount_minor": 150},
        "numbers",
    ),
    OddRow(
        "a whole number with a fraction of nothing, one with an exponent",
        line(110, quantity="2.0", paid="1e2"),
        {"quantity": 2, "amount_minor": 10_000},
        "numbers",
    ),
    OddRow(
        "thousands with commas and a currency",
        line(112, paid='"$1,234.50"'),
        {"amount_minor": 123_450},
        "numbers, without the signs",
    ),
    OddRow(
        "SQL in a cell",
        line(111, user="'; DROP TABLE users; --"),
        {"user_id": "'; DROP TABLE users; --"},
        "an id like others: no cell becomes part of a query",
    ),
)
# zone: Europe/Berlin in the mapping → UTC
TIMES = (
    (
        "a time that the clocks skip (02:30 when summer time begins)",
        "2019-03-31 02:30:00",
        "2019-03-31T01:30:00",
        "as if the clocks had not been changed yet: 03:30",
    ),
    ("a time that comes twice (02:30 when it ends)", "2019-10-27 02:30:00", "2019-10-27T00:30:00", "the first of both"),
    (
        "a time with an offset, in a column with a zone",
        "2019-03-31T02:30:00+05:00",
        "2019-03-30T21:30:00",
        "the offset counts",
    ),
    ("a day alone", "2019-05-01", "2019-04-30T22:00:00", "its midnight in the zone"),
)
CHARACTER_SETS = {
    "ISO-8859-1": "Größe",
    "windows-1252": "5 €",
    "UTF-16": "日本",
    "Shift_JIS": "日本",
    "GB18030": "中文",
    "windows-1251": "хлеб",
}
RETYPED = (
    "file sales2.parquet, column note: the column holds string, earlier files of this table held bigint; "
    "write it as before, or give the data set another name"
)
TWINS = "file sales2.csv: its bytes came in as sales1.csv already; it is not read again"
