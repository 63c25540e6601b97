"""What a student learns by: labels, and what a teacher says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as fn

from fuserank.common.blocks import Block
from fuserank.common.errors import FuserankError
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.inputs import fit_inputs
from fuserank.learning.models.saving import fresh, logits
from fuserank.learning.training.loss import Distillation, cross_entropy, refuse_other_inputs
from fuserank.learning.training.trainer import train
from fuserank.registry.models import MODELS
from tests.support.models import KEEN, World, loss, settings, trained, unseen


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def rows(world: World) -> Batch:
    return Batch.of(unseen(MODELS["fnn"], world).slice(0, 50))


def gradient(of: Any, logit_B: torch.Tensor, rows: Batch) -> torch.Tensor:
    z_B = logit_B.clone().requires_grad_()
    of(z_B, rows).sum().backward()
    assert z_B.grad is not None
    return z_B.grad


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_gradients_draw_to_the_label_and_to_the_teacher_by_the_mix(
    world: World, rows: Batch, temperature: float
) -> None:
    teacher, z_B = world.model(MODELS["fnn"]), torch.linspace(-3, 3, 50)
    with torch.no_grad():
        taught_B = teacher(rows)
    found = gradient(Distillation(teacher, 0.3, temperature), z_B, rows)
    to_teacher = temperature * (torch.sigmoid(z_B / temperature) - torch.sigmoid(taught_B / temperature))
    torch.testing.assert_close(found, 0.7 * (torch.sigmoid(z_B) - rows.label_B) + 0.3 * to_teacher)
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in teacher.parameter_groups()[0])


def test_at_temperature_one_the_mix_of_label_and_probability_is_a_soft_label(world: World, rows: Batch) -> None:
    teacher, z_B = world.model(MODELS["fnn"]), torch.linspace(-3, 3, 50)
    with torch.no_grad():
        soft_B = 0.6 * rows.label_B + 0.4 * torch.sigmoid(teacher(rows))
    wanted = fn.binary_cross_entropy_with_logits(z_B, soft_B, reduction="none")
    torch.testing.assert_close(Distillation(teacher, 0.4, 1.0)(z_B, rows), wanted)
    assert torch.equal(Distillation(teacher, 0.0, 1.0)(z_B, rows), cross_entropy(z_B, rows))


class _Blind(ArrowBatches):
    """All its labels are 0."""

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Block]:
        for block in super().batches(epoch, skip):
            yield block._replace(label_B=np.zeros_like(block.label_B))


def test_a_student_that_sees_no_label_learns_what_its_teacher_knows(world: World) -> None:
    declared, teacher = MODELS["fnn"], world.model(MODELS["fnn"])
    config, inputs = TrainConfig.model_validate(KEEN), teacher.inputs
    student = fresh(
        settings(declared), fit_inputs(ArrowBatches(world.files, inputs, 1).blocks(0, world.files), settings(declared))
    )
    source, valid = _Blind(world.files, inputs, config.batch, seed=3), ArrowBatches(world.others, inputs, 512)
    train(source, valid, student, config, 3, loss=Distillation(teacher, 1.0, 2.0))
    found = unseen(declared, world)
    taught, alone = (loss(logits(model, found), found.label_B) for model in (student.eval(), teacher))
    assert taught < 1.05 * alone


def test_a_teacher_that_reads_other_columns_is_refused(world: World) -> None:
    with pytest.raises(FuserankError, match=r"logistic and fnn read other columns .*\(.*, …\); train both"):
        refuse_other_inputs(trained(MODELS["logistic"], world, epochs=1), world.model(MODELS["fnn"]))
