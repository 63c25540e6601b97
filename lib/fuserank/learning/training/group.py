"""The ranks that train together, or this process alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Group:
    """This rank, how many there are, and where its tensors live."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def current(cls, use_gpu: bool = False) -> Group:
        """The process group that is open, else a group of one."""
        device = torch.device("cuda", torch.cuda.current_device()) if use_gpu else torch.device("cpu")
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size(), device)
        return cls(0, 1, device)

    def sum_(self, values: Tensor) -> Tensor:
        """All ranks' sum, in place; without a group the values as they are."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def sum_later(self, values: Tensor) -> Callable[[], Tensor]:
        """Start ``sum_`` and go on; the function given back waits for it and gives the sum."""
        work = dist.all_reduce(values, async_op=True) if self.size > 1 else None

        def wait() -> Tensor:
            if work is not None:
                work.wait()
            return values

        return wait

    def says(self, first: bool) -> bool:
        """What the first rank says, on every rank; a collective."""
        word = torch.tensor(float(first and self.rank == 0), device=self.device)
        return bool(self.sum_(word) > 0)

    def gather(self, values: Tensor) -> list[Tensor]:
        """Every rank's tensor along dimension 0, which may differ in length, on every rank."""
        if self.size == 1:
            return [values]
        lengths = torch.zeros(self.size, dtype=torch.int64, device=self.device)
        lengths[self.rank] = len(values)
        longest = int(self.sum_(lengths).max())
        padded = torch.zeros((longest, *values.shape[1:]), dtype=values.dtype, device=self.device)
        padded[: len(values)] = values
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return [part[: int(n)] for part, n in zip(parts, lengths, strict=True)]

    def barrier(self) -> None:
        """Wait for all ranks; a group of one waits for nobody."""
        if self.size > 1:
            dist.barrier()
