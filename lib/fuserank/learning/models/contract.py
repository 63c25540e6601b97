"""What a model is to everything around it: trainer, validation, saving and scores
know this, and no model by its name.
"""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from fuserank.common.blocks import Inputs
from fuserank.config.model import ModelSettings
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.inputs import InputFit


class Model(Protocol):
    """An ``nn.Module`` from a typed batch to logit_B. ``learning.models.base.SampleModel`` has all but ``forward``.

    The same weights give a row the same logit whatever rows stand beside it: no norm or negative is taken over the
    batch. The state holds every number that ``forward`` needs, the arrays of its InputFit by their names among them;
    the card says what the state means, in JSON.
    """

    config: ModelSettings
    inputs: Inputs  # the columns of its batches, in order
    grower: str  # module:attribute of what trains it from all rows at once; "": the trainer's steps do

    def __call__(self, batch: Batch) -> Tensor:
        """logit_B: log odds that the row's label is 1."""
        ...

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """What is trained: layers, and embeddings, with a rate and a decay of their own; each in a fixed order."""
        ...

    def card(self) -> dict[str, Any]:
        """kind, settings (``model``), columns with transform and scale, users; JSON."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """As torch's: all that was learned, by name."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> object:
        """As torch's: takes what ``state_dict`` gave."""
        ...

    def to(self, device: Any) -> Model:
        """As torch's: itself, on a device."""
        ...

    def train(self) -> Model:
        """As torch's: itself, ready to learn, with dropout."""
        ...

    def eval(self) -> Model:
        """As torch's: itself, ready to score, without dropout."""
        ...


class Build(Protocol):
    """What a declaration's ``build`` names: makes a fresh model, by torch's generator as it stands."""

    def __call__(self, config: Any, fit: InputFit) -> Model: ...
