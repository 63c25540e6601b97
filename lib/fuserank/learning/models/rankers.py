"""Rankers that are the FNN and one thing more."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from fuserank.config.rankers import CnnConfig, DcnConfig, HistoryConfig, RnnConfig, TransformerConfig
from fuserank.learning.models import encoders
from fuserank.learning.models.fnn import FNN
from fuserank.learning.models.inputs import InputFit


class Crosses(nn.Module):
    """x_{l+1} = x_0 ⊙ (U_l V_l x_l + b_l) + x_l (DCN-V2: Wang et al., WWW 2021, eqs. 1, 2)."""

    def __init__(self, width: int, layers: int, rank: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(nn.Linear(width, rank, bias=False) for _ in range(layers))
        self.up = nn.ModuleList(nn.Linear(rank, width) for _ in range(layers))

    def forward(self, x_BW: Tensor) -> Tensor:
        """(B, W) of (B, W)."""
        first_BW = x_BW
        for down, up in zip(self.down, self.up, strict=True):
            x_BW = first_BW * up(down(x_BW)) + x_BW
        return x_BW


class Dcn(FNN):
    """The FNN, and products of its inputs beside its layers."""

    config: DcnConfig

    def __init__(self, config: DcnConfig, fit: InputFit) -> None:
        super().__init__(config, fit)
        for up in cast(
            "Crosses", self.crosses
        ).up:  # products begin at nothing: of inputs as they come they are far too large
            nn.init.zeros_(cast("nn.Linear", up).weight)

    def make_crosses(self, width: int) -> nn.Module:
        """``Crosses``."""
        return Crosses(width, self.config.crosses, self.config.rank)


class _OfHistory(FNN):
    config: HistoryConfig
    encoder: type[nn.Module]

    def make_reader(self) -> nn.Module:
        return self.encoder(**self.config.shape())


class Transformer(_OfHistory):
    """The FNN, and attention over the user's last items."""

    config: TransformerConfig
    encoder = encoders.Transformer


class Rnn(_OfHistory):
    """The FNN, and GRU or LSTM units over the user's last items."""

    config: RnnConfig
    encoder = encoders.Recurrent


class Cnn(_OfHistory):
    """The FNN, and convolutions over the user's last items."""

    config: CnnConfig
    encoder = encoders.Convolutions
