"""All numbers of an evaluation, as rows of evaluation.metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.calibration import Calibrator
from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.config.evaluation import EvaluationConfig
from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.calibration import histogram, reliability
from fuserank.evaluation.judge import LENGTH, TRACKS, judge

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FUSION = "fusion"
PROTOCOL = "protocol"  # the source of rows that count users, items and true pairs
PER_USER = {"ndcg@10": "ndcg", "recall@10": "recall", "capped_recall@10": "capped_recall", "hitrate@10": "hit"}


@dataclass(frozen=True)
class Metric:
    """One row of evaluation.metrics, without as_of_date and run_id."""

    track: str
    source: str
    metric: str
    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    minus_fusion_low: float | None = None
    minus_fusion_high: float | None = None


@dataclass(frozen=True)
class Measured:
    """What an evaluation finds: ``metrics``, and of each judged user, track and source the columns of ``judge``
    (``users``), by track, source and user.
    """

    metrics: list[Metric]
    users: pa.Table


@dataclass(frozen=True)
class Items:
    """Items of the protocol (bought or seen before as_of), most bought first, ties to the lower item_index."""

    item_I: np.ndarray
    bought_I: np.ndarray  # purchases before as_of

    @classmethod
    def of(cls, popularity: DataFrame) -> Items:
        """From a frame with item_index and purchases (long); collects one row per item."""
        table = popularity.select("item_index", "purchases").toArrow()
        item, bought = table["item_index"].to_numpy(), table["purchases"].to_numpy()
        order = np.lexsort((item, -bought))
        return cls(item[order], bought[order])

    def head(self, share: float) -> np.ndarray:
        """The fewest items that hold ``share`` of the purchases."""
        total = np.cumsum(self.bought_I)
        return self.item_I[: int(np.searchsorted(total, share * total[-1])) + 1]


def measure(
    wide: DataFrame,
    judged: DataFrame,
    items: Items,
    sources: tuple[str, ...],
    calibrators: dict[str, Calibrator],
    cfg: EvaluationConfig,
    seed: int,
    window: tuple[dt.date, dt.date],
) -> Measured:
    """All metrics of the window [first, last]; ``wide`` and ``judged`` as ``history.labels`` makes them.

    Collects per judged user, track and source seven numbers and ten items; ``cfg.users`` users with truth, at most, are
    judged. Calibration is counted on the executors, over all users. Raises FuserankError where nothing was
    bought in the window, for then nothing can be measured.
    """
    users = int(judged.where("before").select("user_index").distinct().count())
    drawn = draw_users(judged.where("label"), cfg.users, seed)
    table = judge(_of_users(wide, drawn), sources).toArrow()
    if table.num_rows == 0:
        raise FuserankError(
            f"nothing was bought from {window[0]} to {window[1]} by users and of items known before: "
            "there is nothing to evaluate on; choose an earlier --as-of"
        )
    table = table.sort_by([("track", "ascending"), ("source", "ascending"), ("user_index", "ascending")])
    rows: list[Metric] = []
    for track in TRACKS:
        of_track = table.filter(pa.compute.equal(table["track"], track))
        by_source = {s: of_track.filter(pa.compute.equal(of_track["source"], s)) for s in sources}
        rows += _protocol(track, users, len(items.item_I), by_source[FUSION])
        rows += _quality(track, by_source, cfg, seed)
        for source in sources:
            rows += _lists(track, source, by_source[source]["items"].combine_chunks(), items, cfg)
    return Measured(rows + _calibration(wide, calibrators, cfg), table)


def _of_users(wide: DataFrame, drawn: DataFrame) -> DataFrame:
    """The drawn users' rows of ``wide``, laid out as they were: a join by broadcast, of a bounded draw, moves none."""
    from pyspark.sql import functions as F

    return wide.join(F.broadcast(drawn), "user_index", "left_semi")


def _protocol(track: str, users: int, items: int, fusion: pa.Table) -> list[Metric]:
    pairs = int(fusion["truth"].to_numpy().astype(np.int64).sum())
    counts = {"users": users, "items": items, "true_pairs": pairs, "users_with_truth": fusion.num_rows}
    return [Metric(track, PROTOCOL, name, float(value)) for name, value in counts.items()]


def _quality(track: str, by_source: dict[str, pa.Table], cfg: EvaluationConfig, seed: int) -> list[Metric]:
    """Means per user with their intervals, and the paired interval of each row minus the fusion."""
    names = list(by_source)
    rows: list[Metric] = []
    for metric, column in PER_USER.items():
        value_US = np.stack([by_source[s][column].to_numpy() for s in names], axis=1)
        if not len(value_US):
            continue
        means = resampled_means(value_US, cfg.resamples, seed)
        low, high = interval(means, cfg.confidence)
        minus_low, minus_high = interval(means - means[:, [names.index(FUSION)]], cfg.confidence)
        mean = np.add.reduce(value_US, axis=0) / len(value_US)
        for n, source in enumerate(names):
            rows.append(
                Metric(track, source, metric, *map(float, (mean[n], low[n], high[n], minus_low[n], minus_high[n])))
            )
    return rows


def _lists(track: str, source: str, lists: pa.ListArray, items: Items, cfg: EvaluationConfig) -> list[Metric]:
    """Coverage, long-tail share, and the share of the lists that the most bought items take up."""
    listed = lists.flatten().to_numpy()
    place = np.full(int(max(items.item_I.max(), listed.max(initial=0))) + 1, len(items.item_I))
    place[items.item_I] = np.arange(len(items.item_I))
    place_N = place[listed]
    tail = float((place_N >= len(items.head(cfg.head_share))).mean()) if len(listed) else 0.0
    rows = [
        Metric(track, source, "coverage", len(np.unique(listed)) / len(items.item_I)),
        Metric(track, source, "long_tail_share", tail),
    ]
    for share in cfg.curve_shares:
        first = max(1, round(share * len(items.item_I)))
        value = float((place_N < first).mean()) if len(listed) else 0.0
        rows.append(Metric(track, source, f"head@{share:g}", value))
    return rows


def _calibration(wide: DataFrame, calibrators: dict[str, Calibrator], cfg: EvaluationConfig) -> list[Metric]:
    """ECE and its bins over all candidate rows, of users with and without purchases in the window alike."""
    counts = histogram(wide, calibrators).toArrow().sort_by([("source", "ascending"), ("bin", "ascending")])
    rows: list[Metric] = []
    for source in calibrators:
        mine = counts.filter(pa.compute.equal(counts["source"], source))
        rows_N, hits_N, probability_N = (mine[c].to_numpy() for c in ("rows", "hits", "probability_q20"))
        curve = reliability(rows_N, hits_N, probability_N, cfg.ece_bins)
        rows.append(Metric("all", source, "ece", curve.ece))
        for n, (predicted, observed, size) in enumerate(zip(curve.predicted, curve.observed, curve.rows, strict=True)):
            rows += [
                Metric("all", source, f"calibration_predicted@{n:02d}", predicted),
                Metric("all", source, f"calibration_observed@{n:02d}", observed),
                Metric("all", source, f"calibration_rows@{n:02d}", float(size)),
            ]
    return rows


def protocol_text(days: int, cfg: EvaluationConfig) -> str:
    """The protocol in words, for whoever reads the numbers."""
    return (
        f"full ranking over the {days} days from as_of; users and items with an event before as_of 00:00 UTC; truth:"
        f" distinct items bought in the window, of at most {cfg.users} users; track new: items bought before are"
        " masked, which is what is served where ranking.repeats excludes them (track all then judges rows that no list"
        f" holds); lists of {LENGTH}; recall over all of the truth, capped recall over as much of it as a list holds;"
        f" intervals: {cfg.confidence:.0%} percentile bootstrap over users, {cfg.resamples} resamples, paired; long"
        f" tail: items beyond those that make up {cfg.head_share:.0%} of earlier purchases; ece: {cfg.ece_bins}"
        " equal-mass bins of all candidate rows"
    )
