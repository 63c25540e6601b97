"""Histories of a batch that are alike, found once."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Distinct(nn.Module):
    """Finds histories that are alike, as a user's rows have. ``onnx_graph`` puts ONNX's own in its place."""

    hash_L: Tensor

    def __init__(self, places: int) -> None:
        super().__init__()
        odd = torch.randint(1, 2**62, (places,), generator=torch.Generator().manual_seed(1)) | 1
        self.register_buffer("hash_L", odd, persistent=False)

    def forward(self, history_BL: Tensor) -> tuple[Tensor, Tensor]:
        """The distinct ones (U, L), and which of them each row has (B,): by a hash, which is a sum that overflows."""
        key_B = (history_BL * self.hash_L).sum(dim=1)
        key_U, row_B = torch.unique(key_B, return_inverse=True)
        first_U = torch.zeros_like(key_U).scatter_(0, row_B, torch.arange(len(row_B), device=row_B.device))
        return history_BL[first_U], row_B
