"""Mappings that are refused before Spark starts, and files that `fuserank init`
leaves out: part of docs/bad-input.md.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

MAPPING = """\
name: shop
time_zone: Europe/Berlin
currency: {code: EUR}
root: {folder: /data/shop}
files:
  sales: {path: sales*.csv, format: csv, columns: {user: string, item: string, time: timestamp, line: string}}
events:
- {from: sales, type: purchase, role: feedback, user: user, item: item, time: time, key: [line]}
"""


@dataclass(frozen=True)
class Mapping:
    """A mapping that differs from the good one in ``old`` → ``new``, and what is said after the file's name."""

    what: str
    old: str
    new: str
    words: str

    @property
    def text(self) -> str:
        assert MAPPING.count(self.old) == 1, self.old
        return MAPPING.replace(self.old, self.new)


_KNOWN = "unknown key; see lib/fuserank/config/mapping/dataset.py or conf/datasets/completejourney.yaml"
_NAME = "lower case letters, digits and _, a letter first"
_QUOTES = "a key must be text: write it in quotes (YAML takes yes, no, on, off and numbers for something else)"
_LAUGHS = "a: &a [0,0,0,0,0,0,0,0,0,0]\n" + "".join(
    f"{'abcdefghi'[n]}: &{'abcdefghi'[n]} [{','.join(['*' + 'abcdefghi'[n - 1]] * 10)}]\n" for n in range(1, 9)
)
_TABLE = ": {path: x.csv, format: csv, columns: {a: string}}\nevents:\n"
_ITEMS = (
    "key: [line]}\ndimensions:\n  items: {from: sales, item: item, known_at: {from: 2024-01-01}, attributes: {%s}}\n#"
)
_ROLES = "department, category, product_type, brand, manufacturer_id"
_PATTERN = "time: {type: timestamp, pattern: %s}"

MAPPINGS = (
    Mapping("an unknown key", "key: [line]", "key: [line], usr: user", f"events.0.usr: {_KNOWN}"),
    Mapping(
        "a key twice",
        "currency:",
        "name: shop2\ncurrency:",
        "the key 'name' is there twice, lines 1 and 3; take one out",
    ),
    Mapping(
        "a YAML tag that makes objects",
        "name: shop",
        "name: !!python/object/apply:os.system [ls]",
        "not YAML: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system',"
        " line 1, column 7",
    ),
    Mapping(
        "anchors that unfold to a billion values",
        "name: shop\n",
        _LAUGHS + "name: shop\n",
        "its anchors unfold to more than 100,000 values; write them out, or fewer",
    ),
    Mapping(
        "an anchor that holds itself",
        "name: shop\n",
        "name: &a [*a]\n",
        "not YAML that can be read: it is nested too deeply, or an anchor holds itself",
    ),
    Mapping(
        "a tab for blanks",
        "  sales:",
        "\tsales:",
        "not YAML: found character '\\t' that cannot start any token, line 6, column 1",
    ),
    Mapping("NUL", "name: shop", "name: sh\0op", "not YAML: special characters are not allowed"),
    Mapping(
        "a day that no calendar has",
        "name: shop\n",
        "name: shop\nas_of: 2024-13-01\n",
        "a value is a date that no calendar has, or a number that is none",
    ),
    Mapping(
        "yes, no, on or a number for a column's name",
        "{user: string,",
        "{user: string, on: string,",
        f"files.sales.columns.1.[key]: {_QUOTES}",
    ),
    Mapping(
        "a path with ..",
        "path: sales*.csv",
        "path: ../sales*.csv",
        "files.sales.path: the path must stay inside root.folder; '../sales*.csv' leads out of it by ..",
    ),
    Mapping(
        "an absolute path",
        "path: sales*.csv",
        "path: /etc/passwd",
        "files.sales.path: the path must be relative to root.folder; '/etc/passwd' is not",
    ),
    Mapping(
        "a URL for a path",
        "path: sales*.csv",
        "path: 's3a://other/sales.csv'",
        "files.sales.path: the path must be relative to root.folder; a URL may stand there alone",
    ),
    Mapping(
        "** beside other signs",
        "path: sales*.csv",
        "path: 'sales**.csv'",
        "files.sales.path: 'sales**.csv' is no path or glob: ** stands alone between two /, and control characters in"
        " none",
    ),
    Mapping(
        "a folder outside of its package",
        "{folder: /data/shop}",
        "{package: json, folder: ../x}",
        "root: the path must stay inside the package; '../x' leads out of it by ..",
    ),
    Mapping("SQL in the data set's name", "name: shop", 'name: "shop\'; DROP TABLE users; --"', f"name: {_NAME}"),
    Mapping(
        "SQL in a table's name",
        "events:\n",
        '  "sales`; DROP TABLE users; --"' + _TABLE,
        f"files: 'sales`; DROP TABLE users; --' cannot be a table's name: {_NAME}",
    ),
    Mapping(
        "a table's name that leads elsewhere",
        "events:\n",
        '  "../sales"' + _TABLE,
        f"files: '../sales' cannot be a table's name: {_NAME}",
    ),
    Mapping("SQL in an event's type", "type: purchase", 'type: "purchase\'"', f"events.0.type: {_NAME}"),
    Mapping(
        "weeks' years for years",
        "time: timestamp",
        _PATTERN % "YYYY-MM-dd",
        "files.sales.columns.time: 'YYYY-MM-dd' is no pattern that Spark reads by: Y means nothing in it; years are y",
    ),
    Mapping(
        "minutes for months",
        "time: timestamp",
        _PATTERN % "dd.mm.yyyy",
        "files.sales.columns.time: 'dd.mm.yyyy' tells no day: years are y, months M (m is minutes), days d",
    ),
    Mapping(
        "twelve hours a day",
        "time: timestamp",
        _PATTERN % "'d.M.yyyy h:mm'",
        "files.sales.columns.time: 'd.M.yyyy h:mm' tells half of the day's hours: write H for 0 to 23, or add a for am"
        " and pm",
    ),
    Mapping(
        "JSON lines in another character set",
        "format: csv",
        "format: jsonl, encoding: ISO-8859-1",
        "files.sales: JSON lines are read as UTF-8: iconv -f ISO-8859-1 -t UTF-8 rewrites a file",
    ),
    Mapping(
        "a unit's price without a quantity",
        "key: [line]}",
        "key: [line], amount: {column: line, unit: major, per: unit}}",
        "events.0: amount.per: unit is multiplied by quantity; name its column",
    ),
    Mapping(
        "a time of day beside a moment",
        "key: [line]}",
        "key: [line], clock: line}",
        "events.0.clock: it is added to a date; time must name a column of type date",
    ),
    Mapping(
        "a reward for empty cells of no column",
        "key: [line]}",
        "key: [line], reward: {value: 1, missing: 0.1}}",
        "events.0.reward: missing goes with column",
    ),
    Mapping(
        "more attributes than there is room for",
        "key: [line]}",
        _ITEMS % "a: user, b: user, c: user, d: line",
        "dimensions.items: attributes: there is room for 3 of type category, not for a, b, c, d; give some a role"
        f" ({_ROLES})",
    ),
    Mapping(
        "an attribute in a part that there is not",
        "key: [line]}",
        _ITEMS % "director: {column: line, role: director}",
        f"dimensions.items: attributes.director.role: 'director' is not one of {_ROLES}",
    ),
    Mapping(
        "two attributes in one part",
        "key: [line]}",
        _ITEMS % "a: {column: line, role: brand}, b: {column: line, role: brand}",
        "dimensions.items: attributes.b.role: brand is given already",
    ),
    Mapping(
        "a number in the part of a category",
        "key: [line]}",
        _ITEMS % "year: {column: line, type: number, role: brand}",
        "dimensions.items: attributes.year: what plays the part of brand is a category; leave role out",
    ),
    Mapping(
        "an attribute that is called a number and is text",
        "key: [line]}",
        _ITEMS % "year: {column: line, type: number}",
        "dimensions.items.attributes.year: column line is string; a number is decimal or double or long",
    ),
    Mapping(
        "an attribute's name with a blank",
        "key: [line]}",
        _ITEMS % "'main colour': line",
        f"dimensions.items: attributes: 'main colour': a name has {_NAME}",
    ),
)


@dataclass(frozen=True)
class LeftOut:
    """A file that init does not take, and why."""

    what: str
    data: bytes
    words: str
    name: str = "sales.csv"


TABLE = b"user,item,day\n" + b"".join(b"u%d,i%d,2024-01-0%d\n" % (n % 7, n % 5, 1 + n % 9) for n in range(60))
_OBJECTS = b"".join(
    json.dumps({"user": f"u{n * 7919}", "item": n, "day": "2024-01-01"}).encode() + b"\n" for n in range(500)
)

LEFT_OUT = (
    LeftOut("a zero-byte file", b"", "it is empty"),
    LeftOut("nothing, packed", gzip.compress(b""), "it is empty", "sales.csv.gz"),
    LeftOut("a header and no row", b"user,item,day\n", "it has no rows"),
    LeftOut(
        "a gzip file that was cut off",
        gzip.compress(TABLE)[:-20],
        "its packing is broken: Compressed file ended before the end-of-stream marker was reached",
        "sales.csv.gz",
    ),
    LeftOut(
        "JSON lines in a gzip file that was cut off",
        gzip.compress(_OBJECTS)[:-20],
        "its packing is broken: Compressed file ended before the end-of-stream marker was reached",
        "sales.jsonl.gz",
    ),
    LeftOut(
        "a plain file that is named .gz", TABLE, "its packing is broken: Not a gzipped file (b'us')", "sales.csv.gz"
    ),
    LeftOut("a gzip file that is not named so", gzip.compress(TABLE), "it is packed by gzip: its name must end in .gz"),
    LeftOut("an Excel file named .csv", b"PK\x03\x04\x14\x00", "it is ZIP or Excel; write CSV, JSON lines or Parquet"),
    LeftOut(
        "a name twice in the header",
        TABLE.replace(b"day\n", b"Item\n", 1),
        "its header has 'item' more than once; rename one of them",
    ),
    LeftOut(
        "a character set that cannot be guessed",
        ("товар,цена,день\n" + "хлеб,молоко,сыр\n" * 9).encode("cp1251"),
        "its characters are neither UTF-8 nor Latin-1: say which by --encoding, such as windows-1251, Shift_JIS or"
        " GB18030",
    ),
)
