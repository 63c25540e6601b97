"""Parts, their sum, and a fit from rows to table."""

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.calibration import Calibrator
from fuserank.common.errors import FuserankError
from fuserank.common.users import whole_users
from fuserank.config.fusion import FusionConfig
from fuserank.stages.fusion.apply import fuse_table
from fuserank.stages.fusion.fit import fit
from fuserank.stages.fusion.fitted import Fitted, from_rows

LINE = Calibrator((0.0, 1.0), (0.0, 1.0))
NAN = float("nan")


def _fitted(method: str = "weighted") -> Fitted:
    return Fitted(method, ("als", "fnn"), {"als": 0.25, "fnn": 0.75}, {"als": LINE, "fnn": LINE}, LINE)


def _wide(**columns: list[float]) -> pa.Table:
    n = len(next(iter(columns.values())))
    base = {"user_index": pa.array([1] * n, pa.int32()), "item_index": pa.array(range(n), pa.int32())}
    return pa.table({**base, **{k: pa.array(v, from_pandas=True) for k, v in columns.items()}})


def test_a_score_is_the_sum_of_its_parts_to_the_last_bit_and_a_missing_source_has_no_part() -> None:
    rows = _wide(score_als=[0.1, NAN, 0.3], rank_als=[2, NAN, 1], score_fnn=[0.7, 0.2, NAN])
    got = fuse_table(rows, _fitted(), 60).to_pylist()
    assert [dict(r["parts"]) for r in got] == [
        {"als": 0.25 * 0.1, "fnn": 0.75 * 0.7},
        {"fnn": 0.75 * 0.2},
        {"als": 0.25 * 0.3},
    ]
    for r in got:
        total = 0.0
        for _, part in r["parts"]:
            total += part
        assert r["score"] == total
        assert r["probability"] == total  # the final calibrator is the identity here


def test_reciprocal_rank_sums_one_over_k_plus_rank_and_ranks_the_model_itself() -> None:
    rows = _wide(score_als=[0.1, NAN, 0.3], rank_als=[2, NAN, 1], score_fnn=[0.2, 0.9, NAN])
    got = fuse_table(rows, _fitted("reciprocal_rank"), 60)
    assert got["score"].to_pylist() == [1 / 62 + 1 / 62, 1 / 61, 1 / 61]


def test_a_fit_survives_its_table() -> None:
    fitted = _fitted()
    assert from_rows(fitted.rows()) == fitted
    with pytest.raises(ValueError, match=r"jobs/fusion\.py"):
        from_rows(fitted.rows()[:-1])


def _fit_rows() -> pa.Table:
    """60 users with 30 items; the model's logit orders them right, als the other way round."""
    user, item = np.repeat(np.arange(60), 30), np.tile(np.arange(30), 60)
    label = (item < 3 + user % 2).astype("int8")
    return pa.table(
        {
            "user_index": pa.array(user, pa.int32()),
            "item_index": pa.array(item, pa.int32()),
            "label": label,
            "own": np.zeros(len(user), "int8"),
            "score_fnn": 3.0 - item,
            "score_als": item / 30.0,
            "rank_als": pa.array(30 - item, pa.int32()),
        }
    )


def test_a_fit_trusts_the_source_that_is_right_and_calibrates_the_sum() -> None:
    rows, cfg = _fit_rows(), FusionConfig(bins=20)
    fitted, notes = fit(rows, ("fnn", "als"), cfg)
    assert fitted.sources == ("als", "fnn")
    assert fitted.weights["fnn"] == pytest.approx(1 - cfg.min_weight)
    assert notes["objective"] == pytest.approx(1.0)
    fused = fuse_table(rows, fitted, cfg.rrf_k)
    assert np.mean(fused["probability"].to_numpy()) == pytest.approx(rows["label"].to_numpy().mean(), abs=0.03)


def test_two_models_are_two_sources_each_by_its_own_name() -> None:
    """Each is right for half of the users and says nothing of the others: a fusion has need of both."""
    rows, cfg = _fit_rows(), FusionConfig(bins=20, min_weight=0.0)
    item, odd = rows["item_index"].to_numpy(), rows["user_index"].to_numpy() % 2 == 1
    rows = rows.drop(["label", "score_fnn"]).append_column("label", pa.array((item >= 27).astype("int8")))
    rows = rows.append_column("score_fnn", pa.array(np.where(odd, -9.0, item - 26.0)))
    rows = rows.append_column("score_logistic", pa.array(np.where(odd, item - 26.0, -9.0)))
    rows = rows.append_column("rank_logistic", pa.nulls(rows.num_rows, pa.int32()))  # as the lake's frames have it
    fitted, notes = fit(rows, ("logistic", "fnn"), cfg)
    assert fitted.sources == ("fnn", "logistic")
    assert {fitted.calibrators[m].scale for m in fitted.sources} == {"score"}
    assert min(fitted.weights.values()) > 0
    assert notes["objective"] == pytest.approx(1.0)
    assert notes["objective_model_alone"] < 0.9
    parts = [dict(r["parts"]) for r in fuse_table(rows, fitted, cfg.rrf_k).to_pylist()]
    assert all(set(p) == {"fnn", "logistic"} for p in parts)
    by_rank, _ = fit(rows, ("fnn", "logistic"), FusionConfig(method="reciprocal_rank"))
    best = fuse_table(rows.slice(30, 30), by_rank, 60).to_pylist()[
        29
    ]  # user 1: the last item is the first of one alone
    assert dict(best["parts"]) == {"fnn": 1 / 90, "logistic": 1 / 61}


def test_a_window_without_purchases_is_refused() -> None:
    rows = _fit_rows()
    rows = rows.set_column(2, "label", pa.array(np.zeros(rows.num_rows, "int8")))
    with pytest.raises(FuserankError, match="nothing to fit"):
        fit(rows, ("fnn", "als"), FusionConfig())


def test_a_stream_of_batches_never_cuts_a_user_in_two() -> None:
    user = np.repeat([1, 2, 3, 4], [3, 5, 1, 4])
    batches = pa.table({"user_index": user, "n": np.arange(13)}).to_batches(max_chunksize=2)
    seen = list(whole_users(iter(batches), rows=4))
    assert [sorted(set(t["user_index"].to_pylist())) for t in seen] == [[1], [2, 3], [4]]
    assert pa.concat_tables(seen)["n"].to_pylist() == list(range(13))


def test_a_source_that_proposed_nothing_is_left_out_of_the_fit() -> None:
    silent = pa.nulls(_fit_rows().num_rows, pa.float64())
    rows = _fit_rows().append_column("score_repeat", silent).append_column("rank_repeat", silent.cast(pa.int32()))
    fitted, _ = fit(rows, ("fnn", "als", "repeat"), FusionConfig(bins=20))
    alone, _ = fit(_fit_rows(), ("fnn", "als"), FusionConfig(bins=20))
    assert fitted == alone


def test_without_any_candidates_a_fit_is_refused() -> None:
    rows = _fit_rows()
    silent = rows.drop(["score_als"]).append_column("score_als", pa.nulls(rows.num_rows, pa.float64()))
    with pytest.raises(FuserankError, match=r"no source has candidates .* run jobs/candidates\.py"):
        fit(silent, ("als",), FusionConfig())
