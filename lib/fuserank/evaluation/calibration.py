"""How well probabilities hold: histograms on the executors, expected calibration error from their integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.calibration import Calibrator

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_FINE = 1 << 14  # fine bins of [0, 1], before they are merged into bins of equal mass
_Q20 = 1 << 20
SCHEMA = "source string, bin int, rows long, hits long, probability_q20 long"


@dataclass(frozen=True)
class Reliability:
    """Equal-mass bins (B,) of the candidate rows by predicted probability, and what came of them."""

    predicted: tuple[float, ...]  # mean probability
    observed: tuple[float, ...]  # share bought
    rows: tuple[int, ...]

    @property
    def ece(self) -> float:
        """Expected calibration error: Σ rows/all · |observed − predicted| (Naeini et al. 2015)."""
        total = sum(self.rows)
        gaps = (n * abs(o - p) for n, o, p in zip(self.rows, self.observed, self.predicted, strict=True))
        return sum(gaps) / total if total else 0.0


def histogram(wide: DataFrame, calibrators: dict[str, Calibrator]) -> DataFrame:
    """Counts per source and fine bin of the calibrated ``score_<source>``; integers
    only, so any order of sums will do.
    """
    from pyspark.sql import functions as F

    fine = wide.mapInArrow(_kernel(calibrators), SCHEMA)
    sums = [F.sum(c).alias(c) for c in ("rows", "hits", "probability_q20")]
    return fine.groupBy("source", "bin").agg(*sums)


def reliability(rows: np.ndarray, hits: np.ndarray, probability_q20: np.ndarray, bins: int) -> Reliability:
    """Fine bins (F,), in ascending order of probability, merged into at most ``bins`` of equal mass."""
    if len(rows) == 0:
        return Reliability((), (), ())
    middle = np.cumsum(rows) - rows / 2
    place = np.minimum((middle * bins / rows.sum()).astype(int), bins - 1)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    n, h, p = (np.add.reduceat(x, starts) for x in (rows, hits, probability_q20))
    return Reliability(tuple((p / _Q20 / n).tolist()), tuple((h / n).tolist()), tuple(n.tolist()))


def _kernel(calibrators: dict[str, Calibrator]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            label = batch["label"].to_numpy(zero_copy_only=False) > 0
            for source, calibrator in calibrators.items():
                score = batch[f"score_{source}"].to_numpy(zero_copy_only=False).astype(np.float64)
                scored = ~np.isnan(score)
                probability = calibrator(score[scored])
                fine, place = np.unique(
                    np.minimum((probability * _FINE).astype(np.int64), _FINE - 1), return_inverse=True
                )
                q20 = np.rint(probability * _Q20)
                sums = [
                    np.bincount(place, w, len(fine)).astype(np.int64) for w in (np.ones(len(place)), label[scored], q20)
                ]
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array([source] * len(fine), pa.string()),
                        pa.array(fine.astype(np.int32)),
                        *map(pa.array, sums),
                    ],
                    ["source", "bin", "rows", "hits", "probability_q20"],
                )

    return run
