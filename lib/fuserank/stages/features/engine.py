"""Declared features out of what was taken: rows merged by key, aggregates reduced over
them, formulas worked out. No Spark here.

The state of a key is its rows per basket: the basket's last day and integer sums. States of parts of the events
merge by the same operation that makes them of lines, in any grouping and order (``merged``), and nothing in
them depends on the day they are asked for: ages, windows and decays are read off at as_of. All arrays of a
block have one entry a row; N counts item baskets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.tables.features.declare import ITEM_BASKETS, LINE_SUMS, ONE, PAIRS, Aggregate, Feature, Rows
from fuserank.tables.features.formulas import Q20, Formula

Longs = npt.NDArray[np.int64]
Block = dict[str, Longs]
NO_STORE = np.iinfo(np.int64).max  # so that the lowest store of several lines is the minimum
NEVER = np.iinfo(np.int32).max  # the day on which a line is known to be taken back that nobody took back
_KEY = ("user", "item", "basket")


def merged(states: Sequence[Block]) -> Block:
    """Lines, or states of parts, as one state: a row per user, item and basket, sorted by them.

    Columns: user, item, basket; day (the latest; days since 1970), store (the lowest), LINE_SUMS.
    """
    rows = {name: np.concatenate([s[name] for s in states]) for name in (*_KEY, "day", "store", *LINE_SUMS)}
    return _per_basket(ordered(rows))


def ordered(lines: Block) -> Block:
    """Lines sorted as ``known`` wants them."""
    order = np.lexsort(tuple(lines[name] for name in reversed(_KEY)))
    return {name: values[order] for name, values in lines.items()}


def known(lines: Block, as_of: int) -> Block:
    """The state of ``ordered`` lines that were known before as_of (days since 1970) and not known to be taken back."""
    stands = (lines["seen"] < as_of) & (lines["back"] >= as_of)
    if stands.all():
        return _per_basket(lines)
    return _per_basket({name: values[stands] for name, values in lines.items()})


def _per_basket(rows: Block) -> Block:
    starts = starts_of(*(rows[name] for name in _KEY))
    made = {name: rows[name][starts] for name in _KEY}
    if not len(starts):
        return made | {name: rows[name] for name in ("day", "store", *LINE_SUMS)}
    made |= {name: np.add.reduceat(rows[name], starts) for name in LINE_SUMS}
    made["day"] = np.maximum.reduceat(rows["day"], starts)
    made["store"] = np.minimum.reduceat(rows["store"], starts)
    return made


def starts_of(*sorted_keys: Longs) -> Longs:
    """Where a new key begins."""
    first = np.ones(len(sorted_keys[0]), bool)
    if len(first):
        first[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in sorted_keys])
    return np.flatnonzero(first)


class Taken:
    """What was taken, as of a day: rows of the three kinds that declarations count, by kind."""

    def __init__(self, state: Block, as_of: int, settings: Mapping[str, float]) -> None:
        self.settings = {f"setting.{name}": value for name, value in settings.items()}
        self.item_baskets = _aged(state, as_of)
        self.user, self.item, self.basket = (state[name] for name in _KEY)
        self.store = state["store"]

    def baskets(self) -> tuple[Block, dict[str, Longs]]:
        """user, basket, store of each basket, sorted by them, and its row.* columns."""
        order = np.lexsort((self.basket, self.user))
        user, basket, store = (x[order] for x in (self.user, self.basket, self.store))
        starts = starts_of(user, basket)
        named = {f"row.{n}": add_up(self.item_baskets[f"row.{n}"][order], starts) for n in LINE_SUMS}
        named["row.age_days"] = least(self.item_baskets["row.age_days"][order], starts)
        return {"user": user[starts], "basket": basket[starts], "store": least(store, starts)}, named

    def pairs(self, features: Iterable[Feature]) -> tuple[Block, dict[str, Longs]]:
        """user, item of each pair, sorted by them, and the aggregates that are declared of it, as pair.* columns."""
        starts = starts_of(self.user, self.item)
        made = self.aggregates(features, ITEM_BASKETS, self.item_baskets, starts)
        return {"user": self.user[starts], "item": self.item[starts]}, {f"pair.{n}": v for n, v in made.items()}

    def aggregates(
        self,
        features: Iterable[Feature],
        rows: Rows,
        columns: Mapping[str, Any],
        starts: Longs,
        basket: Longs | None = None,
    ) -> dict[str, Longs]:
        """The declared aggregates over rows of a kind, one value for each group that begins at ``starts``.

        ``basket``: of the rows, sorted within a group; wanted where a declaration counts baskets.
        """
        made = {}
        for one in features:
            if isinstance(one.made, Aggregate) and one.made.rows == rows:
                terms = self._terms(one.made, columns | self.settings, starts, basket)  # type: ignore[operator]
                made[one.name] = _MERGE[one.made.merge](terms, starts)
        return made

    def _terms(self, made: Aggregate, columns: Mapping[str, Any], starts: Longs, basket: Longs | None) -> Longs:
        rows = len(next(iter(columns.values())))
        if made.half_life is not None:
            terms = decay_q20(columns[_age(made)], made.half_life)
        elif made.of is ONE:
            terms = np.ones(rows, np.int64)
        else:
            terms = whole(made.of, columns)
        if made.ages is not None:
            age = columns[_age(made)]
            low, high = (self.settings[f"setting.{n}"] if isinstance(n, str) else n for n in made.ages)
            terms = np.where((age >= low) & (age <= high), terms, 0)
        if made.by_basket:
            assert basket is not None
            first = np.zeros(rows, bool)
            first[starts] = True
            first[1:] |= basket[1:] != basket[:-1]
            terms = np.where(first, terms, 0)
        return terms


def _age(made: Aggregate) -> str:
    """The column that tells the age of a row that is counted."""
    return f"{'pair' if made.rows == PAIRS else 'row'}.{made.age}"


def _aged(state: Block, as_of: int) -> dict[str, Longs]:
    age = np.maximum(as_of - state["day"], 1)
    return {"row.age_days": age, **{f"row.{name}": state[name] for name in LINE_SUMS}}


def whole(made: Formula, columns: Mapping[str, Any]) -> Longs:
    """A formula's values as integers; OverflowError where one is unknown, not whole
    or too large for a double to hold exactly.
    """
    values = made.of(columns)
    out = values.astype(np.int64)
    if not (np.abs(values) < 2.0**53).all() or not (out == values).all():
        raise OverflowError(
            f"{made} has values that are not whole numbers below 2^53: they would not add up to one sum"
        )
    return out


def decay_q20(age: Longs, half_life: float) -> Longs:
    """floor(2^20 · 2^(−age / half_life)) of each row, by a table of all ages."""
    if not len(age):
        return np.zeros(0, np.int64)
    table: Longs = np.floor(Q20 * np.exp2(-np.arange(age.max() + 1) / float(half_life))).astype(np.int64)
    return table[age]


def add_up(values: Longs, starts: Longs) -> Longs:
    """The sum of each group."""
    return np.add.reduceat(values, starts) if len(starts) else values


def least(values: Longs, starts: Longs) -> Longs:
    """The lowest of each group."""
    return np.minimum.reduceat(values, starts) if len(starts) else values


def greatest(values: Longs, starts: Longs) -> Longs:
    """The highest of each group."""
    return np.maximum.reduceat(values, starts) if len(starts) else values


_MERGE = {"sum": add_up, "min": least, "max": greatest}


def worked_out(
    features: Sequence[Feature], of: str, columns: Mapping[str, Any], wanted: Iterable[str] | None = None
) -> dict[str, Any]:
    """All columns of a key by name (without ``of``, its name in formulas): ``columns`` and
    what formulas make of them, in their order.

    Decayed counts come out as counts. ``wanted``: names, of which and of what they need only; None: all.
    """
    needed = None if wanted is None else _needed(features, of, wanted)
    known_columns = dict(columns)
    for one in features:
        name = f"{of}.{one.name}"
        if isinstance(one.made, Aggregate) and one.made.half_life is not None and name in known_columns:
            known_columns[name] = known_columns[name] / float(Q20)
    for one in features:
        if isinstance(one.made, Formula) and (needed is None or one.name in needed):
            known_columns[f"{of}.{one.name}"] = one.made.of(known_columns)
    return {f.name: known_columns[f"{of}.{f.name}"] for f in features if f"{of}.{f.name}" in known_columns}


def _needed(features: Sequence[Feature], of: str, wanted: Iterable[str]) -> set[str]:
    by_name = {f.name: f for f in features}
    needed: set[str] = set()
    todo = [*wanted]
    while todo:
        name = todo.pop()
        if name in by_name and name not in needed:
            needed.add(name)
            made = by_name[name].made
            todo += (
                [c.removeprefix(f"{of}.") for c in made.columns if c.startswith(f"{of}.")]
                if isinstance(made, Formula)
                else []
            )
    return needed


def read_of(features: Iterable[Feature], rows: Rows, of: str) -> set[str]:
    """Names of the columns of ``of`` that the declared aggregates over some rows read."""
    made = [f.made for f in features if isinstance(f.made, Aggregate) and f.made.rows == rows]
    columns = {c for one in made for c in one.of.columns} | {_age(one) for one in made if one.ages or one.half_life}
    return {c.removeprefix(f"{of}.") for c in columns if c.startswith(f"{of}.")}
