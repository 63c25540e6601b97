"""CSV files of one table as DuckDB reads them: by the names in each file's header, as the chain does."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.sources.onboarding.scan.csv_dialect import Beginning, beginning, refuse_twice
from fuserank.sources.onboarding.scan.encoding import CannotReadError
from fuserank.sources.onboarding.scan.looks import Dialect
from fuserank.sources.onboarding.scan.moments import DuckSql

if TYPE_CHECKING:
    import duckdb

_FIRST_LINES = 200  # are looked at of each further file of a table
_text = DuckSql().text


@dataclass(frozen=True)
class CsvSource:
    """SQL of the rows, and what else there is to tell of the table."""

    sql: str
    dialect: Dialect
    cells: int  # of a row of the first file
    header: bool
    partial: tuple[tuple[str, int], ...]
    remarks: tuple[str, ...]


def csv_source(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    names: Sequence[str],
    partitions: str = "hive_partitioning=false",
) -> CsvSource:
    """
    :param files: of the table, in UTF-8; the first says how all are written
    :param names: of the files, for words to a person
    :param partitions: of DuckDB's reader: whether values of paths are columns
    :raises CannotReadError: nothing splits the lines into columns, or the names are no names
    """
    first = beginning(files[0])
    begin = {files[0]: first} | {file: beginning(file, first.dialect.delimiter, _FIRST_LINES) for file in files[1:]}
    for file, name in zip(files, names, strict=True):
        if begin[file].dialect.skip != first.dialect.skip:
            raise CannotReadError(
                f"{name} is written in another way than {names[0]}: put it in a folder of its own, or write both alike"
            )
    # where there are no quotes, nothing says what they are
    telling = next((b for b in begin.values() if b.quotes), first)
    first = replace(first, dialect=telling.dialect)
    header = len(first.names) != first.cells or _has_header(connection, first)
    remarks = list(_remarks(first, header))
    if not header:
        columns = [f"_c{n}" for n in range(first.cells)]
        return CsvSource(
            _read(files, columns, first.dialect, False, partitions),
            first.dialect,
            first.cells,
            False,
            (),
            tuple(remarks),
        )
    groups: dict[tuple[str, ...], list[Path]] = {}
    for file in files:
        refuse_twice(begin[file].names)
        if len(begin[file].names) != begin[file].cells:
            raise CannotReadError(
                f"its header has {len(begin[file].names)} names and its rows have {begin[file].cells} cells: both must"
                " be as many"
            )
        groups.setdefault(begin[file].names, []).append(file)
    parts = [
        f"SELECT * FROM {_read(group, columns, first.dialect, True, partitions)}" for columns, group in groups.items()
    ]
    having = Counter(name for file in files for name in begin[file].names)
    alike: dict[str, list[str]] = {}
    for name in sorted(having):
        alike.setdefault(name.strip().lower(), []).append(name)
    for name, other, *_ in (names for names in alike.values() if len(names) > 1):
        raise CannotReadError(
            f"a column is called {name!r} in some of the files and {other!r} in others: call it alike in all"
        )
    partial = tuple((name, n) for name, n in having.items() if n < len(files))
    return CsvSource(
        f"({' UNION ALL BY NAME '.join(parts)})", first.dialect, first.cells, True, partial, tuple(remarks)
    )


def _has_header(connection: duckdb.DuckDBPyConnection, first: Beginning) -> bool:
    """Whether the first line has names: asked of lines that have as many cells as
    most, so that no odd one hides the answer.
    """
    import duckdb

    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as sample:
        # a line break in a name is no matter for this question, and the sniffer stumbles over it
        csv.writer(sample).writerows([" ".join(cell.split()) for cell in row] for row in first.sample)
        sample.flush()
        try:
            found: Any = connection.execute(
                f"SELECT HasHeader FROM sniff_csv({_text(sample.name)}, delim=',', quote='\"', escape='\"',"
                " null_padding=true)"
            ).fetchall()[0][0]
        except duckdb.Error as problem:
            raise CannotReadError("a quote in it may be open, or its lines are of many lengths") from problem
    return bool(found)


def _remarks(first: Beginning, header: bool) -> list[str]:
    dialect, found = first.dialect, []
    if dialect.skip:
        begins = ", ".join(first.names) if header else "rows without names"
        found.append(
            f"{dialect.skip} line{'s' * (dialect.skip > 1)} before the table passed over; it begins with {begins}: fix"
            " skip in the mapping if it does not"
        )
    if not dialect.quote:
        found.append("quotes are taken for parts of the cells, not for signs around them (quote: none)")
    elif dialect.escape != dialect.quote:
        found.append("quotes inside of cells are written with a backslash before them (escape)")
    return found


def _read(files: Sequence[Path], columns: Sequence[str], dialect: Dialect, header: bool, partitions: str) -> str:
    types = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in columns)
    return (
        f"read_csv({paths_sql(files)}, delim={_text(dialect.delimiter)}, header={str(header).lower()},"
        f" columns={{{types}}}, quote={_text(dialect.quote)}, escape={_text(dialect.escape)}, skip={dialect.skip},"
        f" auto_detect=false, {partitions}, ignore_errors=true, null_padding=true, strict_mode=false, parallel=false)"
    )


def path_sql(file: Path) -> str:
    """A file's path as DuckDB takes it for itself, where it would read *?[ as a glob."""
    return _text("".join(f"[{c}]" if c in "*?[" else c for c in str(file)))


def paths_sql(files: Sequence[Path]) -> str:
    """A list of them."""
    return f"[{', '.join(map(path_sql, files))}]"


def lines_lost(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], table: str, source: CsvSource) -> int:
    """Lines that the chain takes for no row: of another number of cells than the table has.

    Where cells have line breaks in their quotes, lines that became no row: all that say something,
    but for headers and those inside of cells.
    """
    dialect = source.dialect
    lines = (
        f"read_csv({paths_sql(files)}, columns={{'line': 'VARCHAR'}}, delim='\x01', header=false, quote='', escape='',"
        " auto_detect=false, strict_mode=false, ignore_errors=true, max_line_size=20000000)"
    )
    outside = "line"
    if dialect.quote:
        inner = r'[^"]' if dialect.escape == dialect.quote else r'[^"\\]|\\.'
        whole = f'"(?:{inner})*"'
        outside = f"CASE WHEN contains(line, '\"') THEN regexp_replace(line, {_text(whole)}, '', 'g') ELSE line END"
    marks = f"(length(o) - length(replace(o, {_text(dialect.delimiter)}, ''))) // {len(dialect.delimiter)}"
    count, odd = connection.execute(
        f"SELECT count(*), count_if({marks} <> {source.cells - 1}) FROM (SELECT {outside} AS o FROM {lines} WHERE"
        " trim(line, ' \r\t') <> '')"
    ).fetchall()[0]
    before = sum(source.header + _lines_before(file, dialect) for file in files)
    taken = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    if count - before == taken:  # each line is a row: none is inside of a cell
        return int(odd) if not dialect.skip and not source.partial else 0
    names = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    quoted = ['"' + n.replace('"', '""') + '"' for n in names]
    counts = ", ".join(f"length({q}) - length(replace({q}, chr(10), ''))" for q in quoted)
    breaks = f"coalesce(list_sum([{counts}]), 0)"  # no sum of thousands of terms: it would be too deep
    rows, inside = connection.execute(f"SELECT count(*), coalesce(sum({breaks}), 0) FROM {table}").fetchall()[0]
    if not inside and not dialect.skip and not source.partial:
        return int(odd)
    return max(int(count) - int(rows) - int(inside) - before, 0)


def _lines_before(file: Path, dialect: Dialect) -> int:
    """How many of the lines before the table are not blank."""
    if not dialect.skip:
        return 0
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        return sum(bool(line.strip()) for line, _ in zip(stream, range(dialect.skip), strict=False))
