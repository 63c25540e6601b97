"""NDCG by hand on two users, and the search that maximises it."""

import numpy as np
import pytest

from fuserank.config.fusion import FusionConfig
from fuserank.evaluation.metrics import Grid, capped_recall, ndcg, recall, top_columns
from fuserank.stages.fusion.weights import FitWindow, search


def test_ndcg_of_a_hit_at_rank_two_with_two_true_items_is_its_discount_over_the_ideal() -> None:
    hit_UK = np.array([[False, True, False], [True, False, True], [False, False, False]])
    got = ndcg(hit_UK, np.array([2, 1, 0]), 3)
    ideal_of_two = 1 + 1 / np.log2(3)
    assert got == pytest.approx([(1 / np.log2(3)) / ideal_of_two, 1.5, 0.0])  # the second has more hits than truth


def test_recall_divides_by_all_truth_and_capped_recall_by_what_a_list_can_hold() -> None:
    hit_UK = np.array([[True, True], [True, False]])
    assert capped_recall(hit_UK, np.array([5, 1]), 2).tolist() == [1.0, 1.0]
    assert recall(hit_UK, np.array([5, 1])).tolist() == [0.4, 1.0]


def test_ties_go_to_the_lower_column_even_at_the_edge_of_the_list() -> None:
    score_UL = np.array([[0.5, 0.5, 0.9, 0.5], [1.0, 2.0, -np.inf, 3.0]])
    assert top_columns(score_UL, 2).tolist() == [[2, 0], [3, 1]]
    assert top_columns(np.array([[1.0, 1.0]]), 5).tolist() == [[0, 1]]


def test_a_grid_gives_every_user_one_padded_line() -> None:
    grid = Grid.of(np.array([3, 3, 7, 9, 9, 9]))
    assert grid.users_U.tolist() == [3, 7, 9]
    assert grid.spread(np.arange(6.0), -1.0).tolist() == [[0, 1, -1], [2, -1, -1], [3, 4, 5]]


def _window(part_SN: list[list[float]], label_N: list[int], own_N: list[int]) -> FitWindow:
    user_N = np.zeros(len(label_N), dtype=int)
    proposed_N = np.ones(len(label_N), dtype=bool)
    return FitWindow.of(user_N, np.array(part_SN), proposed_N, np.array(label_N) > 0, np.array(own_N) > 0)


def test_the_best_by_a_weighted_sum_are_those_of_a_full_sort_to_the_bit_also_where_scores_are_tied() -> None:
    rng = np.random.default_rng(8)
    user_N = np.sort(rng.integers(0, 40, 2000))
    part_SN = rng.integers(0, 4, (3, 2000)) / 7  # few values: many ties
    scored_N, label_N, own_N = (rng.random(2000) < share for share in (0.8, 0.1, 0.3))
    window = FitWindow.of(user_N, part_SN, scored_N, label_N, own_N)
    weight_S, cfg = np.array([0.5, 0.3, 0.2]), FusionConfig(top_n=7)
    grid = Grid.of(user_N)
    label_UL, own_UL = grid.spread(label_N, False), grid.spread(own_N, False)
    score_UL = np.full(label_UL.shape, -np.inf)
    total_N = weight_S[0] * part_SN[0] + weight_S[1] * part_SN[1] + weight_S[2] * part_SN[2]
    score_UL[grid.row_of_N, grid.column_of_N] = np.where(scored_N, total_N, -np.inf)
    value = 0.0
    for share, mine_UL in ((0.5, np.zeros_like(own_UL)), (0.5, own_UL)):
        masked_UL = np.where(mine_UL, -np.inf, score_UL)
        top_UK = top_columns(masked_UL, 7)
        hit_UK = np.take_along_axis(label_UL, top_UK, 1) & np.isfinite(np.take_along_axis(masked_UL, top_UK, 1))
        truth_U = (label_UL & ~mine_UL).sum(axis=1)
        value += share * ndcg(hit_UK, truth_U, 7).sum() / (truth_U > 0).sum()
    assert window.objective(weight_S, cfg) == pytest.approx(value, abs=1e-14)
    assert window.objectives([weight_S, weight_S[::-1]], cfg)[0] == window.objective(weight_S, cfg)


def test_weight_moves_to_the_source_that_knows_better() -> None:
    cfg = FusionConfig(top_n=1, min_weight=0.0)
    window = _window([[0.9, 0.1, 0.2], [0.1, 0.8, 0.3]], [0, 1, 0], [0, 0, 0])
    weight_S, best = search(window, 0, cfg)
    assert best == 1.0
    assert weight_S[1] > 0.5
    assert weight_S.sum() == pytest.approx(1.0)


def test_weight_stays_with_the_model_where_nothing_is_gained_and_every_source_keeps_its_floor() -> None:
    window = _window([[0.9, 0.1], [0.8, 0.7], [0.8, 0.7]], [1, 0], [0, 0])
    weight_S, _ = search(window, 0, FusionConfig(top_n=1, min_weight=0.01))
    assert weight_S.tolist() == pytest.approx([0.98, 0.01, 0.01])


def test_the_track_new_masks_what_was_bought_before() -> None:
    cfg = FusionConfig(top_n=1, new_track_share=1.0)
    window = _window([[0.9, 0.5, 0.1]], [1, 0, 1], [1, 0, 0])
    # item 0 is masked: item 1 leads and is wrong, although the true new item 2 is there
    assert window.objective(np.ones(1), cfg) == 0.0
    assert window.objective(np.ones(1), cfg.model_copy(update={"new_track_share": 0.0})) == 1.0


def test_an_item_that_no_source_gave_is_never_listed_but_counts_in_the_ideal() -> None:
    user_N, proposed_N = np.zeros(2, dtype=int), np.array([True, False])
    window = FitWindow.of(user_N, np.array([[0.4, 0.0]]), proposed_N, np.array([True, True]), np.array([False, False]))
    got = window.objective(np.ones(1), FusionConfig(top_n=2, new_track_share=0.0))
    assert got == pytest.approx(1 / (1 + 1 / np.log2(3)))
