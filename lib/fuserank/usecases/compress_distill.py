"""A ranker taught by a larger one: trained anew on what the teacher says of the training rows, and on their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.usecases.registered import VALID_BATCH, Registered

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.learning.models.contract import Model


@dataclass(frozen=True)
class Teaching:
    """Who teaches, by kind, and how: see ``learning.training.loss.Distillation``."""

    kind: str
    mix: float = 0.5
    temperature: float = 1.0


@dataclass(frozen=True)
class Lesson:
    """A teaching with the model that teaches."""

    how: Teaching
    model_id: str
    teacher: Model

    @classmethod
    def of(cls, settings: Settings, student: Registered, how: Teaching) -> Lesson:
        """By the newest model of the kind, of the student's day: one of a later day would have seen the split valid.

        :raises FuserankError: none is registered
        """
        from fuserank.learning.models.saving import from_arrays

        found = Registered.newest(settings, how.kind, student.row["as_of_date"])
        return cls(how, found.model_id, from_arrays(*found.artifact()))

    def names(self) -> dict[str, Any]:
        """For the card of the one that is taught."""
        return {"teacher": self.model_id, "mix": self.how.mix, "temperature": self.how.temperature}


def distilled(registered: Registered, lesson: Lesson, student: Model, before: TrainConfig, seed: int) -> Model:
    """A model of the student's settings and inputs from fresh weights, trained as the student was but for the loss;
    in evaluation mode. Which validation was best is said by the labels of the split valid, as in any training.

    :raises FuserankError: teacher and student read other columns
    """
    import torch

    from fuserank.learning.models.inputs import fit_inputs
    from fuserank.learning.models.saving import fresh
    from fuserank.learning.training.loss import Distillation, refuse_other_inputs
    from fuserank.learning.training.trainer import train

    refuse_other_inputs(lesson.teacher, student)
    files, inputs = registered.files("train"), student.inputs
    fit = fit_inputs(ArrowBatches(files, inputs, 1).blocks(0, files), student.config)
    torch.manual_seed(seed)
    made = fresh(student.config, fit)
    config = TrainConfig.model_validate(before.model_dump() | {"ranks": 1, "use_gpu": False})
    valid = ArrowBatches(registered.files("valid"), inputs, VALID_BATCH)
    loss = Distillation(lesson.teacher, lesson.how.mix, lesson.how.temperature)
    train(ArrowBatches(files, inputs, config.batch, seed=seed), valid, made, config, seed, loss=loss)
    return made.eval()
