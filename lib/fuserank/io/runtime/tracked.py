"""What programs that follow trainings get: the training, the model that came of it; and the interface of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.config.track import TrackConfig


@dataclass(frozen=True)
class Training:
    """What is trained, and where: ``folder`` is its own on the driver's machine, below ``root`` that all share.

    ``tags``: where it comes from, known before it begins (run, day, revision of the code, versions of tables).
    """

    kind: str
    dataset: str
    name: str
    config: TrackConfig
    root: Path
    folder: Path
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, run_id: str, kind: str, tags: Mapping[str, str]) -> Training:
        """That of a kind of model, of a run."""
        root = Path(settings.track.folder or f"{settings.out}/track")
        name = f"{kind} {settings.as_of} {run_id}"
        return cls(kind, settings.dataset, name, settings.track, root, root / run_id / kind, tags)


@dataclass(frozen=True)
class Registered:
    """A model as models.registry has it; ``place``: folder or URL of its files, which stay where they are."""

    model_id: str
    place: str
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)


class Tracker(Protocol):
    """What follows one training. Only one process calls it: the driver, by what rank 0 reports."""

    def settings(self, values: Mapping[str, Any]) -> None:
        """Settings by dotted name, once, before the first number."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name (``train/loss`` …) after a step of the optimiser."""

    def registered(self, model: Registered) -> None:
        """The model is trained and stands in models.registry; once, after the last number."""

    def close(self, failed: bool) -> None:
        """Nothing more comes; ``failed``: there is no model."""
