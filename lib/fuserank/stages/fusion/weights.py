"""Weights of the sources on the simplex that give the best NDCG: a deterministic pairwise search."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fuserank.config.fusion import FusionConfig
from fuserank.evaluation.metrics import BoolArray, FloatArray, IntArray, ndcg


@dataclass(frozen=True)
class FitWindow:
    """The fit window of U users with truth: N rows that a source gave, by user and item (S sources)."""

    part_NS: FloatArray  # calibrated probability, 0 where a source did not give the item
    label_N: BoolArray
    own_N: BoolArray
    starts_U: IntArray  # (U + 1,) where the rows of a user begin
    truth_U: IntArray
    truth_new_U: IntArray

    @classmethod
    def of(
        cls, user_N: IntArray, part_SN: FloatArray, scored_N: BoolArray, label_N: BoolArray, own_N: BoolArray
    ) -> FitWindow:
        """From rows sorted by (user, item); users without truth are left out, NDCG is not defined for them."""
        users = np.unique(user_N[label_N])
        judged = np.isin(user_N, users)
        line_N = np.searchsorted(users, user_N[judged])
        truth_U = np.bincount(line_N, label_N[judged], len(users)).astype(np.int64)
        new_U = np.bincount(line_N, label_N[judged] & ~own_N[judged], len(users)).astype(np.int64)
        listed = judged & scored_N
        starts_U = np.searchsorted(user_N[listed], np.append(users, np.iinfo(np.int64).max)).astype(np.int64)
        part_NS = np.ascontiguousarray(part_SN[:, listed].T, np.float64)
        return cls(part_NS, label_N[listed], own_N[listed], starts_U, truth_U, new_U)

    def objective(self, weight_S: FloatArray, cfg: FusionConfig) -> float:
        """Mean NDCG@n of both tracks, over the users that have truth in each."""
        return float(np.add.reduce(self.shares(weight_S, cfg)))

    def shares(self, weight_S: FloatArray, cfg: FusionConfig) -> FloatArray:
        """What each user adds to the objective (U,): it is their sum."""
        from fuserank.stages.fusion.kernel import best_hits

        hit_2UK = np.zeros((2, len(self.truth_U), cfg.top_n), np.bool_)
        weights = np.ascontiguousarray(weight_S, np.float64)
        best_hits(self.part_NS, self.label_N, self.own_N, self.starts_U, weights, hit_2UK)
        every_U, new_U = (
            ndcg(hit_UK, truth_U, cfg.top_n) / max(1, int((truth_U > 0).sum()))
            for hit_UK, truth_U in zip(hit_2UK, (self.truth_U, self.truth_new_U), strict=True)
        )
        return (1 - cfg.new_track_share) * every_U + cfg.new_track_share * new_U

    def objectives(self, weights: Sequence[FloatArray], cfg: FusionConfig) -> list[float]:
        """The objective of each, on all cores: the loops hold no lock."""
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            return list(pool.map(lambda weight_S: self.objective(weight_S, cfg), weights))


def search(window: FitWindow, start: int, cfg: FusionConfig) -> tuple[NDArray[np.float64], float]:
    """Weights (S,) and their objective.

    From the best corner (one source with all weight that the others need not keep; among equals the model's,
    ``start``), each step size in turn: of all moves of that much weight from one source to another, the best is taken
    while it gains at least ``min_gain`` and at least ``min_sigmas`` standard errors of the paired difference over
    users. What is less is noise of one window. No chance is involved.
    """
    sources = window.part_NS.shape[1]
    floor = min(cfg.min_weight, 1.0 / sources)
    corners = [_corner(s, sources, floor) for s in [start, *(s for s in range(sources) if s != start)]]
    values = window.objectives(corners, cfg)
    weight_S = corners[values.index(max(values))]
    share_U = window.shares(weight_S, cfg)
    for step in cfg.steps:
        while moves := _moves(weight_S, step, floor):
            values = window.objectives(moves, cfg)
            move = moves[values.index(max(values))]
            moved_U = window.shares(move, cfg)
            if not _certain(moved_U - share_U, cfg):
                break
            weight_S, share_U = move, moved_U
    return weight_S, float(np.add.reduce(share_U))


def _certain(gain_U: FloatArray, cfg: FusionConfig) -> bool:
    """Whether the sum of the users' gains (U,) is above noise."""
    total = float(np.add.reduce(gain_U))
    error = float(np.sqrt(np.add.reduce((gain_U - total / len(gain_U)) ** 2)))
    return total > 0 and total >= max(cfg.min_gain, cfg.min_sigmas * error)


def _corner(source: int, sources: int, floor: float) -> NDArray[np.float64]:
    weight_S = np.full(sources, floor)
    weight_S[source] = 1.0 - floor * (sources - 1)
    return weight_S


def _moves(weight_S: FloatArray, step: float, floor: float) -> list[NDArray[np.float64]]:
    """All weights that one transfer of ``step`` (or of all that a source may give) reaches, in a fixed order."""
    moves = []
    for giver in np.flatnonzero(weight_S > floor + 1e-9):
        amount = min(step, float(weight_S[giver]) - floor)
        for taker in range(len(weight_S)):
            if taker != giver:
                moved = weight_S.copy()
                moved[giver] -= amount
                moved[taker] += amount
                moves.append(np.round(moved, 9))
    return moves
