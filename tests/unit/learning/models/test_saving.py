"""What is refused where a model is opened: tensors that are missing or of other shapes, cards, files that run code."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuserank.common.blocks import empty
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelConfig
from fuserank.io.lake import artifacts
from fuserank.learning.models.compress import quantised
from fuserank.learning.models.contract import Model
from fuserank.learning.models.inputs import InputFit, kinds_of
from fuserank.learning.models.saving import Arrays, fresh, from_arrays, logits, to_arrays

CONFIG = ModelConfig(hidden=(8,), user_rows=5, categorical_dims={"category_bucket": 4}, history_categorical=None)


@pytest.fixture(scope="module")
def model() -> Model:
    width = len(kinds_of(CONFIG))
    item_row_I = np.array([0, 1, 2, 3, 3], np.int32)
    mean_F, scale_F = np.zeros(width, np.float32), np.ones(width, np.float32)
    return fresh(CONFIG, InputFit(mean_F, scale_F, 40, item_row_I, np.zeros(5, np.int32), 0.0)).eval()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, c: a.pop("mean_F"), "the model lacks the tensor 'mean_F'; train again with jobs/train.py"),
        (lambda a, c: a.pop("item_row_I"), "lacks the tensor 'item_row_I'"),
        (lambda a, c: a.pop("user.weight"), "lacks the tensor 'user.weight'"),
        (lambda a, c: a.update(more=np.zeros(3)), "has besides the tensor 'more'"),
        (lambda a, c: a.update({"user.weight": np.zeros((3, 2))}), r"'user.weight' of shape \(3, 2\), where \(6, 4\)"),
        (lambda a, c: c.pop("users"), "card lacks users"),
        (lambda a, c: c.update(kind="fnm"), "fnm"),
    ],
)
def test_arrays_and_cards_that_are_not_a_model_s_are_refused(
    model: Model, change: Callable[[Arrays, dict[str, Any]], Any], message: str
) -> None:
    arrays, card = to_arrays(model), model.card()
    change(arrays, card)
    with pytest.raises(FuserankError, match=message):
        from_arrays(arrays, card)


def test_a_pickle_in_an_artifact_s_place_is_refused_and_not_run(tmp_path: Path) -> None:
    class Bad:
        def __reduce__(self) -> Any:
            return exec, ("raise SystemExit('an artifact was run')",)

    artifacts.write(str(tmp_path), pickle.dumps(Bad()), b"{}", {})
    with pytest.raises(artifacts.ArtifactError, match=r"holds no model\.safetensors and card\.json: .*; train again"):
        artifacts.read(str(tmp_path))


def test_users_share_rows_by_a_hash_and_those_never_seen_have_one_of_their_own(model: Model) -> None:
    rows = empty(model.inputs, 200)._replace(user_B=np.arange(200, dtype=np.int32))
    found = logits(model, rows)
    assert len(np.unique(found[:40])) == 5
    assert len(np.unique(found[40:])) == 1
    assert found[50] not in found[:40]
    again = from_arrays(to_arrays(quantised(model, rows)), quantised(model, rows).card())
    assert len(np.unique(logits(again, rows)[:40])) == 5
