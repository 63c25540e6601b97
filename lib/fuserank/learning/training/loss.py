"""What a step of training makes small: cross-entropy with the labels, or with what a teacher says besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as fn

from fuserank.common.errors import FuserankError
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model

Loss = Callable[[Tensor, Batch], Tensor]  # logit_B and the batch to the loss of each row (B,), in nats


def cross_entropy(logit_B: Tensor, batch: Batch) -> Tensor:
    """Binary cross-entropy with the labels."""
    return fn.binary_cross_entropy_with_logits(logit_B, batch.label_B, reduction="none")


@dataclass(frozen=True)
class Distillation:
    """(1 − mix) · CE(y, σ(z)) + mix · T² · CE(σ(z_t / T), σ(z / T)), y the label, z and z_t logits of student and
    teacher (Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", 2015, section 2).

    ``mix``: share of the teacher's word, 0 to 1; ``temperature``: T, above 0; gradients of its part grow with 1 / T²,
    which the factor takes back. The teacher does not learn.
    """

    teacher: Model
    mix: float
    temperature: float

    def __call__(self, logit_B: Tensor, batch: Batch) -> Tensor:
        """Of each row (B,)."""
        with torch.no_grad():
            soft_B = torch.sigmoid(self.teacher(batch).float() / self.temperature)
        learned_B = fn.binary_cross_entropy_with_logits(logit_B / self.temperature, soft_B, reduction="none")
        return (1 - self.mix) * cross_entropy(logit_B, batch) + self.mix * self.temperature**2 * learned_B


def refuse_other_inputs(teacher: Model, student: Model) -> None:
    """:raises FuserankError: the teacher reads other columns of samples than the student, so that no batch has both"""
    if teacher.inputs != student.inputs:
        columns = sorted(set(teacher.inputs.columns) ^ set(student.inputs.columns))
        differ = ", ".join([*columns[:3], "…"] if len(columns) > 3 else columns) or "their order or buckets"
        raise FuserankError(
            f"{teacher.config.kind} and {student.config.kind} read other columns of the samples ({differ}); train both"
            " with the same ones"
        )
