"""From frames to rows of metrics and the summary that people read."""

import datetime as dt
from typing import Any

import pytest

from fuserank.common.calibration import Calibrator
from fuserank.common.errors import FuserankError
from fuserank.config.evaluation import EvaluationConfig
from fuserank.evaluation.measure import Items, measure
from fuserank.history.labels import side_by_side
from fuserank.insight.reports.evaluation import lines, summary

AS_OF = dt.date(2017, 12, 4)
CFG = EvaluationConfig(resamples=20, curve_shares=(0.5, 1.0))
LINE = Calibrator((0.0, 1.0), (0.0, 1.0))


def _measure(spark: Any, labels: bool, cfg: EvaluationConfig = CFG) -> list[dict[str, Any]]:
    judged = spark.createDataFrame(
        [(1, 0, True, True, labels), (1, 1, False, False, labels), (2, 0, True, True, False)],
        "user_index int, item_index int, before boolean, own boolean, label boolean",
    )
    scores = spark.createDataFrame(
        [(1, 0, "fnn", 0.9), (1, 1, "fnn", 0.2), (2, 3, "fnn", 0.1), (1, 0, "fusion", 0.2), (1, 1, "fusion", 0.9)],
        "user_index int, item_index int, source string, score double",
    )
    items = Items.of(spark.createDataFrame([(3, 1), (0, 8), (1, 1), (2, 0)], "item_index int, purchases long"))
    sources = ("fnn", "fusion")
    wide = side_by_side(scores, judged, sources, ranked=False)
    found = measure(wide, judged, items, sources, {"fnn": LINE}, cfg, 1, (AS_OF, AS_OF))
    return [vars(m) for m in found.metrics]


def test_every_number_of_a_small_window(spark: Any) -> None:
    got = {(r["track"], r["source"], r["metric"]): r for r in _measure(spark, True)}
    assert got["all", "protocol", "users"]["value"] == 2
    assert got["all", "protocol", "true_pairs"]["value"] == 2
    assert got["new", "protocol", "true_pairs"]["value"] == 1
    assert got["all", "fnn", "ndcg@10"]["value"] == 1.0
    assert got["new", "fnn", "ndcg@10"]["minus_fusion_high"] == 0.0
    assert got["all", "fnn", "coverage"]["value"] == 0.5
    # item 0 alone holds 80 % of the purchases: item 1 is tail
    assert got["all", "fnn", "long_tail_share"]["value"] == 0.5
    assert got["all", "fnn", "head@0.5"]["value"] == 1.0
    # |(.9 − 1) + …| by row: bins of one row each
    assert got["all", "fnn", "ece"]["value"] == pytest.approx((0.1 + 0.8 + 0.1) / 3, abs=1e-5)


def test_a_bounded_draw_of_users_is_judged(spark: Any) -> None:
    judged = spark.createDataFrame(
        [(u, 0, True, False, True) for u in range(30)],
        "user_index int, item_index int, before boolean, own boolean, label boolean",
    )
    scores = spark.createDataFrame(
        [(u, 0, "fusion", 0.5) for u in range(30)], "user_index int, item_index int, source string, score double"
    )
    items = Items.of(spark.createDataFrame([(0, 8)], "item_index int, purchases long"))
    wide = side_by_side(scores, judged, ("fusion",), ranked=False)
    cfg = EvaluationConfig(users=12, resamples=10, curve_shares=(1.0,))
    found = measure(wide, judged, items, ("fusion",), {"fusion": LINE}, cfg, 1, (AS_OF, AS_OF))
    got = {(m.track, m.source, m.metric): m.value for m in found.metrics}
    assert got["all", "protocol", "users"] == 30
    assert got["all", "protocol", "users_with_truth"] == 12
    assert found.users.num_rows == 2 * 12, "of each judged user, on both tracks"
    assert sum(v for (_, _, metric), v in got.items() if metric.startswith("calibration_rows")) == 30


def test_an_empty_window_is_an_error_that_names_it(spark: Any) -> None:
    with pytest.raises(FuserankError, match="2017-12-04"):
        _measure(spark, False)


def test_the_summary_has_the_shape_that_was_promised(spark: Any) -> None:
    found = summary(_measure(spark, True), AS_OF, "in words")
    assert found["as_of"] == "2017-12-04"
    row = found["tracks"]["all"]["fnn"]
    assert set(row) == {
        "ndcg@10",
        "ci95",
        "minus_fusion_ci95",
        "recall@10",
        "capped_recall@10",
        "hitrate@10",
        "coverage",
        "long_tail_share",
        "ece",
    }
    assert len(row["minus_fusion_ci95"]) == 2
    assert found["protocol"]["new"]["true_pairs"] == 1
    assert any(line.strip().startswith("fusion") for line in lines(found))
