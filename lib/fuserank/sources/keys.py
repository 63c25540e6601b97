"""Which columns tell the rows of a table apart."""

from __future__ import annotations

from fuserank.common.looks import ColumnLook, Looks, TableLook
from fuserank.sources.roles import best, is_id


def key_of(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[tuple[str, ...], int]:
    """The shortest of some sets of columns that tells all rows apart, or the one that tells most apart."""

    def is_unique(column: ColumnLook) -> bool:
        return is_id(column) and column.distinct == column.rows

    own = best(table, "event", is_unique, columns.values()) or best(table, "session", is_unique, columns.values())
    user, item, time = columns["user"], columns["item"], columns["time"]
    session, kind = columns.get("session"), columns.get("type")
    more = [c for c in (columns.get("value"), columns.get("quantity"), columns.get("amount")) if c]
    sets = [(own,), (user, session, item), (user, item, time), (user, item, time, kind), (user, session, item, time),
            (user, session, item, time, kind, *more)]  # fmt: skip
    named = list(dict.fromkeys(tuple(c for c in s if c) for s in sets if s[0] and None not in s[:3]))
    counted: list[tuple[int, tuple[str, ...]]] = []
    for key in named:
        if any(table.column(c).filled < table.rows for c in key):
            continue
        apart = looks.distinct_rows(table.name, key)
        counted.append((table.rows - apart, key))
        if apart == table.rows:
            break
    repeated, chosen = min(counted, key=lambda c: c[0], default=(0, (user, item, time)))
    return chosen, repeated
