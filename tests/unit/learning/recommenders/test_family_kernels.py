"""What the members compute, against dense matrices in float64."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from fuserank.common.errors import FuserankError
from fuserank.config.candidates import PopularConfig, WindowTerm
from fuserank.learning.recommenders import (
    blocked,
    ease,
    graph_filter,
    ials,
    ials_blocks,
    item_cf,
    similar,
    state,
    user_cf,
)
from fuserank.learning.recommenders.ials_equations import Equations
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.mesh import Mesh
from fuserank.learning.recommenders.settings import (
    EaseConfig,
    GraphFilterConfig,
    IalsConfig,
    ItemCfConfig,
    SimilarityConfig,
    UserCfConfig,
)
from fuserank.stages.candidates import popular
from tests.support.family import pairs, plain, planted
from tests.unit.learning.recommenders.test_mesh import on_ranks

ROWS, COLUMNS = 40, 25


@functools.cache
def taken() -> Interactions:
    """Each user with 2 … 9 items, each item with a user; weights that make no ties, ages in whole numbers from 0."""
    rng = np.random.default_rng(11)
    rows = {(u, int(i)) for u in range(ROWS) for i in rng.choice(COLUMNS, 2 + u % 8, replace=False)}
    rows |= {(i % ROWS, i) for i in range(COLUMNS)}
    last = dict(sorted(rows))
    return Interactions.of(
        pairs((u, i, 0.5 + 4 * rng.random(), 0 if last[u] == i else rng.integers(0, 9)) for u, i in sorted(rows))
    )


# --- neighbours


def weighted(x_RC: np.ndarray, cfg: SimilarityConfig) -> np.ndarray:
    count_R, count_C = (x_RC > 0).sum(axis=1), (x_RC > 0).sum(axis=0)
    rarity_R1 = np.log(1 + x_RC.shape[1] / count_R)[:, None]
    if cfg.similarity == "tfidf":
        return np.sqrt(x_RC) * rarity_R1
    if cfg.similarity == "bm25":  # Robertson and Zaragoza 2009, eq. 3.15
        length_C = 1 - cfg.bm25_b + cfg.bm25_b * count_C / count_C.mean()
        return x_RC * (cfg.bm25_k1 + 1) / (cfg.bm25_k1 * length_C + x_RC) * rarity_R1
    return x_RC


def cosines(of: Interactions, cfg: SimilarityConfig) -> np.ndarray:
    """(C, C), zero on the diagonal."""
    x_RC, age_RC = of.weight.toarray().astype(np.float64), of.age.toarray()
    w_RC = weighted(x_RC, cfg)
    square_C = (w_RC**2).sum(axis=0)
    z_RC = w_RC * (x_RC > 0).sum(axis=1)[:, None] ** -cfg.row_power
    sum_CC = np.zeros((len(square_C), len(square_C)))
    for z_C, age_C in zip(z_RC, age_RC, strict=True):
        product_CC, later_CC = np.outer(z_C, z_C), age_C[:, None] - age_C[None, :]
        if isinstance(cfg, ItemCfConfig) and cfg.closeness is not None:  # backward: the other one is older
            product_CC *= 2.0 ** (-np.abs(later_CC) / cfg.closeness) * np.where(later_CC < 0, cfg.backward, 1)
        sum_CC += product_CC
    norm_CC = np.outer(square_C ** (1 - cfg.popularity_power), square_C**cfg.popularity_power)
    return np.where(np.eye(len(square_C)), 0, sum_CC / (norm_CC + cfg.shrinkage))


def swings(of: Interactions, cfg: ItemCfConfig, most: int) -> np.ndarray:
    """Yang et al. 2020, eq. 1, of the ``most`` shortest rows of a column."""
    has = [set(row.indices.tolist()) for row in of.weight]
    sum_CC = np.zeros((COLUMNS, COLUMNS))
    for c in range(COLUMNS):
        rows = sorted((r for r in range(ROWS) if c in has[r]), key=lambda r: len(has[r]))[:most]
        for u, v in combinations(rows, 2):
            for j in has[u] & has[v] - {c}:
                worth = (len(has[u]) * len(has[v])) ** -cfg.row_power
                sum_CC[c, j] += worth / (cfg.swing_smoothing + len(has[u] & has[v]))
    return sum_CC


def assert_nearest(of: Interactions, cfg: ItemCfConfig, want_CC: np.ndarray) -> None:
    """Each column's largest values above 0, best first."""
    rows = pa.Table.from_batches(list(item_cf.learn(of, cfg, 1, (0, 1))))
    index, other, value = (rows.column(c).to_numpy() for c in ("index", "other", "value"))
    for c, want_C in enumerate(want_CC):
        mine = index == c
        best = np.sort(want_C[want_C > 0])[::-1][: cfg.neighbours]
        np.testing.assert_allclose(value[mine], best, rtol=1e-5)
        np.testing.assert_allclose(want_C[other[mine]], best, rtol=1e-5)
        assert len(set(other[mine].tolist())) == len(best)


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25"])
@pytest.mark.parametrize(
    "settings",
    [
        {"row_power": 0.0},
        {"neighbours": 5, "popularity_power": 0.3, "shrinkage": 2.0, "bm25_k1": 2.0, "bm25_b": 0.4},
        {"neighbours": 4, "closeness": 3.0, "backward": 0.25},
    ],
)
def test_neighbours_are_those_of_dense_cosines(similarity: str, settings: dict[str, Any]) -> None:
    cfg = plain(ItemCfConfig, **{"similarity": similarity, **settings})
    assert_nearest(taken(), cfg, cosines(taken(), cfg))


@pytest.mark.parametrize(("most", "neighbours"), [(500, COLUMNS), (3, 4)])
def test_neighbours_by_swing_are_those_of_all_pairs_of_rows(
    most: int, neighbours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "_SWING_ROWS", most)
    cfg = plain(ItemCfConfig, similarity="swing", neighbours=neighbours, swing_smoothing=2.0, row_power=0.4)
    assert_nearest(taken(), cfg, swings(taken(), cfg, most))


@pytest.mark.parametrize("similarity", ["cosine", "tfidf", "bm25", "swing"])
def test_neighbours_alike_are_kept_by_the_lower_index(similarity: str) -> None:
    alike = Interactions.of(pairs((user, item) for user in range(4) for item in range(9)))
    cfg = plain(ItemCfConfig, **{"similarity": similarity, "neighbours": 3})
    (rows,) = similar.neighbours(alike.weight, alike.items, cfg, (0, 1))
    other_CK = rows.column(2).to_numpy().reshape(9, 3)
    assert other_CK.tolist() == [[i for i in range(9) if i != c][:3] for c in range(9)]


def test_item_cf_sums_similarities_over_the_history_as_old_as_it_is_beside_its_youngest() -> None:
    cfg = plain(ItemCfConfig, row_power=0.2, half_life=2.0)
    age, had = taken().age.toarray().astype(np.float64), taken().weight.toarray() > 0
    youngest = np.where(had, age, np.inf).min(axis=1, keepdims=True)
    history_UI = np.where(had, taken().weight.toarray() * 2.0 ** ((np.where(had, youngest, 0) - age) / 2), 0)
    assert_scores(item_cf.learn(taken(), cfg, 1, (0, 1)), item_cf, cfg, history_UI @ cosines(taken(), cfg))


def test_user_cf_sums_what_the_neighbours_took() -> None:
    cfg = UserCfConfig(neighbours=ROWS, similarity="bm25")
    turned = Interactions(taken().items, taken().users, taken().weight.T.tocsr(), taken().age.T.tocsr())
    assert_scores(user_cf.learn(taken(), cfg, 1, (0, 1)), user_cf, cfg, cosines(turned, cfg) @ taken().weight.toarray())


def assert_scores(rows: Iterator[pa.RecordBatch], of: Any, cfg: SimilarityConfig, want_UI: np.ndarray) -> None:
    row, column, score, _ = of.Scorer(state.State(pa.Table.from_batches(list(rows))), cfg).best(taken(), 99, False)
    got_UI = sp.csr_matrix((score, (row, column)), shape=want_UI.shape).toarray()
    np.testing.assert_allclose(got_UI, want_UI, rtol=1e-5, atol=1e-6)


def test_popular_counts_pairs_by_window_and_old_ones_less() -> None:
    of = Interactions.of(pairs([(0, 5, 9, 0), (1, 5, 9, 4), (0, 8, 1, 2), (2, 3, 1, 0), (3, 8, 1, 40)]))
    for half_life, windows, counts in (
        (None, [(30, 1)], [1, 2, 1]),
        (2.0, [(30, 1)], [1, 1.25, 0.5]),
        (None, [(3, 2), (99, 0.5)], [2.5, 3, 3]),
        (None, [], [0, 0, 0]),
    ):
        terms = [WindowTerm(days=days, weight=weight) for days, weight in windows]
        (rows,) = popular.learn(of, PopularConfig(half_life=half_life, windows=tuple(terms)), 1, (0, 1))
        assert rows.column(1).to_pylist() == [3, 5, 8]
        assert rows.column(3).to_pylist() == counts


# --- ials


def solved(of: sp.csr_matrix, y_OD: np.ndarray, cfg: IalsConfig, rows_are_items: bool = False) -> np.ndarray:
    """x = (α0 YᵀY + λ (n + α0 N)^ν I + Σ w y yᵀ)⁻¹ Σ w y of each row."""
    count_I = np.diff(of.indptr) if rows_are_items else np.bincount(of.indices, minlength=of.shape[1])
    scale_I = np.maximum(count_I, 1.0) ** -cfg.popularity_power
    scale_I /= np.average(scale_I, weights=count_I)
    x_RD, gram_DD = np.zeros((of.shape[0], y_OD.shape[1])), cfg.unobserved_weight * y_OD.T @ y_OD
    for n, (x_D, row) in enumerate(zip(x_RD, of, strict=True)):
        y_ND, r_N = y_OD[row.indices], row.data.astype(np.float64)
        w_N = {"none": np.ones_like(r_N), "log": 1 + np.log(np.maximum(r_N, 1)), "power": r_N**cfg.power}[cfg.weighting]
        w_N = w_N * (scale_I[n] if rows_are_items else scale_I[row.indices])
        penalty = cfg.regularization * (len(r_N) + cfg.unobserved_weight * len(y_OD)) ** cfg.frequency
        x_D[:] = np.linalg.solve(gram_DD + penalty * np.eye(len(x_D)) + (y_ND.T * w_N) @ y_ND, y_ND.T @ w_N)
    return x_RD


@pytest.mark.parametrize("weighting", ["none", "log", "power"])
@pytest.mark.parametrize("frequency", [0.0, 0.7, 1.0])
def test_a_half_step_solves_the_normal_equations(weighting: str, frequency: float) -> None:
    settings = {"factors": 6, "weighting": weighting, "frequency": frequency, "unobserved_weight": 0.1}
    cfg = plain(IalsConfig, **{**settings, "regularization": 0.05, "popularity_power": 0.3})
    y_ID = np.random.default_rng(2).standard_normal((COLUMNS, 6)).astype(np.float32)
    count_I = np.bincount(taken().weight.indices, minlength=COLUMNS)
    items = state.State(pa.Table.from_batches(state.vectors("item", np.arange(COLUMNS), y_ID, count_I)))
    x_UD = ials.Scorer(items, cfg).fold_in(taken().weight)
    np.testing.assert_allclose(x_UD, solved(taken().weight, y_ID.astype(np.float64), cfg), atol=2e-5)


def test_a_user_is_folded_in_alike_in_any_company() -> None:
    cfg = plain(IalsConfig, factors=16, iterations=3)
    many = Interactions.of(planted()[0])
    of = ials.Scorer(state.State(pa.Table.from_batches(list(ials.learn(many, cfg, 1, (0, 1))))), cfg)
    together_UD = of.fold_in(many.weight)
    for low, high in ((0, 1), (71, 72), (3, 60), (150, 200)):
        np.testing.assert_allclose(of.fold_in(many.weight[low:high]), together_UD[low:high], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("steps", [{"cg_steps": 40}, {"block": 5}], ids=str)
@pytest.mark.parametrize("frequency", [0.0, 1.0])
def test_ials_is_exact_alternating_least_squares_where_its_steps_are_enough(
    frequency: float, steps: dict[str, int]
) -> None:
    cfg = plain(
        IalsConfig,
        factors=5,
        iterations=6,
        **steps,
        regularization=0.05,
        frequency=frequency,
        weighting="log",
        popularity_power=0.4,
    )
    rows = pa.Table.from_batches(list(ials.learn(taken(), cfg, 3, (0, 1))))
    items, y_ID, count_I = state.State(rows).vectors("item")
    rng, scale = np.random.default_rng(3), np.float32(0.1 / np.sqrt(5))
    x, y = (rng.standard_normal((n, 5), np.float32).astype(np.float64) * scale for n in (ROWS, COLUMNS))
    for _ in range(cfg.iterations):
        x = solved(taken().weight, y, cfg)
        y = solved(taken().weight.T.tocsr(), x, cfg, rows_are_items=True)
    np.testing.assert_allclose(y_ID, y, atol=1e-3 * np.abs(y).max())
    assert items.tolist() == list(range(COLUMNS))
    assert count_I.tolist() == np.bincount(taken().weight.indices).tolist()


@pytest.mark.parametrize(("factors", "block"), [(7, 3), (6, 2), (5, 1)])
def test_a_half_step_by_blocks_solves_each_block_with_the_others_held(factors: int, block: int) -> None:
    """Against Gauss-Seidel over the blocks of the normal equations."""
    cfg = plain(IalsConfig, factors=factors, block=block, regularization=0.05, unobserved_weight=0.1, weighting="log")
    rng = np.random.default_rng(4)
    x_RD, y_OD = (rng.standard_normal((n, factors)).astype(np.float32) for n in (ROWS, COLUMNS))
    of = taken().weight
    rows = Equations.of(
        blocked.Side(np.array([0, ROWS]), of.indptr, of.indices, of.data), COLUMNS, np.ones(of.nnz, np.float32), cfg
    )
    gram_DD = cfg.unobserved_weight * y_OD.astype(np.float64).T @ y_OD
    want_RD = x_RD.astype(np.float64)
    for r, x_D in enumerate(want_RD):
        some = slice(of.indptr[r], of.indptr[r + 1])
        y_ND, w_N = y_OD[of.indices[some]].astype(np.float64), rows.weight[some]
        a_DD = gram_DD + rows.penalty_R[r] * np.eye(factors) + (y_ND.T * w_N) @ y_ND
        for low in range(0, factors, block):
            part = slice(low, min(low + block, factors))
            x_D[part] += np.linalg.solve(a_DD[part, part], (y_ND.T @ w_N - a_DD @ x_D)[part])
    ials_blocks.improve(x_RD, y_OD, gram_DD, rows, block, 4)
    nonempty = np.diff(of.indptr) > 0
    np.testing.assert_allclose(x_RD[nonempty], want_RD[nonempty], atol=2e-5)


@pytest.mark.parametrize("block", [None, 3])
@pytest.mark.parametrize("size", [2, 3])
def test_ranks_learn_the_bits_that_one_process_learns(size: int, block: int | None) -> None:
    rng = np.random.default_rng(5)
    drawn = {(u, int(i)) for u in range(300) for i in rng.integers(0, 260, 9)}
    many = Interactions.of(pairs(drawn | {(i, i) for i in range(260)}))
    cfg = plain(IalsConfig, factors=8, iterations=3, frequency=0.6, block=block)

    def work(mesh: Mesh) -> np.ndarray:
        dealt = many.weight.tocoo()
        own = dealt.row % size == mesh.rank
        columns = (dealt.row[own].astype(np.int32), dealt.col[own].astype(np.int32), dealt.data[own])
        _, y_ID = ials.iterate(mesh, *blocked.exchange(mesh, *columns, cfg.factors), cfg, 1)
        return y_ID

    parts = on_ranks(size, work, f"ials {size} {block}")
    alone = state.State(pa.Table.from_batches(list(ials.learn(many, cfg, 1, (0, 1))))).vectors("item")[1]
    np.testing.assert_array_equal(np.concatenate(parts), alone)
    assert all(len(part) for part in parts)


# --- ease


@pytest.mark.parametrize("stripe", [512, 7])
def test_ease_is_its_closed_form(stripe: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "_COLUMNS_AT_ONCE", stripe)
    x_UI = taken().ones.toarray().astype(np.float64)
    p_II = np.linalg.inv(x_UI.T @ x_UI + 4.0 * np.eye(COLUMNS))
    want_II = np.where(np.eye(COLUMNS), 0, -p_II / np.diag(p_II)[None, :])
    for neighbours in (COLUMNS, 3):  # of each column the largest by size
        cfg = plain(EaseConfig, regularization=4.0, neighbours=neighbours)
        rows = pa.Table.from_batches(list(ease.learn(taken(), cfg, 1, (0, 1))))
        got_II = sp.csr_matrix((rows["value"], (rows["index"], rows["other"])), shape=(COLUMNS, COLUMNS)).toarray()
        least_I = np.sort(np.abs(want_II), axis=0)[-min(neighbours, COLUMNS - 1)]
        np.testing.assert_allclose(got_II, np.where(np.abs(want_II) >= least_I, want_II, 0), atol=1e-6)


def test_ease_is_refused_where_its_matrix_outgrows_the_memory() -> None:
    with pytest.raises(FuserankError, match=r"ease needs 0\.0 GB for 25 items squared.*ease\.memory_gb is 1e-06"):
        list(ease.learn(taken(), plain(EaseConfig, memory_gb=1e-6), 1, (0, 1)))


_THREADS = """
from threadpoolctl import threadpool_info
from fuserank.learning.recommenders import ease
from fuserank.learning.recommenders.settings import EaseConfig
from tests.unit.learning.recommenders.test_family_kernels import taken

inverse = ease._inverse
def told(*given):
    print(*(lib["num_threads"] for lib in threadpool_info() if "scipy" in lib["prefix"]))
    return inverse(*given)
ease._inverse = told
list(ease.learn(taken(), EaseConfig(threads=2), 1, (0, 1)))
"""


def test_ease_inverts_in_as_many_threads_as_it_is_told_where_workers_have_one() -> None:
    """Spark starts its Python workers with OMP_NUM_THREADS=1, which a library reads when it is loaded."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["2"]


# --- graph_filter


def filtered(of: Interactions, cfg: GraphFilterConfig) -> np.ndarray:
    """Scores (U, I) of the histories themselves. V is of the singular values above 0 alone."""
    r_UI = of.ones.toarray().astype(np.float64)
    root_I = np.sqrt(r_UI.sum(axis=0))
    normal_UI = r_UI / np.sqrt(r_UI.sum(axis=1))[:, None] / root_I
    p_II = normal_UI.T @ normal_UI
    _, size_D, v_DI = np.linalg.svd(normal_UI, full_matrices=False)
    v_DI = v_DI[: cfg.factors][size_D[: cfg.factors] > 1e-6]
    y_UI = r_UI @ p_II + cfg.ideal_weight * (r_UI / root_I) @ v_DI.T @ v_DI * root_I
    term_UI, sum_UI = y_UI, y_UI
    for n in range(1, 5):
        term_UI = -cfg.sharpening / n * term_UI @ p_II
        sum_UI = sum_UI + term_UI
    return sum_UI


def graph_scores(of: Interactions, cfg: GraphFilterConfig) -> np.ndarray:
    rows = state.State(pa.Table.from_batches(list(graph_filter.learn(of, cfg, 1, (0, 1)))))
    return graph_filter.Scorer(rows, cfg).scores(of.ones)


@pytest.mark.parametrize("settings", [{}, {"ideal_weight": 0.0}, {"sharpening": 0.0}, {"sharpening": 1.0}])
def test_graph_filter_gives_the_scores_of_dense_matrices(settings: dict[str, float]) -> None:
    cfg = plain(GraphFilterConfig, **{"factors": 6, **settings})
    np.testing.assert_allclose(graph_scores(taken(), cfg), filtered(taken(), cfg), atol=1e-5)


def test_the_ideal_filter_is_of_the_singular_values_above_zero_alone() -> None:
    # three groups, each of which took all of its own: rank 3, and the default asks for 256 vectors
    groups = Interactions.of(pairs((u, i) for u in range(12) for i in range(9) if u % 3 == i % 3))
    cfg = plain(GraphFilterConfig)
    np.testing.assert_allclose(graph_scores(groups, cfg), filtered(groups, cfg), atol=1e-4)
    alone = Interactions.of(pairs([(0, 0)]), groups.items)  # items 3 and 6 are like it, the others say nothing of it
    rows = state.State(pa.Table.from_batches(list(graph_filter.learn(groups, cfg, 1, (0, 1)))))
    score_I = graph_filter.Scorer(rows, cfg).scores(alone.ones)[0]
    np.testing.assert_allclose(score_I[[3, 6]], score_I[0], atol=1e-4)
    np.testing.assert_allclose(score_I[np.arange(9) % 3 > 0], 0, atol=1e-4)
