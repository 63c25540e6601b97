"""Fit the fusion on the days before as_of: calibration, weights, calibration of the final score."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fuserank.common.calibration import Calibrator, FloatArray, fit_isotonic, log_loss
from fuserank.common.errors import FuserankError
from fuserank.config.fusion import FusionConfig
from fuserank.stages.fusion.fitted import Fitted
from fuserank.stages.fusion.parts import is_ranked, parts_of, ranks_of, summed
from fuserank.stages.fusion.weights import FitWindow, search


def fit(rows: pa.Table, sources: tuple[str, ...], cfg: FusionConfig) -> tuple[Fitted, dict[str, float]]:
    """The fitted fusion and its numbers, from wide rows
    (``history.labels.side_by_side``) sorted by (user_index, item_index).

    A source that proposed nothing in the window, such as co_purchase in a shop without baskets, is left out of it.
    """
    sources = tuple(s for s in sorted(sources) if rows[f"score_{s}"].null_count < rows.num_rows)
    if not sources:
        raise FuserankError(
            "no source has candidates as of the label window's start, windows.label_days before as_of; run"
            " jobs/candidates.py for that day"
        )
    label_N = rows["label"].to_numpy() > 0
    score_SN = np.stack([rows[f"score_{s}"].to_numpy().astype(np.float64) for s in sources])
    rank_SN = np.stack([ranks_of(rows, s, rows["user_index"].to_numpy(), score_SN[n]) for n, s in enumerate(sources)])
    models = [s for s in sources if not is_ranked(rows, s)]
    scored_SN = ~np.isnan(score_SN)
    scored_N = scored_SN.any(axis=0)
    if not label_N[scored_N].any():
        raise FuserankError(
            "no candidate was bought in the label window before as_of (windows.label_days): there is nothing to fit the"
            " fusion on"
        )
    calibrators = {
        s: _calibrate(score_SN[n][scored_SN[n]], rank_SN[n][scored_SN[n]], label_N[scored_SN[n]], s in models, cfg)
        for n, s in enumerate(sources)
    }
    weights = {s: 1.0 / len(sources) for s in sources}
    notes: dict[str, float] = {"fit_rows": float(scored_N.sum())}
    if cfg.method == "weighted":
        weight_S, best, alone = _weigh(rows, sources, models, score_SN, rank_SN, calibrators, scored_N, label_N, cfg)
        weights = {s: float(weight_S[n]) for n, s in enumerate(sources)}
        notes |= {"objective": best, "objective_model_alone": alone}
    unit = Calibrator((0.0, 1.0), (0.0, 1.0))
    draft = Fitted(cfg.method, sources, weights, calibrators, unit)
    total_N = summed(parts_of(draft, score_SN, rank_SN, cfg.rrf_k))
    final = fit_isotonic(total_N[scored_N], label_N[scored_N].astype(np.int64), cfg.bins)
    return Fitted(cfg.method, sources, weights, calibrators, final), notes


def _weigh(
    rows: pa.Table,
    sources: tuple[str, ...],
    models: list[str],
    score_SN: FloatArray,
    rank_SN: FloatArray,
    calibrators: dict[str, Calibrator],
    scored_N: np.ndarray,
    label_N: np.ndarray,
    cfg: FusionConfig,
) -> tuple[FloatArray, float, float]:
    """Weights, their objective, and the objective of the first model alone (of the
    first source, where there is no model).
    """
    probability = Fitted(
        "weighted", sources, dict.fromkeys(sources, 1.0), calibrators, Calibrator((0.0, 1.0), (0.0, 1.0))
    )
    part_SN = parts_of(probability, score_SN, rank_SN, cfg.rrf_k)
    window = FitWindow.of(rows["user_index"].to_numpy(), part_SN, scored_N, label_N, rows["own"].to_numpy() > 0)
    start = sources.index(models[0]) if models else 0
    vertex = np.zeros(len(sources))
    vertex[start] = 1.0
    weight_S, best = search(window, start, cfg)
    return weight_S, best, window.objective(vertex, cfg)


def _calibrate(score: FloatArray, rank: FloatArray, label: np.ndarray, is_model: bool, cfg: FusionConfig) -> Calibrator:
    """On the score or on the rank, whichever has the lower log loss; a model's logit is always taken as it is."""
    label = label.astype(np.int64)
    by_score = fit_isotonic(score, label, cfg.bins, "score")
    if is_model:
        return by_score
    by_rank = fit_isotonic(-rank, label, cfg.bins, "rank")
    better = log_loss(by_rank(score, rank), label) < log_loss(by_score(score), label)
    return by_rank if better else by_score
