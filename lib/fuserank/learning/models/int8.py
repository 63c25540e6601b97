"""Weights of eight bits: tables and layers that are kept as int8 with float32 scales, and computed with as such.

Symmetric: weight = scale · q8, q8 in −127 … 127 (Jacob et al., "Quantization and training of neural networks for
efficient integer-arithmetic-only inference", CVPR 2018, without a zero point). An output unit has a scale of its own,
as has a row of a table; rows of few numbers share one by column, for a scale would be as large as they are.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

STEPS = 127  # of int8 on either side of 0
_WIDE = 16  # numbers of a row from which on it has a scale of its own
_ZERO = 128  # what stands for 0 among unsigned bytes, which the processors' instructions multiply by signed ones


def quantise(weight_RD: Tensor, dim: int = 1) -> tuple[Tensor, Tensor]:
    """q8 (R, D) and scale (R, 1), or (1, D) for ``dim`` 0; scale · q8 is off by half a scale at most."""
    most = weight_RD.detach().abs().amax(dim=dim, keepdim=True)
    scale = torch.where(most > 0, most / STEPS, 1.0)
    return (weight_RD.detach() / scale).round().to(torch.int8), scale


class Q8Embedding(nn.Module):
    """A table of R rows of D numbers, in memory as in the file; only rows that are looked up become float."""

    q8: Tensor
    scale: Tensor

    def __init__(self, of: nn.Embedding) -> None:
        super().__init__()
        q8, scale = quantise(of.weight, dim=1 if of.embedding_dim >= _WIDE else 0)
        self.register_buffer("q8", q8)
        self.register_buffer("scale", scale)
        self.num_embeddings, self.embedding_dim = q8.shape

    def forward(self, row: Tensor) -> Tensor:
        """(…) rows to (…, D)."""
        found = fn.embedding(row, self.q8).float()
        return found.mul_(self.scale if self.scale.shape[0] == 1 else fn.embedding(row, self.scale))

    def pooled(self, row_UL: Tensor) -> Tensor:
        """Means (U, D) over the places that are not padding, the table's last row; zeros where all are."""
        padding = torch.tensor([self.num_embeddings - 1])
        row_N, place = torch.unique(torch.cat([row_UL.flatten(), padding]), return_inverse=True)
        place_UL = place[:-1].view_as(row_UL)  # padding has the highest row: the last of the distinct ones
        return fn.embedding_bag(place_UL, self(row_N), mode="mean", padding_idx=len(row_N) - 1)


class Lookup:
    """An input of which many rows have the same: rows (B,) of a table of D numbers, or of what was made once for
    several rows (U, D).
    """

    def __init__(self, table: nn.Embedding | Q8Embedding | Tensor, row_B: Tensor) -> None:
        self.table, self.row_B = table, row_B
        self.width: int = table.shape[1] if isinstance(table, Tensor) else table.embedding_dim

    @cached_property
    def floats_BD(self) -> Tensor:
        """The numbers of each row, looked up once."""
        if isinstance(self.table, Tensor):
            return self.table.index_select(0, self.row_B)
        found: Tensor = self.table(self.row_B)
        return found


class Q8Linear(nn.Module):
    """A layer whose weights are int8 and whose work is float."""

    q8: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, of: nn.Linear) -> None:
        super().__init__()
        q8, scale = quantise(of.weight)
        self.register_buffer("q8", q8)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if of.bias is None else of.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """As ``nn.Linear``."""
        return fn.linear(x, self.q8 * self.scale, self.bias)


class Q8Layers(nn.Module):
    """Tanh layers, (B, W) to (B, H), whose inputs are int8 as well: 127 · x for x in −1 … 1, where every tanh lies.

    ``range_W``, the largest absolute value of each input over some rows, brings the first layer's there; a column
    counts by weight · range, so that one of small numbers is not lost beside one of large ones. Ranges are fixed when
    the model is made, not taken from the batch: the same row gives the same sums beside any others. Sums are of whole
    numbers, the same in any order.
    """

    range_W: Tensor

    def __init__(self, of: nn.Sequential, range_W: Tensor) -> None:
        super().__init__()
        self.register_buffer("range_W", torch.where(range_W > 0, range_W, 1.0))
        self.names = [name for name, layer in of.named_children() if isinstance(layer, nn.Linear)]
        for n, name in enumerate(self.names):  # by the names that they had: the artifact's are alike
            layer = Q8Linear(of.get_submodule(name))  # type: ignore[arg-type]
            if n == 0:
                layer.q8, layer.scale = quantise(of.get_submodule(name).weight.detach() * self.range_W)  # type: ignore[operator]
            self.add_module(name, layer)
        self._packed: list[Any] = []
        self._tables: dict[int, Tensor] = {}  # by their place among the inputs

    def forward(self, parts: list[Tensor | Lookup]) -> Tensor:
        """Outputs of the last layer (B, H), in −1 … 1, of inputs side by side, (B, W) in parts."""
        widths = [part.width if isinstance(part, Lookup) else part.shape[1] for part in parts]
        ranges = self.range_W.split(widths)
        steps = [self._bytes(n, part, range_D) for n, (part, range_D) in enumerate(zip(parts, ranges, strict=True))]
        step_BW = torch.cat(steps, dim=1)
        return self.by_bytes(step_BW) if has_bytes() else self.by_floats(step_BW)

    def by_floats(self, step_BW: Tensor) -> Tensor:
        """Of inputs as bytes, by float arithmetic, for processors without instructions for bytes: whole numbers below
        2^24 are exact in it, so outputs differ where a tanh lies at the border of two steps.
        """
        step = step_BW.float() - _ZERO
        for name in self.names:
            layer: Any = self.get_submodule(name)
            x = torch.tanh(fn.linear(step, layer.q8.float()) * (layer.scale.T / STEPS) + layer.bias)
            step = (x * STEPS).round()
        return x

    def by_bytes(self, step_BW: Tensor) -> Tensor:
        """The same by oneDNN's product of unsigned by signed bytes, with the tanh inside."""
        self._packed = self._packed or [self._pack(name) for name in self.names]
        x = step_BW
        for n, (weight, scale, zero, bias) in enumerate(self._packed):
            last = n == len(self._packed) - 1
            how = (1.0, 0, torch.float32) if last else (1 / STEPS, _ZERO, torch.uint8)
            x = torch.ops.onednn.qlinear_pointwise(x, 1 / STEPS, _ZERO, weight, scale, zero, bias, *how, "tanh", [], "")
        return x

    def _bytes(self, place: int, values: Tensor | Lookup, range_D: Tensor) -> Tensor:
        """One part as bytes (B, D): of a table's rows, and of what several rows have in common, made once."""
        if not isinstance(values, Lookup):
            return _steps(values / range_D)
        table: Any = values.table
        if isinstance(table, Tensor):
            return _steps(table / range_D).index_select(0, values.row_B)
        if place not in self._tables:
            rows = torch.arange(table.num_embeddings)
            self._tables[place] = _steps(table(rows) / range_D)
        return fn.embedding(values.row_B, self._tables[place])

    def _pack(self, name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        layer: Any = self.get_submodule(name)
        scale = layer.scale.flatten().contiguous()
        zero = torch.zeros(len(scale), dtype=torch.int32)
        return torch.ops.onednn.qlinear_prepack(layer.q8, None), scale, zero, layer.bias


def _steps(x: Tensor) -> Tensor:
    """x in −1 … 1 as bytes, 0 at 128; what lies outside is cut."""
    return torch.quantize_per_tensor(x, 1 / STEPS, _ZERO, torch.quint8).int_repr()


def has_bytes() -> bool:
    """Whether this processor multiplies bytes without overflow (VNNI), and this torch has the product."""
    return torch.cpu._is_vnni_supported() and hasattr(torch.ops.onednn, "qlinear_pointwise")
