"""The loss of models of sequences against the softmax over all items, on a world small enough for it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from fuserank.learning.sequences.known import Known
from fuserank.learning.sequences.loss import Drawn, Loss
from fuserank.learning.sequences.model import SequenceModel
from fuserank.learning.sequences.settings import SasRecConfig
from tests.support.family import config

ITEMS, WINDOWS, LENGTH = 30, 150, 20
FROM = ("popularity", "uniform", "batch", "both")


class World(NamedTuple):
    """Items that are taken as often as their number says, more often than by as many users; windows of them."""

    known: Known
    item_BL: torch.Tensor
    next_BL: torch.Tensor


def world() -> World:
    rng = np.random.default_rng(4)
    takings_I = np.arange(1, ITEMS + 1) * 10
    takers_I, nothing = np.maximum(takings_I // rng.integers(1, 9, ITEMS), 1), np.empty(0, np.int64)
    places = np.arange(ITEMS, dtype=np.int32)
    known = Known(places, takers_I, takings_I, nothing, np.empty(0, np.float32), np.zeros(ITEMS + 1, np.int64))
    drawn = rng.choice(ITEMS, (2, WINDOWS, LENGTH), p=takings_I / takings_I.sum())
    drawn[1, ::2, LENGTH // 2 :] = -1  # padding
    return World(known, *map(torch.from_numpy, drawn))


def model_of(negatives_from: str, known: Known, **more: object) -> SequenceModel:
    torch.manual_seed(3)
    settings = {"factors": 8, "heads": 2, "length": LENGTH, "negatives": 4096, "temperature": 0.5, "dropout": 0.0}
    cfg = config("sasrec", **settings, negatives_from=negatives_from, **more)
    assert isinstance(cfg, SasRecConfig)
    return SequenceModel.of(known, cfg).eval()


def full(model: SequenceModel, of: World) -> float:
    """−ln of the share of what came next, over all items."""
    e_ID, real_BL = model.vectors(), of.next_BL >= 0
    q_PD = model.encoded(e_ID, of.item_BL, torch.ones_like(of.item_BL))[real_BL]
    scores_PI = q_PD @ e_ID.T + model.popularity * torch.from_numpy(of.known.liked_I)
    return float(torch.nn.functional.cross_entropy(scores_PI, of.next_BL[real_BL]))


def sampled(model: SequenceModel, of: World, drawn: Drawn, by: Drawn | None = None) -> float:
    """Mean of three draws by ``by``, corrected as if by ``drawn``."""
    loss, rng = Loss(model, of.known, drawn), np.random.default_rng(8)
    draws = [torch.from_numpy((by or drawn).items(rng)) for _ in range(3)]
    gap_BL = torch.ones_like(of.item_BL)
    with torch.inference_mode():
        return float(np.mean([loss(of.item_BL, gap_BL, of.next_BL, drawn_K).item() for drawn_K in draws]))


@pytest.mark.parametrize("negatives_from", FROM)
def test_less_ln_of_how_often_each_is_expected_it_is_the_softmax_over_all_items(negatives_from: str) -> None:
    of = world()
    model = model_of(negatives_from, of.known)
    with torch.no_grad():
        model.popularity += 0.3
        wanted = full(model, of)
    drawn = Drawn(of.known, model.cfg)
    assert drawn.items(np.random.default_rng(1)).shape == (0 if negatives_from == "batch" else 4096,)
    assert sampled(model, of, drawn) == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize(("by", "as_if"), [("popularity", "uniform"), ("uniform", "popularity")])
def test_corrected_for_another_draw_it_is_not(by: str, as_if: str) -> None:
    of = world()
    model = model_of(as_if, of.known)
    with torch.no_grad():
        model.popularity += 0.3
        wanted = full(model, of)
    found = sampled(model, of, Drawn(of.known, model.cfg), Drawn(of.known, model_of(by, of.known).cfg))
    assert abs(found / wanted - 1) > 0.05


@pytest.mark.parametrize("loss", ["softmax", "bpr_max"])
def test_a_step_of_one_place_has_no_negatives_but_those_drawn_and_a_number_all_the_same(loss: str) -> None:
    of = world()
    model = model_of("batch", of.known, loss=loss)
    of_model = Loss(model, of.known, Drawn(of.known, model.cfg))
    for next_BL in (torch.tensor([[3]]), torch.tensor([[-1]])):  # and of none
        found = of_model(torch.tensor([[2]]), torch.tensor([[1]]), next_BL, torch.empty(0, dtype=torch.int64))
        found.backward()
        assert torch.isfinite(found)
        assert all(p.grad is None or p.grad.to_dense().isfinite().all() for p in model.parameters())
