"""Where a training takes its batches from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from fuserank.common.blocks import Block


class BatchSource(Protocol):
    """This rank's share of the rows, epoch by epoch; fuserank.io has two of them."""

    def steps(self, epoch: int) -> int:
        """Steps of the rank that has the most rows in this epoch."""
        ...

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Block]:
        """This rank's batches of the epoch, without the first ``skip``."""
        ...

    def plan(self, epoch: int, step: int) -> dict[str, Any]:
        """The epoch's plan and the files read to the end after ``step`` steps: JSON for the checkpoint."""
        ...
