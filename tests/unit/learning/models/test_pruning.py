"""Hidden units that are taken out of a model: which go, and what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fuserank.common.blocks import Block, empty
from fuserank.common.errors import FuserankError
from fuserank.config.logistic import LogisticConfig
from fuserank.config.model import ModelConfig
from fuserank.config.rankers import DcnConfig
from fuserank.learning.models.compress import pruned
from fuserank.learning.models.inputs import InputFit, inputs_of, kinds_of
from fuserank.learning.models.saving import fresh, from_arrays, logits


def untrained(config: Any) -> Any:
    torch.manual_seed(4)
    width = len(kinds_of(config))
    rows_I = np.arange(40, dtype=np.int32)
    return fresh(
        config, InputFit(np.zeros(width, np.float32), np.ones(width, np.float32), 9, rows_I, rows_I, 0.0)
    ).eval()


def rows_of(config: Any, rows: int = 300) -> Block:
    inputs, rng = inputs_of(config), np.random.default_rng(8)
    item_B = rng.integers(0, 40, rows).astype(np.int32)
    dense_BF = rng.normal(size=(rows, len(inputs.numeric))).astype(np.float32)
    return empty(inputs, rows)._replace(dense_BF=dense_BF, item_B=item_B, user_B=item_B % 9)


@pytest.mark.parametrize("config", [ModelConfig(hidden=(32, 16)), DcnConfig(hidden=(32, 16))], ids=lambda c: c.kind)
def test_units_that_say_the_same_of_all_rows_go_first_and_nothing_changes_by_it(config: Any) -> None:
    model = untrained(config)
    constant = {0: [1, 5, 8, 30], 3: [0, 15]}
    with torch.no_grad():
        for layer, units in constant.items():
            model.layers[layer].weight[units] = 0
            model.layers[layer].bias[units] = torch.linspace(0.3, 1, len(units))
    rows = rows_of(config)
    arrays, card = pruned(model, rows, 28 / 32)
    assert card["model"]["hidden"] == [28, 14]
    assert arrays["layers.0.weight"].shape[0] == 28
    assert arrays["layers.3.weight"].shape == (14, 28)
    assert arrays["out.weight"].shape[1] == model.out.in_features - 2
    smaller: Any = from_arrays(arrays, card)
    np.testing.assert_allclose(logits(smaller, rows), logits(model, rows), atol=1e-5)


def test_all_units_stay_by_a_share_of_one_and_at_least_one_of_a_layer_by_a_small_share() -> None:
    config = ModelConfig(hidden=(8, 4))
    model, rows = untrained(config), rows_of(config)
    whole = from_arrays(*pruned(model, rows, 1.0))
    assert np.array_equal(logits(whole, rows), logits(model, rows))
    assert pruned(model, rows, 0.01)[1]["model"]["hidden"] == [1, 1]


def test_a_model_without_hidden_layers_is_refused() -> None:
    config = LogisticConfig()
    with pytest.raises(FuserankError, match=r"logistic has no hidden layers .*; leave the step out"):
        pruned(untrained(config), rows_of(config), 0.5)
