"""Encoders: vectors of a history, oldest first, to a vector for what comes next at each place.

A place looks at itself and what is before it, never at what comes after. Shapes: B users, L places, D depth, H heads.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


class RmsNorm(nn.Module):
    """x over its root mean square, times a learned scale (Zhang, Sennrich, NeurIPS 2019)."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(depth))

    def forward(self, x: Tensor) -> Tensor:
        """As long as it came in, each row alone."""
        return self.scale * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


class Attention(nn.Module):
    """Causal attention of several heads; what is looked at has a learned bias by how many places it lies back
    (Raffel et al. 2020, sec. 2.1, with a bias for each distance): close items say more.
    """

    def __init__(self, depth: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.into = nn.Linear(depth, 3 * depth, bias=False)
        self.out = nn.Linear(depth, depth, bias=False)
        self.bias_HL = nn.Parameter(torch.zeros(heads, length))

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) of what came in."""
        users, length, depth = x_BLD.shape
        of_heads = self.into(x_BLD).view(users, length, 3, self.heads, depth // self.heads)
        q, k, v = of_heads.permute(2, 0, 3, 1, 4)
        place_L = torch.arange(length, device=x_BLD.device)
        back_LL = place_L[:, None] - place_L
        bias_HLL = self.bias_HL[:, back_LL.clamp(min=0)].masked_fill(back_LL < 0, -torch.inf)
        dropout = self.dropout if self.training else 0.0
        y = fn.scaled_dot_product_attention(q, k, v, attn_mask=bias_HLL.unsqueeze(0), dropout_p=dropout)
        y_BLD: Tensor = self.out(y.transpose(1, 2).reshape(users, length, depth))
        return y_BLD


class SwiGlu(nn.Module):
    """Two layers with a gate: (silu(x A) · x B) C (Shazeer 2020)."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.gate, self.into = nn.Linear(depth, width, bias=False), nn.Linear(depth, width, bias=False)
        self.out = nn.Linear(width, depth, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """As long as it came in, each row alone."""
        y: Tensor = self.out(fn.silu(self.gate(x)) * self.into(x))
        return y


class Transformer(nn.Module):
    """Blocks of attention and SwiGLU, each after a norm and added to what came in (SASRec: Kang, McAuley, ICDM 2018),
    by a gate where the settings say so (LiGR: Borisyuk et al. 2025; eSASRec: Tikhonovich et al., RecSys 2025).
    """

    def __init__(
        self, depth: int, layers: int, heads: int, length: int, width: int, gated: bool, dropout: float
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(depth, heads, length, width, gated, dropout) for _ in range(layers))
        self.norm = RmsNorm(depth)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) of what came in."""
        for block in self.blocks:
            x_BLD = block(x_BLD)
        out_BLD: Tensor = self.norm(x_BLD)
        return out_BLD


class Block(nn.Module):
    """Attention, then SwiGLU."""

    def __init__(self, depth: int, heads: int, length: int, width: int, gated: bool, dropout: float) -> None:
        super().__init__()
        self.parts = nn.ModuleList([Attention(depth, heads, length, dropout), SwiGlu(depth, width * depth)])
        self.norms = nn.ModuleList([RmsNorm(depth), RmsNorm(depth)])
        self.gates = nn.ModuleList([nn.Linear(depth, depth), nn.Linear(depth, depth)]) if gated else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) of what came in."""
        for n, (part, norm) in enumerate(zip(self.parts, self.norms, strict=True)):
            normed_BLD = norm(x_BLD)
            y_BLD = part(normed_BLD)
            if self.gates is not None:
                y_BLD = y_BLD * torch.sigmoid(self.gates[n](normed_BLD))
            x_BLD = x_BLD + self.dropout(y_BLD)
        return x_BLD


class Recurrent(nn.Module):
    """Layers of gated recurrent units (GRU4Rec: Hidasi et al., ICLR 2016) or of LSTM's, then a linear one."""

    def __init__(self, depth: int, layers: int, units: int, cell: Literal["gru", "lstm"], dropout: float) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.cells = kind(depth, units, layers, batch_first=True, dropout=between)
        self.out = nn.Linear(units, depth)
        self.norm = RmsNorm(depth)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) of what came in."""
        out_BLD: Tensor = self.norm(self.out(self.cells(x_BLD)[0]))
        return out_BLD


class Convolutions(nn.Module):
    """Gated causal convolutions, each twice as wide apart as the one before it, added to what came in (NextItNet: Yuan
    et al., WSDM 2019; gates of Dauphin et al., ICML 2017).
    """

    def __init__(self, depth: int, layers: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.back = [(kernel - 1) * 2**n for n in range(layers)]
        self.convolutions = nn.ModuleList(nn.Conv1d(depth, 2 * depth, kernel, dilation=2**n) for n in range(layers))
        self.norms = nn.ModuleList(RmsNorm(depth) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.norm = RmsNorm(depth)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """(B, L, D) of what came in."""
        for back, convolution, norm in zip(self.back, self.convolutions, self.norms, strict=True):
            y_BDL = fn.pad(norm(x_BLD).transpose(1, 2), (back, 0))
            x_BLD = x_BLD + self.dropout(fn.glu(convolution(y_BDL), dim=1).transpose(1, 2))
        out_BLD: Tensor = self.norm(x_BLD)
        return out_BLD
