"""Which tables say more about items and users of the events."""

from __future__ import annotations

from collections.abc import Sequence

from fuserank.common.looks import ColumnLook, Looks, TableLook
from fuserank.config.dataset_dimensions import ItemsConfig, UsersConfig
from fuserank.sources.guessed import DimensionGuess, EventsGuess
from fuserank.sources.roles import best, is_id, is_money

SAME = 0.3  # of the ids of one table, or of the other, that both must know to speak of the same things


def dimension(
    looks: Looks,
    tables: Sequence[TableLook],
    events: tuple[EventsGuess, ...],
    side: str,
    config: type[ItemsConfig | UsersConfig],
) -> DimensionGuess | None:
    """The table with one row for each user or item that the events know best."""
    found = []
    for table in tables:
        key = best(table, side, is_id)
        if key is None or looks.distinct_rows(table.name, [key]) < 0.99 * table.rows:
            continue
        about = max(overlap(looks, (table.name, key), (e.table.name, e.columns[side])) for e in events)
        named: dict[str, str] = {}
        for column in (c for c in config.model_fields if c not in {"source", "known_at", side}):
            fits = is_money if column == "price" else _says_something
            known = best(table, column, fits, {key, *named.values()})
            if known is not None:
                named[column] = known
        if about >= SAME and (named or side == "item"):
            found.append((about, DimensionGuess(table, key, named)))
    return max(found, key=lambda f: f[0])[1] if found else None


def overlap(looks: Looks, one: tuple[str, str], other: tuple[str, str]) -> float:
    """Share of the values of one column that the other has too, or the other way round, whichever is larger."""
    return max(looks.shared(*one, *other), looks.shared(*other, *one))


def _says_something(column: ColumnLook) -> bool:
    return column.found != "nested" and column.filled > 0
