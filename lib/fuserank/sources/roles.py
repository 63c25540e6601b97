"""Which columns of a table are its user, item and time, and what a column can be at all."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fuserank.common.looks import ColumnLook, TableLook
from fuserank.sources.guessed import Told
from fuserank.sources.names import letters, rank
from fuserank.sources.times import epoch, time_of, written_time

MOST_TYPES = 30


def roles_of(table: TableLook, told: Told) -> dict[str, str] | None:
    """user, item and time of a table of events, None where one of them is not there."""
    if not table.header and not (told.user or told.item or told.time):
        return _roles_by_place(table)
    roles: dict[str, str] = {}
    for role, named, fits in (
        ("user", told.user, is_id), ("item", told.item, is_id), ("time", told.time, lambda c: bool(time_of(c))),
    ):  # fmt: skip
        column = named if named in {c.name for c in table.columns} else None
        column = column or best(table, role, fits, roles.values())
        if column is None and role == "time":  # a column that tells times and nothing else, whatever its name
            sure = [c for c in table.columns if written_time(c)]
            column = sure[0].name if sure else None
        if column is None:
            return None
        roles[role] = column
    return roles


def _roles_by_place(table: TableLook) -> dict[str, str] | None:
    """Of a file without a header: first the user, then the item, a small number for the rating, what looks like a time."""
    times = [c.name for c in table.columns if time_of(c) or epoch(c)]
    ids = [c for c in table.columns if c.name not in times and c.found in {"text", "integer"} and c.distinct > 1]
    values = [c.name for c in ids[2:] if c.mostly(c.numbers) and c.distinct <= MOST_TYPES]
    if len(ids) < 2 or not times:
        return None
    return {"user": ids[0].name, "item": ids[1].name, "time": times[0]} | ({"value": values[0]} if values else {})


def lacks(table: TableLook, told: Told) -> str:
    """Why a table can be no events, and what to name."""
    columns = ", ".join(c.name for c in table.columns)
    lacking = [r for r in ("user", "item") if best(table, r, is_id) is None and not getattr(told, r)]
    times = [c.name for c in table.columns if time_of(c)]
    lacking += [] if times or told.time else ["time"]
    said = " and ".join(lacking) or "telling which is which"
    return f"{table.path} ({columns}) lacks {said}: name the columns by --user, --item, --time"


def best(table: TableLook, role: str, fits: Callable[[ColumnLook], bool], taken: Collection[str] = ()) -> str | None:
    """Of the columns that fit, the one whose name says the role best; None where no name does."""
    ranked = [(rank(role, c.name), n, c.name) for n, c in enumerate(table.columns) if c.name not in taken and fits(c)]
    known = sorted((r, n, name) for r, n, name in ranked if r is not None)
    return known[0][2] if known else None


def is_id(column: ColumnLook) -> bool:
    """Whether the cells can be ids: text or whole numbers, more than one, no times."""
    return column.found in {"text", "integer"} and column.distinct > 1 and written_time(column) is None


def is_money(column: ColumnLook) -> bool:
    """Whether the cells can be amounts of a line."""
    plain = letters(column.name)
    return "unit" not in plain and column.mostly(max(column.numbers, column.decimal_commas + column.integers))
