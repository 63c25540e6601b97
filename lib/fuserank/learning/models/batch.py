"""A typed batch of tensors: what every model takes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from fuserank.common.blocks import Block


@dataclass(frozen=True)
class Batch:
    """B rows; int32 indices, float32 values. Shapes: F numeric, C categorical columns, L places of history."""

    dense_BF: Tensor
    categorical_BC: Tensor
    history_BL: Tensor
    user_B: Tensor
    item_B: Tensor
    label_B: Tensor
    weight_B: Tensor

    @classmethod
    def of(cls, block: Block) -> Batch:
        """Tensors over the block's own memory; nothing is copied."""
        return cls(*(torch.from_numpy(a) for a in block))

    def __len__(self) -> int:
        return int(self.user_B.shape[0])

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; from pinned memory the copy does not block."""
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))

    def pin_memory(self) -> Batch:
        """The batch in page-locked memory, so that a copy to a GPU overlaps with its work."""
        return Batch(*(getattr(self, f.name).pin_memory() for f in fields(self)))
