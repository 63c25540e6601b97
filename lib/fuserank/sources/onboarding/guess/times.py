"""How a column tells time, if it does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fuserank.common.errors import IngestError
from fuserank.sources.onboarding.guess.names import rank
from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook, TimeLook
from fuserank.spellings.patterns import matcher
from fuserank.spellings.time_guess import LETTERS, fitting


def time_of(column: ColumnLook) -> TimeLook | None:
    """Type and pattern of a column that tells times: as a date, as text, or as an epoch where its name says so too."""
    return written_time(column) or (epoch(column) if rank("time", column.name) is not None else None)


def written_time(column: ColumnLook) -> TimeLook | None:
    """Of a column of dates or timestamps, or of text in one of their patterns."""
    if column.found in {"date", "timestamp"}:
        return TimeLook(column.found)
    if column.found == "text" and column.mostly(column.iso_times):
        return TimeLook("date" if column.longest <= len("2020-01-01") else "timestamp")
    if not column.patterns:
        return None
    likeliest = column.patterns[0]
    if likeliest.isalpha() and rank("time", column.name) is None:  # eight digits may be an id
        return None
    letters = re.sub(r"'[^']*'", "", likeliest)
    return TimeLook("timestamp" if "m" in letters else "date", likeliest)


def epoch(column: ColumnLook) -> TimeLook | None:
    """Of numbers of the size of one, with decimals or without: seconds,
    milliseconds, microseconds or nanoseconds since 1970.
    """
    unit = next((unit for unit, count in column.epochs if column.mostly(count)), None)
    return TimeLook(unit) if unit else None


def twin(pattern: str, fitting: Sequence[str]) -> str | None:
    """Of the patterns that fit, the one with day and month in the other order; None where the cells settle it."""
    turned = pattern.translate(str.maketrans("dM", "Md"))
    return turned if turned != pattern and turned in fitting else None


def unread_time(table: TableLook, name: str) -> IngestError:
    """Why a column that should be the time is none, and what to write where it is one all the same."""
    column = table.column(name)
    first = next((value for value, _ in column.samples), "")
    found = fitting([first])
    if found:
        others = next((value for value, _ in column.samples if not matcher(found[0])(value)), None)
        mixed = f", another {others!r}" if others else ""
        problem = f"its cells are of several spellings; one is {first!r} ({found[0]}){mixed}"
        cure = "write all times in one way, or name another column by --time"
    else:
        problem = f"tells no time that can be read; a cell is {first!r}"
        cure = _cure_of(first, column)
    return IngestError(problem, file=table.path, column=name, cure=cure)


def _cure_of(cell: str, column: ColumnLook) -> str:
    zone = re.search(r"\d\s+([A-Z]{2,5})$", cell)
    if zone:
        return f"{zone[1]} is no zone, or means several: write offsets such as +01:00 in the file"
    if column.mostly(column.numbers) and column.low is not None and 20_000 < column.low < 80_000:
        return "it looks like a spreadsheet's number of days: export the column as dates; or name another by --time"
    return f"name another by --time, or write the mapping by hand with the pattern of these cells: {LETTERS}"
