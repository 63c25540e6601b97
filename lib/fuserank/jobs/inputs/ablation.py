"""What each source is worth: the fusion fitted and judged again without it, on the same users."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.judge import TRACKS, judge_table
from fuserank.evaluation.measure import FUSION
from fuserank.jobs.inputs.window import window_before
from fuserank.stages.fusion.apply import scores_of
from fuserank.stages.fusion.fit import fit
from fuserank.tables.ops import RUNS

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.config.fusion import FusionConfig
    from fuserank.io.runtime.run import Run


def ablation(run: Run, as_of: dt.date, test_window: pa.Table) -> list[dict[str, Any]]:
    """Rows of evaluation.ablation without run_id, one for each track and source that has a part.

    ``test_window``: ``window_of`` of the evaluation. The fusion's users of the fit window come to the driver. Without
    a source its candidates go, too, where no other source gives them. The models are not trained again: they
    keep what they have learned from the source.
    """
    cfg, sources, models = run.settings.fusion, run.settings.candidates.sources, run.settings.models.use
    fit_window = window_before(run, as_of)
    there = tuple(s for s in sources if fit_window[f"score_{s}"].null_count < fit_window.num_rows)
    complete = _quality(fit_window, test_window, there, models, None, cfg)
    quality: dict[str, dict[str, np.ndarray]] = {}
    for source in (*there, *models):
        quality[source] = _quality(fit_window, test_window, there, models, source, cfg)
        run.say(f"    fusion without {source}")
    cost = _costs(run, as_of)
    rows: list[dict[str, Any]] = []
    for source in (*there, *models):
        for track in TRACKS:
            both_US = np.stack([complete[track], quality[source][track]], axis=1)
            if not len(both_US):
                continue
            means = resampled_means(both_US, run.settings.evaluation.resamples, run.seed)
            (low,), (high,) = interval(means[:, :1] - means[:, 1:], run.settings.evaluation.confidence)
            whole, without = np.add.reduce(both_US, axis=0) / len(both_US)
            rows.append(
                {
                    "as_of_date": as_of,
                    "track": track,
                    "source": source,
                    "users": len(both_US),
                    "ndcg": float(whole),
                    "ndcg_without": float(without),
                    "gain": float(whole - without),
                    "gain_low": float(low),
                    "gain_high": float(high),
                    "seconds": cost.get(f"{source}.seconds"),
                    "peak_mb": cost.get(f"{source}.peak_mb"),
                }
            )
    return rows


def _quality(
    fit_window: pa.Table,
    test_window: pa.Table,
    sources: tuple[str, ...],
    models: tuple[str, ...],
    without: str | None,
    cfg: FusionConfig,
) -> dict[str, np.ndarray]:
    """NDCG@10 of each user with truth, by track, users ascending."""
    import pyarrow as pa

    remaining = tuple(s for s in (*sources, *models) if s != without)
    givers = [s for s in sources if s != without]
    test_window, fit_window = _given_by(test_window, givers, models), _given_by(fit_window, givers, models)
    fit_hits = _any(fit_window, givers) & (fit_window["label"].to_numpy() > 0)
    if not fit_hits.any():  # nothing to fit a fusion on: it would list nothing that is bought
        lists = test_window.append_column(f"score_{FUSION}", pa.nulls(test_window.num_rows, pa.float64()))
        return _by_track(lists)
    fitted, _ = fit(fit_window, remaining, cfg)
    score_N = np.where(_any(test_window, fitted.sources), scores_of(test_window, fitted, cfg.rrf_k), np.nan)
    fused = test_window.append_column(f"score_{FUSION}", pa.array(score_N, from_pandas=True))
    return _by_track(fused)


def _any(rows: pa.Table, sources: Sequence[str]) -> np.ndarray:
    """Whether any of the sources gives the row (N,)."""
    given_N = np.zeros(rows.num_rows, bool)
    for s in sources:
        given_N |= rows[f"score_{s}"].is_valid().to_numpy()
    return given_N


def _by_track(fused: pa.Table) -> dict[str, np.ndarray]:
    judged = judge_table(fused, (FUSION,)).to_pandas()
    return {t: judged[judged["track"] == t].sort_values("user_index")["ndcg"].to_numpy() for t in TRACKS}


def _given_by(rows: pa.Table, sources: list[str], models: Sequence[str]) -> pa.Table:
    """The rows that a source gives or that are truth; of a row that none gives the models have no score."""
    import pyarrow as pa

    given_N = _any(rows, sources)
    for column in (f"{what}_{m}" for m in models for what in ("score", "rank")):
        at = rows.column_names.index(column)
        values = rows[column].combine_chunks()
        rows = rows.set_column(at, column, pa.compute.if_else(pa.array(given_N), values, pa.scalar(None, values.type)))
    return rows.filter(pa.array(given_N | (rows["label"].to_numpy() > 0)))


def _costs(run: Run, as_of: dt.date) -> dict[str, float]:
    """Seconds and highest memory of making each source as of the day: of this run, else of the last that made it."""
    from pyspark.sql import functions as F

    prefix = f"cost.{as_of}."
    found: dict[str, float] = {}
    if run.lake.exists(RUNS):
        made = F.exists(F.map_keys("metrics"), lambda name: name.startswith(prefix))
        rows = run.lake.read(RUNS).where("state = 'succeeded'").where(made).select("started_at", "metrics").collect()
        for row in sorted(rows, key=lambda r: r["started_at"]):
            found |= row["metrics"]
    return {k.removeprefix(prefix): v for k, v in (found | run.metrics).items() if k.startswith(prefix)}
