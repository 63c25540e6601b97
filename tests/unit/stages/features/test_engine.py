"""States of parts of the events merge into that of all, in any order; ages, windows
and decays are read off them as of a day.
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuserank.config.features import FeaturesConfig
from fuserank.history.events import Q20
from fuserank.stages.features import engine
from fuserank.stages.features.compute import settings_of
from fuserank.tables.features import attribute, item, pair, store, user
from fuserank.tables.features.declare import BASKETS, ITEM_BASKETS, LINE_SUMS, ONE, Aggregate, Feature, row

AS_OF = 40
COLUMNS = ("user", "item", "basket", "day", "store", *LINE_SUMS)
_line = st.tuples(
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 4),
    st.integers(0, AS_OF - 1),
    st.sampled_from([0, 1, engine.NO_STORE]),
    st.just(1),
    st.integers(0, 3),
    st.integers(0, 10**6),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(-(10**6), 10**6),
)
_lines = st.lists(_line, min_size=1, max_size=40)


def block(lines: list[tuple[int, ...]]) -> engine.Block:
    return {name: np.array([line[k] for line in lines], np.int64) for k, name in enumerate(COLUMNS)}


def plain(state: engine.Block) -> dict[str, list[int]]:
    return {name: state[name].tolist() for name in COLUMNS}


@given(_lines, st.randoms(use_true_random=False))
def test_states_of_any_parts_merge_in_any_order_into_the_state_of_all_lines(lines: list[tuple[int, ...]], rng) -> None:  # type: ignore[no-untyped-def]
    whole = plain(engine.merged([block(lines)]))
    cuts = sorted(rng.sample(range(1, len(lines)), rng.randint(0, len(lines) - 1)))
    shuffled = rng.sample(lines, len(lines))
    parts = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    states = [engine.merged([block(part)]) for part in parts]
    assert plain(engine.merged(states)) == whole  # all at once
    assert plain(reduce(lambda a, b: engine.merged([a, b]), states)) == whole  # one after the other
    while len(states) > 1:  # and as a tree
        rng.shuffle(states)
        states = [*states[2:], engine.merged(states[:2])]
    assert plain(states[0]) == whole


def _aggregates() -> list[tuple[str, Feature]]:
    declared = {"pair": pair, "item": item, "user": user, "store": store, "attribute": attribute}
    return [(of, f) for of, keys in declared.items() for f in keys.FEATURES if isinstance(f.made, Aggregate)]


@given(_lines, st.integers(1, AS_OF))
def test_every_declared_count_of_baskets_is_what_a_loop_over_them_says(
    lines: list[tuple[int, ...]], as_of: int
) -> None:
    settings = settings_of(FeaturesConfig())
    state = engine.known(
        engine.ordered(block(lines) | {"seen": block(lines)["day"], "back": block(lines)["day"] + 999}), as_of
    )
    if not len(state["user"]):
        return
    taken = engine.Taken(state, as_of, settings)
    visits, visited = taken.baskets()
    for rows, columns, basket in (
        (ITEM_BASKETS, taken.item_baskets, state["basket"]),
        (BASKETS, visited, visits["basket"]),
    ):
        everything = np.array([0])
        order = np.argsort(basket, kind="stable")
        columns = {name: values[order] for name, values in columns.items()}
        declared = [f for _, f in _aggregates() if isinstance(f.made, Aggregate) and f.made.rows == rows]
        for one in declared:
            found = taken.aggregates([one], rows, columns, everything, basket[order])[one.name]
            assert found.tolist() == [_looped(one, columns, basket[order], settings)], one.name


def _looped(one: Feature, columns: dict[str, np.ndarray], basket: np.ndarray, settings: dict[str, float]) -> int:
    made = one.made
    assert isinstance(made, Aggregate)
    low, high = made.ages or (0, 10**6)
    high = settings[high] if isinstance(high, str) else high
    seen, values = set(), []
    for k, age in enumerate(columns["row.age_days"].tolist()):
        if not low <= age <= high or (made.by_basket and basket[k] in seen):
            continue
        seen.add(basket[k])
        line = {name: values_[k : k + 1] for name, values_ in columns.items()}
        value = 1 if made.of is ONE else int(made.of.of(line)[0])
        values.append(math.floor(Q20 * 2.0 ** (-age / made.half_life)) if made.half_life else value)
    return {"sum": sum, "min": min, "max": max}[made.merge](values)  # type: ignore[operator,no-any-return]


def test_a_line_counts_from_the_day_after_it_was_known_until_the_day_on_which_its_return_was() -> None:
    lines = block([(0, 0, 0, 5, 0, 1, 1, 100, 0, 0, 0, 0)]) | {"seen": np.array([7]), "back": np.array([9])}
    counts = {day: len(engine.known(engine.ordered(lines), day)["user"]) for day in range(5, 12)}
    assert counts == {5: 0, 6: 0, 7: 0, 8: 1, 9: 1, 10: 0, 11: 0}


def test_a_late_line_moves_its_basket_to_the_later_day_and_leaves_the_count_of_baskets() -> None:
    early, late = block([(0, 1, 3, 5, 1, 1, 1, 100, 0, 1, 1, -7)]), block([(0, 1, 3, 6, 0, 1, 2, 50, 1, 0, 1, 9)])
    state = engine.merged([engine.merged([early]), engine.merged([late])])
    assert plain(state) == plain(block([(0, 1, 3, 6, 0, 2, 3, 150, 1, 1, 2, 2)]))


def test_a_sum_that_a_double_cannot_hold_is_refused_by_the_name_of_its_formula() -> None:
    with pytest.raises(OverflowError, match=r"row\.spend_minor"):
        engine.whole(row.spend_minor, {"row.spend_minor": np.array([2.0**53])})
    with pytest.raises(OverflowError, match="whole"):
        engine.whole(row.quantity / 2, {"row.quantity": np.array([3])})
