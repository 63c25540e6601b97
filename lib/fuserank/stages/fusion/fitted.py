"""What the fusion has learnt: a calibrator and a weight for each source, and one for the final score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.calibration import Calibrator

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FINAL = "fusion"  # the row of fusion.fitted that calibrates the final score


@dataclass(frozen=True)
class Fitted:
    """A fitted fusion. ``sources`` fixes the order in which parts are summed, everywhere."""

    method: str
    sources: tuple[str, ...]
    weights: dict[str, float]
    calibrators: dict[str, Calibrator]
    final: Calibrator

    def rows(self) -> list[dict[str, object]]:
        """The rows of fusion.fitted, without as_of_date and run_id."""
        named = [(s, self.weights[s], self.calibrators[s]) for s in self.sources] + [(FINAL, 0.0, self.final)]
        return [
            {
                "method": self.method,
                "source": source,
                "weight": float(weight),
                "scale": c.scale,
                "knots_x": list(c.knots_x),
                "knots_y": list(c.knots_y),
            }
            for source, weight, c in named
        ]


def from_frame(saved: DataFrame) -> Fitted:
    """The same out of a slice of fusion.fitted; runs a job."""
    return from_rows([row.asDict() for row in saved.collect()])


def from_rows(rows: list[dict[str, object]]) -> Fitted:
    """The fitted fusion out of rows of fusion.fitted (one method, one as_of_date)."""
    by_source = {str(r["source"]): r for r in rows}
    if FINAL not in by_source:
        raise ValueError("fusion.fitted has no row `fusion` for this as_of; run jobs/fusion.py")
    calibrators = {
        s: Calibrator(tuple(r["knots_x"]), tuple(r["knots_y"]), r["scale"])  # type: ignore[arg-type]
        for s, r in by_source.items()
    }
    sources = tuple(sorted(set(by_source) - {FINAL}))
    weights = {s: float(by_source[s]["weight"]) for s in sources}  # type: ignore[arg-type]
    final = calibrators.pop(FINAL)
    return Fitted(str(by_source[FINAL]["method"]), sources, weights, calibrators, final)
