"""Which tables describe the items and users of the events: by the ids they share, then by how much they describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fuserank.config.mapping.dimensions import ItemsConfig, UsersConfig
from fuserank.sources.onboarding.guess.attributes import attributes
from fuserank.sources.onboarding.guess.guesses import DimensionGuess, EventsGuess
from fuserank.sources.onboarding.guess.names import ID_ENDS, WORDS, name_parts, rank, some
from fuserank.sources.onboarding.guess.nulls import empty_words
from fuserank.sources.onboarding.guess.roles import SAME, is_id, is_money
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

_UNIQUE = 0.99  # of a table's rows have an id of their own: then it tells of each once
_SURELY = 0.9  # of the events' ids must be known by a column whose name says nothing
_MOST_KEYS = 20  # columns of a table, of each sort, the first
_ALIKE = 0.1  # overlaps that differ by less are equal


@dataclass(frozen=True)
class _Candidate:
    """A column of a table that knows the events' ids; ``known``: share of the events' ids."""

    guess: DimensionGuess
    known: float
    place: int

    @property
    def order(self) -> tuple[float, int, int]:
        return -round(self.known / _ALIKE), -len(self.guess.columns), self.place


def dimension(
    looks: Looks,
    tables: Sequence[TableLook],
    events: tuple[EventsGuess, ...],
    side: str,
    config: type[ItemsConfig | UsersConfig],
) -> tuple[DimensionGuess | None, list[str]]:
    """The table with one row for each user or item that has most of the events' ids, and remarks on its rivals.

    Each column that can be an id is compared with the ids of the events. Of those that have about as many of them, the
    table with most describing columns wins, then the best name of a key.
    """
    found: list[_Candidate] = []
    several: list[str] = []
    for table in tables:
        mine: list[_Candidate] = []
        for place, key in enumerate(_keys(table, side)):
            by_name = rank(side, key.name)
            unique = key.distinct >= _UNIQUE * table.rows
            known, about = _known(looks, table, key, events, side)
            if about < SAME or (by_name is None and not _surely(looks, table, key, events, side, known)):
                continue
            if not unique:
                several.append(
                    f"{table.name} is left out: its {key.name} knows the {side}s of the events, but has several rows"
                    " for one"
                )
                continue
            columns = _describing(table, key.name, side, config)
            if columns or (side == "item" and by_name is not None):
                order = 1000 + place if by_name is None else by_name
                mine.append(_Candidate(DimensionGuess(table, key.name, columns), known, order))
        found += sorted(mine, key=lambda c: c.order)[:1]
    if not found:
        several += _written_otherwise(looks, tables, events, side)
        return None, several[:3]
    chosen, *rivals = sorted(found, key=lambda c: c.order)
    remarks = [
        f"{c.guess.table.name} is left out, though its {c.guess.key} knows {c.known:.0%} of the {side}s:"
        f" {chosen.guess.table.name} knows {chosen.known:.0%} and says more of them"
        for c in rivals
    ]
    taken, its_key = chosen.guess.table, chosen.guess.key
    own, own_remarks = attributes(taken, side, {its_key, *chosen.guess.columns.values()})
    empty = empty_words(looks, taken, [its_key, *chosen.guess.columns.values(), *(c for c, _ in own.values())])
    if empty:
        listed = ", ".join(
            f"{c} ({', '.join(map(repr, words))}, {some(sum(words.values()), 'row')})" for c, words in empty.items()
        )
        remarks.append(f"{taken.name} has cells that are taken for empty ones (nulls): {listed}")
    nulls = {c: tuple(words) for c, words in empty.items()}
    return DimensionGuess(taken, its_key, chosen.guess.columns, nulls, own), remarks + own_remarks


def _keys(table: TableLook, side: str) -> list[ColumnLook]:
    """The columns that are worth asking: ids whose names say the side, and unique
    ones in the first place or so called.
    """
    other = "user" if side == "item" else "item"
    by_name = [c for c in table.columns if is_id(c) and rank(side, c.name) is not None]
    rest = [
        c
        for c in table.columns
        if is_id(c)
        and c not in by_name
        and c.distinct >= _UNIQUE * table.rows
        and rank(other, c.name) is None
        and (c == table.columns[0] or (name_parts(c.name)[-1:] and name_parts(c.name)[-1] in ID_ENDS))
    ]
    chosen = {c.name for c in (*by_name[:_MOST_KEYS], *rest[:_MOST_KEYS])}
    return [c for c in table.columns if c.name in chosen]


def _surely(
    looks: Looks, table: TableLook, key: ColumnLook, events: tuple[EventsGuess, ...], side: str, known: float
) -> bool:
    """Whether a key whose name says nothing is one for this side: numbers from 1 on are in any other table's too, so
    nearly all ids must be known, the other side's must not be known better, nor the table be called after it.
    """
    other = "user" if side == "item" else "item"
    if known < _SURELY or rank(other, table.name) is not None:
        return False
    return rank(side, table.name) is not None or _known(looks, table, key, events, other)[0] < known


def _known(
    looks: Looks, table: TableLook, key: ColumnLook, events: tuple[EventsGuess, ...], side: str
) -> tuple[float, float]:
    """Share of the events' ids that a column knows, and that or the other way round, whichever is larger."""
    one = (table.name, key.name)
    known = max(looks.shared(e.table.name, e.columns[side], *one) for e in events)
    return known, max(known, *(looks.shared(*one, e.table.name, e.columns[side]) for e in events))


def _describing(table: TableLook, key: str, side: str, config: type[ItemsConfig | UsersConfig]) -> dict[str, str]:
    """Contract column → the column that says it; the best names first, so that prod_name is no product type."""
    wanted = [c for c in config.model_fields if c in WORDS and c != side]  # attributes have names of the shop's own
    ranked = sorted(
        (place, n, wanted.index(ours), ours, column.name)
        for n, column in enumerate(table.columns)
        for ours in wanted
        if column.name != key
        and (place := rank(ours, column.name)) is not None
        and (is_money(column) if ours == "price" else column.found != "nested" and column.filled > 0)
    )
    named: dict[str, str] = {}
    for _, _, _, ours, column in ranked:
        if ours not in named and column not in named.values():
            named[ours] = column
    return {ours: named[ours] for ours in wanted if ours in named}


def _written_otherwise(
    looks: Looks, tables: Sequence[TableLook], events: tuple[EventsGuess, ...], side: str
) -> list[str]:
    """Tables whose ids would be the events' if zeros before and after them did not
    count: 0108775015, 108775015, 108775015.0.
    """
    remarks = []
    for table in tables:
        for key in (c for c in _keys(table, side) if c.distinct >= _UNIQUE * table.rows):
            one = (table.name, key.name)
            alike = max(looks.alike(e.table.name, e.columns[side], *one) for e in events)
            if alike >= _SURELY and _known(looks, table, key, events, side)[1] < SAME:
                theirs, first = key.samples[0][0], events[0].table.column(events[0].columns[side]).samples[0][0]
                remarks.append(
                    f"{table.name} is left out: {key.name} has the {side}s of the events, but writes them in another"
                    f" way ({theirs}; the events say {first}); write one of the files again"
                )
    return remarks


def overlap(looks: Looks, one: tuple[str, str], other: tuple[str, str]) -> float:
    """Share of the values of one column that the other has too, or the other way round, whichever is larger."""
    return max(looks.shared(*one, *other), looks.shared(*other, *one))
