"""content and segment_popularity by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from fuserank.learning.recommenders import content_based, contract, segments, state
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.settings_content import ContentConfig, SegmentPopularityConfig
from fuserank.registry.sources import recommenders
from tests.support.family import pairs, rows_of

Fact = tuple[str, int, str, str]


def known(table: pa.Table, *facts: Fact) -> Interactions:
    side, index, field, value = zip(*facts, strict=True) if facts else ((), (), (), ())
    columns = [
        pa.array(side, pa.string()),
        pa.array(index, pa.int32()),
        pa.array(field, pa.string()),
        pa.array(value, pa.string()),
    ]
    return replace(Interactions.of(table), content=Content(pa.table(columns, names=list(CONTENT_COLUMNS))))


def scores(name: str, of: Interactions, cfg: Any, history: pa.Table) -> dict[int, dict[int, float]]:
    """By user and item; what was taken is listed, too."""
    source = recommenders()[name]
    rows = state.State(pa.Table.from_batches(list(source.code("learn")(of, cfg, 1, (0, 1)))))
    found: dict[int, dict[int, float]] = {}
    for batch in contract.listed(source, source.code("Scorer")(rows, cfg), history, 99, exclude_seen=False):
        for user, item, _, score in rows_of(batch):
            found.setdefault(user, {})[item] = score
    return found


# --- content

SHOP: tuple[Fact, ...] = (
    *(("item", i, "type", "a" if i != 12 else "b") for i in (10, 11, 12, 13)),  # nobody took 13
    ("item", 10, "colour", "red"),
    ("item", 12, "colour", "red"),
    ("item", 12, "colour", "blue"),
    ("item", 11, "promotion", "display"),
    ("item", 12, "promotion", "display"),
)
TAKEN = pairs([(1, 10, 1, 0), (2, 10, 1, 0), (2, 12, 1, 1), (3, 11, 1, 0)])
CONTENT = ContentConfig(
    half_life=None,
    popularity_half_life=1,
    prior=0.1,
    weight=0.5,
    field_weights={"colour": 2.0},
    item_weight=0.3,
    smoothing=2,
)


def test_content_scores_by_the_shares_of_values_and_recent_popularity() -> None:
    found = scores("content", known(TAKEN, *SHOP), CONTENT, pairs([(8, 10, 1, 0), (9, 11, 3, 0)]))
    share = {"a": 4 / 5, "red": 3.5 / 5, 10: 3 / 5, 11: 2 / 5}  # (taken + 1) / (4 + 1); of 12 half counts as red
    like_a = {user: 0.5 * log(1 + n / (2 * share["a"])) for user, n in ((8, 1), (9, 3))}
    like_red = 2.0 * log(1 + 1 / (2 * share["red"]))
    own = {(8, 10): 0.3 * log(1 + 1 / (2 * share[10])), (9, 11): 0.3 * log(1 + 3 / (2 * share[11]))}
    assert found[8] == pytest.approx(
        {
            10: log(2.1) + like_a[8] + like_red + own[8, 10],
            11: log(1.1) + like_a[8],
            12: log(0.6) + like_red / 2,
            13: log(0.1) + like_a[8],
        },
        abs=1e-5,
    )
    assert found[9] == pytest.approx(
        {
            10: log(2.1) + like_a[9],
            11: log(1.1) + like_a[9] + own[9, 11],
            12: log(0.6),
            13: log(0.1) + like_a[9],
        },
        abs=1e-5,
    )


def test_what_is_old_in_a_history_says_less_of_its_owner() -> None:
    cfg = CONTENT.model_copy(update={"half_life": 4.0, "item_weight": 0.0})
    found = scores("content", known(pairs([(1, 10), (2, 12)]), *SHOP), cfg, pairs([(5, 11, 1, 20), (5, 12, 1, 12)]))
    like_a = 0.5 * log(1 + 0.25 / (2 * 2 / 3))  # eight days older than the youngest
    assert found[5][13] == pytest.approx(log(0.1) + like_a, abs=1e-5)


def test_items_that_nobody_took_are_proposed_by_what_they_are() -> None:
    new = [*SHOP, ("item", 14, "type", "b"), ("item", 15, "type", "c")]
    found = scores("content", known(TAKEN, *new), CONTENT, pairs([(7, 12)]))
    assert found[7][14] > found[7][13] == found[7][15]


# --- segments


def test_a_segments_popularity_is_drawn_to_that_of_all() -> None:
    cities = known(pairs([(1, 10), (2, 10), (2, 11), (3, 11)]), *(("user", u, "city", "x") for u in (1, 2, 4)))
    history = pairs([(1, 10), (3, 11), (4, 99), (50, 99)])  # 99 is no item of theirs
    found = scores("segment_popularity", cities, SegmentPopularityConfig(shrinkage=2), history)
    half = log(0.5)  # p; n / (m p) = n
    x, unknown = {10: half + log(1 + 2), 11: half + log(1 + 1)}, {10: half, 11: half + log(1 + 1)}
    wanted = {1: x, 3: unknown, 4: x, 50: {10: half, 11: half}}
    assert {user: pytest.approx(of, abs=1e-6) for user, of in wanted.items()} == found


def test_old_takings_count_less_and_segments_weigh_what_they_are_set_to() -> None:
    facts = (("user", 1, "city", "x"), ("user", 2, "city", "y"), ("item", 10, "type", "a"), ("item", 11, "type", "a"))
    of = known(pairs([(1, 10, 5, 0), (2, 11, 5, 3)]), *facts)
    cfg = SegmentPopularityConfig(half_life=3, shrinkage=1, user_weight=0.5, history_weight=2)
    found = scores("segment_popularity", of, cfg, pairs([(1, 10)]))
    p = {10: 1 / 1.5, 11: 0.5 / 1.5}  # all are of type a, one each of x and y
    city, of_type = 0.5 * log(1 + 1 / p[10]), {10: 2 * log(1 + 1 / p[10]), 11: 2 * log(1 + 0.5 / p[11])}
    wanted = {10: log(p[10]) + city + of_type[10], 11: log(p[11]) + of_type[11]}
    assert found[1] == pytest.approx(wanted, abs=1e-6)


def test_a_history_is_of_the_value_in_which_it_stands_out() -> None:
    shop = [("item", i, "type", "a" if i < 13 else "b") for i in range(10, 14)]
    taken = pairs([(1, 10), (1, 11), (1, 13), (2, 10), (2, 11), (2, 12), (3, 10), (3, 12)])  # an eighth is of type b
    of = known(taken, *shop)
    overall_I = np.array([3, 2, 2, 1]) / 8
    found = segments.Segments.of(of, overall_I, SegmentPopularityConfig())
    assert found.members(of, None).toarray().tolist() == [[0, 1], [1, 0], [1, 0]]  # user 1: a third is of b


@pytest.mark.parametrize("m", [20.0, 200.0])
def test_m_is_found_from_the_spread_of_the_segments(m: float) -> None:
    random = np.random.default_rng(3)
    overall_I = random.dirichlet(np.full(50, 5.0))
    drawn = [random.multinomial(400, random.dirichlet(m * overall_I)) for _ in range(60)]
    alike = [random.multinomial(400, overall_I) for _ in range(60)]
    field_S = np.repeat([0, 1], 60)
    found = segments._spread(sp.csr_matrix(np.array([*drawn, *alike], np.float64)), overall_I, field_S)
    assert m / 1.3 < found[0] < m * 1.3
    assert found[60] > 5_000


def test_a_field_with_many_values_and_one_of_how_things_are_sold_make_no_segments() -> None:
    facts = [("item", i, "code", str(i)) for i in range(5)] + [("item", i, "promotion", "display") for i in range(5)]
    of = known(pairs([(u, u) for u in range(5)]), *facts)
    assert len(segments.Segments.of(of, np.full(5, 0.2), SegmentPopularityConfig(values=4)).field_S) == 0
    assert len(segments.Segments.of(of, np.full(5, 0.2), SegmentPopularityConfig(values=5)).field_S) == 5


def test_learning_keeps_no_row_twice() -> None:
    for module, cfg in ((content_based, CONTENT), (segments, SegmentPopularityConfig())):
        rows = rows_of(pa.Table.from_batches(list(module.learn(known(TAKEN, *SHOP), cfg, 1, (0, 1)))))  # type: ignore[attr-defined]
        keys = [row[:3] for row in rows]
        assert len(set(keys)) == len(keys)
