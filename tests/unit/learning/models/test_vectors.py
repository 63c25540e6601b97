"""Embeddings out of a model's arrays: whose they are, and that int8 ones are what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fuserank.learning.models.compress import shell
from fuserank.learning.models.inputs import InputFit, kinds_of
from fuserank.learning.models.saving import fresh, to_arrays
from fuserank.learning.models.vectors import vectors
from fuserank.registry.models import MODELS

USERS, ITEM_ROWS = 90, [0, 1, 0, 2, *range(3, 200)]  # items 0 and 2 are too rare for a row of their own


def model(kind: str = "fnn", **settings: int):
    config = MODELS[kind].settings.model_validate(settings)
    numeric = len(kinds_of(config))
    fit = InputFit(
        np.zeros(numeric, np.float32),
        np.ones(numeric, np.float32),
        USERS,
        np.array(ITEM_ROWS, np.int32),
        np.zeros(len(ITEM_ROWS), np.int32),
        0.0,
    )
    torch.manual_seed(7)
    return fresh(config, fit)


def test_every_user_of_the_training_and_every_item_with_a_row_has_its_own_vector() -> None:
    made = model(user_dim=5, item_dim=8)
    found = vectors(to_arrays(made))
    assert list(found) == ["user", "item"]
    (users, user_ND), (items, item_ND) = found["user"], found["item"]
    assert users.tolist() == list(range(USERS))
    assert items.tolist() == [n for n, row in enumerate(ITEM_ROWS) if row]
    assert torch.equal(torch.from_numpy(user_ND), made.user.weight.detach()[1:])
    looked_up = made.item(made.item_row_I[torch.from_numpy(items).long()].long()).detach()
    assert torch.equal(torch.from_numpy(item_ND), looked_up)


def test_who_shares_a_row_by_a_hash_has_no_vector_of_its_own() -> None:
    made = model(user_dim=5, user_rows=16, item_dim=8)
    arrays = to_arrays(made)
    arrays["item_row_I"] = arrays["item_row_I"].copy()
    arrays["item_row_I"][[0, 2]] = 200
    found = vectors(arrays, shared_users=True)
    assert list(found) == ["item"]
    assert found["item"][0].tolist() == [n for n, row in enumerate(ITEM_ROWS) if row]


def test_int8_weights_give_the_vectors_that_they_stand_for() -> None:
    whole = vectors(to_arrays(model(user_dim=16, item_dim=8)))
    small = model(user_dim=16, item_dim=8)
    shell(small)
    arrays = to_arrays(small)
    assert "item_row_I" not in arrays
    found = vectors(arrays)
    for side, (index_N, vector_ND) in whole.items():
        assert (found[side][0] == index_N).all()
        assert found[side][1] == pytest.approx(vector_ND, abs=np.abs(vector_ND).max() / 100)


@pytest.mark.parametrize(("kind", "settings", "sides"), [("logistic", {}, []), ("dcn", {"user_dim": 0}, ["item"])])
def test_a_side_without_embeddings_has_no_vectors(kind: str, settings: dict[str, int], sides: list[str]) -> None:
    assert list(vectors(to_arrays(model(kind, **settings)))) == sides
