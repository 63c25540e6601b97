"""Quality of lists against a truth by hand; the settings that a search tries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.auto import Numbers
from fuserank.config.base import Section
from fuserank.config.candidates import PopularConfig
from fuserank.config.fusion import FusionConfig
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation.leaderboard import Lists, Row
from fuserank.evaluation.protocols import Split
from fuserank.insight.reports import leaderboard as page
from fuserank.learning.recommenders.settings import GraphFilterConfig, IalsConfig, ItemCfConfig
from fuserank.registry.sources import recommenders
from fuserank.usecases.leaderboard_fusion import fusion_of
from tests.support.family import pairs

NOTHING = pa.table({})


def lists(*rows: tuple[int, int, int]) -> Lists:
    user, item, rank = np.array(rows, np.int32).T
    return Lists(user, item, rank, np.ones(len(rows), np.float32))


def test_recall_is_over_all_truth_and_ndcg_over_the_ideal_list() -> None:
    split = Split(NOTHING, NOTHING, np.array([3, 3, 3, 8]), np.array([10, 11, 12, 10]))
    recommended = lists((3, 99, 1), (3, 11, 2), (3, 10, 3), (5, 10, 1))  # user 5 has no truth, user 8 no list
    names, value_UM = board.per_user(recommended, split, (2, 3))
    assert names == ["recall@2", "capped_recall@2", "ndcg@2", "recall@3", "capped_recall@3", "ndcg@3"]
    two, three = 1 / np.log2(3), 1 / np.log2(4)
    ideal = 1 + two + three
    expected = [[1 / 3, 1 / 2, two / (1 + two), 2 / 3, 2 / 3, (two + three) / ideal], [0] * 6]
    np.testing.assert_allclose(value_UM, expected)


def test_means_lie_within_their_intervals() -> None:
    value_UM = np.random.default_rng(1).random((50, 2))
    means, ci95 = board.means(["a", "b"], value_UM, 200, seed=5)
    for name in ("a", "b"):
        assert ci95[name][0] < means[name] < ci95[name][1]
    assert board.means(["a", "b"], value_UM, 200, seed=5) == (means, ci95)


def test_what_one_is_worth_more_to_the_same_users_is_known_better_than_what_either_is_worth() -> None:
    floor_UM = np.random.default_rng(1).random((50, 1))
    value_UM = floor_UM + np.linspace(0.08, 0.12, 50)[:, None]
    mean, low, high = board.minus(["a"], value_UM, floor_UM, 200, seed=5)["a"]
    assert 0.095 < low < mean < high < 0.105
    assert mean == pytest.approx(0.1)
    alone = board.means(["a"], value_UM, 200, seed=5)[1]["a"]
    assert alone[1] - alone[0] > 10 * (high - low)


def tried(search: board.Search) -> list[Section]:
    """All that it tries, the best being the settings with the weakest sharpening and the most factors."""
    found = []
    for config in search:
        found.append(config)
        search.tell(config, config.factors - 100 * config.sharpening)  # type: ignore[attr-defined]
    return found


def test_a_search_begins_with_what_was_given_tries_each_once_and_ends_near_the_best() -> None:
    start = GraphFilterConfig(ideal_weight=0.7, sharpening=2.5, factors=128)
    fixed = {"ideal_weight", "half_life", "lift"}
    search = board.Search(start, fixed, 20, seed=1)
    found = tried(search)
    assert found[0] == start
    assert len(found) == 20 == len({c.model_dump_json() for c in found})
    assert {c.ideal_weight for c in found} == {0.7}  # type: ignore[attr-defined]
    assert search.best == start.model_copy(update={"sharpening": 0.0, "factors": 448})
    assert tried(board.Search(start, fixed, 20, seed=1)) == found


def test_a_search_ends_where_nothing_else_is_left() -> None:
    search = board.Search(PopularConfig(), {"windows", "half_life"}, 10, seed=1)
    assert list(search) == [PopularConfig()]
    small = board.Search(
        GraphFilterConfig(factors=64), {"ideal_weight", "sharpening", "half_life", "lift"}, 200, seed=1
    )
    assert {c.factors for c in small} == {16, 32, 64, 128, 256, 448}  # type: ignore[attr-defined]


def test_a_search_leaves_out_what_the_data_are_too_small_for_and_what_looks_at_an_order_that_they_lack() -> None:
    few = Numbers(users=900, items=150, pairs=9000)
    assert board.Search(IalsConfig(), set(), 9, 1, few).space["factors"] == [16, 32, 64]
    aged = {"half_life", "closeness", "backward"}
    assert not aged & board.Search(ItemCfConfig(), set(), 9, 1, few).space.keys()
    assert aged <= board.Search(ItemCfConfig(), set(), 9, 1, Numbers(900, 150, 9000, pace=1.0)).space.keys()


BY_HAND: dict[str, list[dict[str, Any]]] = {  # what docs/models.md chose so
    "popular": [{"windows": [{"days": 100_000, "weight": 1}]}, {"half_life": 14}, {"half_life": 28}, {"half_life": 4}],
    "item_cf": [
        {"neighbours": 100, "shrinkage": 100, "row_power": 0, "popularity_power": 0.3},
        {"closeness": 3, "backward": 0.25, "half_life": 2},
    ],
    "user_cf": [{"row_power": 0.4}],
    "ials": [
        {"factors": 512},
        {"factors": 1024, "iterations": 8, "regularization": 0.003, "unobserved_weight": 0.03, "popularity_power": 0.4},
        {"factors": 128},
        {"factors": 32, "unobserved_weight": 0.3, "regularization": 0.005, "weighting": "log"},
    ],
    "graph_filter": [{"half_life": 2}],
    "ppr": [{"half_life": 2}],
    "ease": [{"regularization": 100}, {"regularization": 500}],
    "kg": [{"half_life": 90, "popularity_half_life": 28}],
    "segment_popularity": [{"shrinkage": 30000, "user_weight": 0.5, "history_weight": 0.5}],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_search_can_find_what_was_chosen_by_hand(name: str) -> None:
    settings = recommenders()[name].settings
    space = board.Search(settings(), set(), 1, seed=1).space
    for wanted in BY_HAND[name]:
        for key, value in wanted.items():
            assert getattr(settings.model_validate({key: value}), key) in [
                getattr(settings.model_validate({key: choice}), key) for choice in space[key]
            ]


def test_a_fusion_takes_the_settings_that_are_given_and_its_own_else() -> None:
    own = fusion_of(FusionConfig(), (5, 20))
    assert (own.top_n, own.min_weight, own.new_track_share, own.method) == (20, 0.0, 0.0, "weighted")
    config = fusion_of(FusionConfig(method="reciprocal_rank", rrf_k=7, top_n=5), (5, 20))
    assert (config.method, config.rrf_k, config.top_n, config.min_weight) == ("reciprocal_rank", 7, 5, 0.0)
    with pytest.raises(FuserankError, match="new_track_share is of the chain"):
        fusion_of(FusionConfig(new_track_share=0.5), (5, 20))


def test_what_tuning_would_add_is_said_by_gain_and_what_was_left_out() -> None:
    gain = {"metric": "ndcg@20", "default": 0.1, "best": 0.12, "trials": 8, "differs": {"factors": 16}}
    none = {"metric": "ndcg@20", "default": 0.2, "best": 0.2, "trials": 3, "differs": {}}
    lines = page.beside(["ease"], {"bpr": none, "ials": gain}, 10)
    assert lines[0].startswith("left out, as they would not be done in 10 minutes: ease;")
    assert lines[1].startswith("what tuning would add, ndcg@20 on the validation part")
    assert lines[2:] == [
        "    ials 0.1000 → 0.1200 of 8 tried: factors=16",
        "    bpr 0.2000 → 0.2000 of 3 tried: nothing better yet",
    ]
    assert page.beside([], {}, None) == []


@pytest.fixture
def rows() -> list[Row]:
    metrics = [{"recall@10": v, "ndcg@10": v / 2} for v in (0.1, 0.2)]
    return [
        Row(name, {"k": 1}, m, {n: (v - 0.01, v + 0.01) for n, v in m.items()}, 3.0, 2.0, 512.0)
        for name, m in zip(("<low>", "high"), metrics, strict=True)
    ]


def test_the_best_stands_on_top(rows: list[Row]) -> None:
    lines = page.lines(rows)
    assert "recall@10" in lines[0]
    assert lines[1].split()[0] == "high"
    assert "0.1000 (0.0900 … 0.1100)" in lines[1]


def test_rows_beside_the_floor_are_shown_less_it(rows: list[Row]) -> None:
    assert "popular" not in page.lines(rows)[0]
    rows[1].minus = {"ndcg@10": (0.05, 0.03, 0.07)}
    lines = page.lines(rows)
    assert "ndcg@10 − popular" in lines[0]
    assert "+0.0500 (+0.0300 … +0.0700)" in lines[1]
    assert "+" not in lines[2]
    assert "+0.0500 (+0.0300 … +0.0700)" in page.render(rows, "a", "temporal", "0123456789abcdef", 7)


def test_the_page_has_both_plots_and_takes_names_as_text(rows: list[Row]) -> None:
    html = page.render(rows, "a & b", "given-split", "0123456789abcdef", 7)
    assert "a &amp; b" in html
    assert "chart-quality" in html
    assert "chart-cost" in html
    assert "<low>" not in html.split("<body>")[1].split("<script")[0]


def test_own_items_and_others_are_judged_apart_each_list_cut_among_its_kind() -> None:
    """User 1 had 10 and 11 and takes 10 and 20; user 2 had 10 and takes 21 alone; lists of 1 and 2."""
    history = pairs([(1, 10), (1, 11), (2, 10)])
    split = Split(history, history, np.array([1, 1, 2]), np.array([10, 20, 21]))
    user, item = np.array([1, 1, 1, 2, 2, 2]), np.array([11, 10, 20, 10, 20, 21])
    score = np.array([9, 8, 7, 6, 5, 4], np.float32)
    parts = dict(enumerate(board.judged(Lists(user, item, np.array([1, 2, 3] * 2), score), split, (1, 2), True)))
    found = {name: value_UM[:, n].tolist() for names, value_UM in parts.values() for n, name in enumerate(names)}
    assert found["recall@2"] == [0.5, 0.0]
    assert (found["repeat_recall@1"], found["repeat_recall@2"]) == ([0.0], [1.0])  # user 2 takes nothing again
    assert found["explore_recall@1"] == [1.0, 0.0]
    assert found["explore_recall@2"] == [1.0, 1.0]
    assert sorted(found, key=board.place)[-3:] == ["recall@2", "capped_recall@2", "ndcg@2"]
    assert sorted(found, key=board.place)[:2] == ["repeat_recall@1", "repeat_ndcg@1"]
    assert "explore_capped_recall@1" not in found


def test_a_kind_that_nobody_takes_is_not_judged() -> None:
    history = pairs([(1, 10)])
    split = Split(history, history, np.array([1]), np.array([20]))
    made = Lists(np.array([1]), np.array([20]), np.array([1]), np.ones(1, np.float32))
    assert [names[0] for names, _ in board.judged(made, split, (1,), True)] == ["recall@1", "explore_recall@1"]


def test_lists_of_two_kinds_become_one_by_score_with_ties_to_the_lower_item() -> None:
    own = Lists(np.array([1, 1, 2]), np.array([5, 9, 5]), np.array([1, 2, 1]), np.array([3, 1, 1], np.float32))
    other = Lists(np.array([1, 1]), np.array([4, 2]), np.array([1, 2]), np.array([3, 1], np.float32))
    found = board.merged(own, other)
    assert (found.user.tolist(), found.item.tolist()) == ([1, 1, 1, 1, 2], [4, 5, 2, 9, 5])
    assert found.rank.tolist() == [1, 2, 3, 4, 1]
