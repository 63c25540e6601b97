"""The protocol on lists small enough to judge by hand."""

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.calibration import reliability
from fuserank.evaluation.judge import judge_table
from fuserank.history.labels import labels, side_by_side
from fuserank.history.windows import label_window
from fuserank.tables.silver import EVENTS
from tests.support.rows import frame

NAN = float("nan")
START = dt.date(2017, 12, 4)


def _judged() -> dict[tuple[int, str], dict[str, Any]]:
    """User 1: item 10 was bought before and again, 12 is new and bought; 13 is true
    but no candidate. User 2: no truth.
    """
    rows = pa.table(
        {
            "user_index": pa.array([1, 1, 1, 1, 2], pa.int32()),
            "item_index": pa.array([10, 11, 12, 13, 10], pa.int32()),
            "label": pa.array([1, 0, 1, 1, 0], pa.int8()),
            "own": pa.array([1, 0, 0, 0, 0], pa.int8()),
            "score_als": [0.9, 0.5, 0.5, NAN, 0.1],
        }
    )
    return {(r["user_index"], r["track"]): r for r in judge_table(rows, ("als",)).to_pylist()}


def test_ndcg_and_recall_by_hand_with_ties_to_the_lower_item() -> None:
    got = _judged()[1, "all"]
    assert got["items"] == [10, 11, 12]
    ideal = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert got["ndcg"] == pytest.approx((1 + 1 / np.log2(4)) / ideal)
    assert got["recall"] == got["capped_recall"] == pytest.approx(2 / 3)
    assert (got["hit"], got["truth"]) == (1.0, 3)


def test_the_track_new_masks_bought_items_in_list_and_truth() -> None:
    got = _judged()[1, "new"]
    assert got["items"] == [11, 12]
    assert got["ndcg"] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert got["recall"] == pytest.approx(1 / 2)


def test_recall_is_over_all_truth_and_capped_recall_over_what_ten_rows_can_hold() -> None:
    rows = pa.table(
        {
            "user_index": pa.array([1] * 40, pa.int32()),
            "item_index": pa.array(range(40), pa.int32()),
            "label": pa.array([1] * 5 + [0] * 20 + [1] * 15, pa.int8()),
            "own": pa.array([0] * 40, pa.int8()),
            "score_als": -np.arange(40.0),
        }
    )
    got = judge_table(rows, ("als",)).to_pylist()[0]
    assert (got["truth"], got["recall"], got["capped_recall"]) == (20, 5 / 20, 5 / 10)


def test_users_without_truth_are_not_judged() -> None:
    assert {user for user, _ in _judged()} == {1}


def _event(user: int, item: int, time: str, **more: Any) -> dict[str, Any]:
    at = dt.datetime.fromisoformat(time).replace(tzinfo=dt.UTC)
    name = f"{user}-{item}-{time}-{more.get('role', '')}"
    return {
        "event_id": name,
        "user_index": user,
        "item_index": item,
        "role": "feedback",
        "event_time": at,
        "event_date": at.date(),
        **more,
    }


def test_truth_is_what_known_users_bought_of_known_items_within_the_window(spark: Any) -> None:
    events = frame(
        spark,
        EVENTS,
        [
            _event(1, 1, "2017-12-03T23:59:59"),
            _event(1, 1, "2017-12-04T00:00:00"),
            _event(1, 2, "2017-12-31T23:59:59"),
            _event(1, 3, "2018-01-01T00:00:00"),  # after the window
            _event(2, 2, "2017-06-01T00:00:00"),
            _event(2, 1, "2017-12-05T00:00:00", role="exposure"),  # seen, not bought
            _event(2, 9, "2017-12-05T00:00:00"),  # an item that no one knew
            _event(8, 1, "2017-12-05T00:00:00"),  # a user that no one knew
        ],
    )
    found = labels(events, label_window(START, 28), None).collect()
    assert {(r["user_index"], r["item_index"]) for r in found if r["label"]} == {(1, 1), (1, 2)}
    assert {(r["user_index"], r["item_index"]) for r in found if r["own"]} == {(1, 1), (2, 2)}


def test_sources_stand_side_by_side_and_truth_without_a_source_stays(spark: Any) -> None:
    judged = spark.createDataFrame(
        [(1, 5, True, True), (1, 6, False, True), (1, 7, True, False)],
        "user_index int, item_index int, own boolean, label boolean",
    )
    scores = spark.createDataFrame(
        [(1, 5, "als", 0.5), (1, 5, "fnn", 2.0), (1, 8, "fnn", 1.0)],
        "user_index int, item_index int, source string, score double",
    )
    rows = side_by_side(scores, judged, ("als", "fnn"), ranked=False).collect()
    got = [(r["item_index"], r["own"], r["label"], r["score_als"], r["score_fnn"]) for r in rows]
    assert got == [(5, 1, 1, 0.5, 2.0), (6, 0, 1, None, None), (8, 0, 0, None, 1.0)]


def test_a_paired_interval_is_narrower_than_its_ends_and_the_seed_decides() -> None:
    value_US = np.stack([np.linspace(0, 1, 200), np.linspace(0, 1, 200) - 0.1], axis=1)
    means = resampled_means(value_US, 300, 7)
    low, high = interval(means - means[:, [0]], 0.95)
    assert low == pytest.approx([0.0, -0.1])
    assert high == pytest.approx([0.0, -0.1])
    own_low, own_high = interval(means, 0.95)
    assert own_high[0] - own_low[0] == pytest.approx(2 * 1.96 * np.std(value_US[:, 0]) / np.sqrt(200), rel=0.25)
    assert (resampled_means(value_US, 300, 7) == means).all()
    assert not (resampled_means(value_US, 300, 8) == means).all()


def test_calibration_error_is_the_gap_weighted_by_rows() -> None:
    q20 = 1 << 20
    rows, hits = np.array([10, 30]), np.array([2, 15])
    curve = reliability(rows, hits, np.array([10 * q20 // 10, 30 * q20 // 2]), 2)
    assert curve.observed == (0.2, 0.5)
    assert curve.predicted == pytest.approx((0.1, 0.5))
    assert curve.ece == pytest.approx(10 / 40 * 0.1)
