"""Weights of the sources on the simplex that give the best NDCG: a deterministic pairwise search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fuserank.config.fusion import FusionConfig
from fuserank.evaluation.metrics import BoolArray, FloatArray, Grid, IntArray, ndcg, top_columns


@dataclass(frozen=True)
class FitWindow:
    """The fit window of U users with truth, items ascending along each line (S sources, L columns)."""

    part_SUL: FloatArray  # calibrated probability, 0 where a source did not give the item
    scored_UL: BoolArray
    label_UL: BoolArray
    own_UL: BoolArray
    truth_U: IntArray
    truth_new_U: IntArray

    @classmethod
    def of(
        cls, user_N: IntArray, part_SN: FloatArray, scored_N: BoolArray, label_N: BoolArray, own_N: BoolArray
    ) -> FitWindow:
        """From rows sorted by (user, item); users without truth are left out, NDCG is not defined for them."""
        judged = np.isin(user_N, np.unique(user_N[label_N]))
        grid = Grid.of(user_N[judged])
        label_UL = grid.spread(label_N[judged], False)
        own_UL = grid.spread(own_N[judged], False)
        part_SUL = np.stack([grid.spread(p[judged], 0.0) for p in part_SN])
        truth_U, new_U = label_UL.sum(axis=1), (label_UL & ~own_UL).sum(axis=1)
        return cls(part_SUL, grid.spread(scored_N[judged], False), label_UL, own_UL, truth_U, new_U)

    def objective(self, weight_S: FloatArray, cfg: FusionConfig) -> float:
        """Mean NDCG@n of both tracks, over the users that have truth in each."""
        return float(np.add.reduce(self.shares(weight_S, cfg)))

    def shares(self, weight_S: FloatArray, cfg: FusionConfig) -> FloatArray:
        """What each user adds to the objective (U,): it is their sum."""
        score_UL = np.zeros(self.scored_UL.shape)
        for weight, part_UL in zip(weight_S, self.part_SUL, strict=True):  # the order in which scores are summed
            score_UL += weight * part_UL
        score_UL[~self.scored_UL] = -np.inf
        every_U = self._ndcg(score_UL, self.truth_U, cfg.top_n)
        score_UL[self.own_UL] = -np.inf
        new_U = self._ndcg(score_UL, self.truth_new_U, cfg.top_n)
        return (1 - cfg.new_track_share) * every_U + cfg.new_track_share * new_U

    def _ndcg(self, score_UL: FloatArray, truth_U: IntArray, n: int) -> FloatArray:
        """NDCG@n of each user over the number of users with truth (U,)."""
        top_UK = top_columns(score_UL, n)
        listed_UK = np.isfinite(np.take_along_axis(score_UL, top_UK, axis=1))
        value_U = ndcg(np.take_along_axis(self.label_UL, top_UK, axis=1) & listed_UK, truth_U, n)
        return value_U / max(1, int((truth_U > 0).sum()))


def search(window: FitWindow, start: int, cfg: FusionConfig) -> tuple[NDArray[np.float64], float]:
    """Weights (S,) and their objective.

    From the best corner (one source with all weight that the others need not keep; among equals the model's,
    ``start``), each step size in turn: of all moves of that much weight from one source to another, the best is taken
    while it gains at least ``min_gain`` and at least ``min_sigmas`` standard errors of the paired difference over
    users. What is less is noise of one window. No chance is involved.
    """
    sources = len(window.part_SUL)
    floor = min(cfg.min_weight, 1.0 / sources)
    corners = [_corner(s, sources, floor) for s in [start, *(s for s in range(sources) if s != start)]]
    values = [window.objective(corner, cfg) for corner in corners]
    weight_S = corners[values.index(max(values))]
    share_U = window.shares(weight_S, cfg)
    for step in cfg.steps:
        while moves := _moves(weight_S, step, floor):
            values = [window.objective(move, cfg) for move in moves]
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
