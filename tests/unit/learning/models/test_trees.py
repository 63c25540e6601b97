"""Trees as LightGBM grew them: the same leaves, on the threshold, too."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from fuserank.common.blocks import empty
from fuserank.common.errors import FuserankError
from fuserank.config.rankers import TreesConfig
from fuserank.config.train import TrainConfig
from fuserank.learning.models.inputs import InputFit, inputs_of
from fuserank.learning.models.saving import fresh, logits
from fuserank.learning.models.trees import Trees
from fuserank.learning.training.trainer import train

CONFIG = TreesConfig(rounds=20, leaves=7, depth=4)
ROWS = 3_000


def built() -> Trees:
    columns = len(inputs_of(CONFIG).numeric)
    zeros = np.zeros(3, np.int32)
    fit = InputFit(np.zeros(columns, np.float32), np.ones(columns, np.float32), 3, zeros, zeros, -2.0)
    model = fresh(CONFIG, fit)
    assert isinstance(model, Trees)
    return model


def test_a_row_comes_to_the_leaves_that_lightgbm_takes_it_to_on_a_threshold_as_well() -> None:
    draws, model = np.random.default_rng(3), built()
    rows = empty(model.inputs, ROWS)
    rows.dense_BF[:] = draws.normal(size=rows.dense_BF.shape).round(1)  # many values are thresholds, or next to one
    label = (rows.dense_BF[:, 0] + rows.dense_BF[:, 1] * rows.dense_BF[:, 2] > 0.5).astype(np.float32)
    settings = {"objective": "binary", "num_leaves": 7, "max_depth": 4, "use_missing": False, "verbosity": -1}
    booster = lgb.train(settings, lgb.Dataset(rows.dense_BF, label), 12)
    assert np.ptp(logits(model, rows)) == 0
    assert logits(model, rows)[0] == np.float32(-2.0)
    model.take([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])
    learned = booster.trees_to_dataframe()["threshold"].dropna()
    at = learned[learned.abs() > 1e-30]  # LightGBM takes ±1e-35, its threshold beside 0, for 0
    rows.dense_BF[: len(at), 0] = np.array(at, np.float32)
    theirs = booster.predict(rows.dense_BF.astype(np.float64), raw_score=True)
    np.testing.assert_allclose(logits(model, rows), theirs, rtol=0, atol=1e-6)


def test_one_leaf_is_a_tree() -> None:
    model = built()
    model.take([{"leaf_value": 0.25}, {"leaf_value": 0.5}])
    assert logits(model, empty(model.inputs, 3)).tolist() == [0.75] * 3


def test_trees_have_no_teacher() -> None:
    with pytest.raises(FuserankError, match="trees learns from labels alone, not from a teacher"):
        train([], [], built(), TrainConfig(), 1, loss=lambda logit_B, batch: logit_B)  # type: ignore[arg-type]
