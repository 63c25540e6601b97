"""Curves and settings of a training for other programs to show: one small interface, a class a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from fuserank.common.extras import require


class Tracker(Protocol):
    """What follows one training. Only one process calls it: the driver, by what rank 0 reports."""

    def settings(self, values: Mapping[str, Any]) -> None:
        """Settings by dotted name, once, before the first number."""

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name (``train/loss`` …) after a step of the optimiser."""

    def close(self) -> None:
        """Nothing more comes."""


class TensorBoard:
    """Event files in a folder of the training's own."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), flush_secs=5)

    def settings(self, values: Mapping[str, Any]) -> None:
        """See Tracker; a table on the tab Text."""
        rows = "".join(f"\n| {name} | {value} |" for name, value in values.items())
        self._writer.add_text("settings", f"| setting | value |\n|---|---|{rows}")

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """See Tracker."""
        self._writer.close()


_TRACKERS: dict[str, Callable[[Path], Tracker]] = {"tensorboard": TensorBoard}


def refuse_missing(names: tuple[str, ...]) -> None:
    """:raises FuserankError: a tracker's package, which has the tracker's name, is not installed"""
    for name in names:
        require(name, "track", f"track.to names {name}", ", or --set 'track.to=[]'")


def opened(names: tuple[str, ...], folder: Path) -> list[Tracker]:
    """Trackers by name, each in the folder of one training."""
    return [_TRACKERS[name](folder) for name in names]
