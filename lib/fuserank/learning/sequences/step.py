"""The encoder of a sequence model as a graph of ONNX, for the recommend service, which has no torch: from the vectors
of the last items, oldest first, to the vector of what comes next.

Shapes: L places, D depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from fuserank.learning.models import onnx_graph
from fuserank.learning.sequences.model import restored

if TYPE_CHECKING:
    from fuserank.learning.sequences.model import SequenceModel
    from fuserank.learning.sequences.settings import SequenceConfig

INPUTS, OUTPUT = ("vectors", "gaps"), "ahead"  # float32 [1, L, D], int64 [1, L]; float32 [1, D]
CODES = {"type": "types", "price": "prices"}  # and int64 [1, L] of those of windows.CODES that the settings read
_OF_UNITS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a layer, as torch names them
Floats = npt.NDArray[np.float32]


class Graph(NamedTuple):
    """A step's file; ``at_once``: the class of a gap within a day, which is 1 where no two items of a basket were ever
    learned from, so that class 0 has no vector.
    """

    content: bytes
    at_once: int


class _Units(nn.Module):
    """Recurrent units as ONNX has them, for any number of places: torch's exporter would write a copy of them for each
    place of its example.

    Rows of torch's gates are r, z, n (GRU) and i, f, g, o (LSTM), those of ONNX z, r, h and i, o, f, c.
    """

    def __init__(self, cells: nn.GRU | nn.LSTM) -> None:
        super().__init__()
        self.kind, self.layers, self.units = cells.mode, cells.num_layers, cells.hidden_size
        order = [1, 0, 2] if self.kind == "GRU" else [0, 3, 1, 2]
        for n in range(self.layers):
            for name in _OF_UNITS:
                gates = getattr(cells, f"{name}_l{n}").detach().chunk(len(order))
                self.register_buffer(f"{name}_{n}", torch.cat([gates[gate] for gate in order])[None])

    def forward(self, x_1LD: Tensor) -> tuple[Tensor]:
        """As a layer of torch's gives it: (1, L, units)."""
        x_L1D = x_1LD.transpose(0, 1)
        attributes: dict[str, Any] = {"hidden_size": self.units}
        if self.kind == "GRU":
            attributes["linear_before_reset"] = 1  # the new state is made as torch makes it
        for n in range(self.layers):
            into, again, *biases = (self.get_buffer(f"{name}_{n}") for name in _OF_UNITS)
            inputs, shape = (x_L1D, into, again, torch.cat(biases, 1)), (x_L1D.shape[0], 1, 1, self.units)
            x_L1D = torch.onnx.ops.symbolic(self.kind, inputs, attributes, dtype=x_L1D.dtype, shape=shape)[:, 0]
        return (x_L1D.transpose(0, 1),)


class _Last(nn.Module):
    """What comes after the last place."""

    def __init__(self, model: SequenceModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, e_1LD: Tensor, gap_1L: Tensor, first_1L: Tensor | None = None, second_1L: Tensor | None = None
    ) -> Tensor:
        """q_1D, of the length 1 / τ; codes in the order in which the settings read them."""
        codes = [code_1L for code_1L in (first_1L, second_1L) if code_1L is not None]
        return self.model.after(e_1LD, gap_1L, *codes)[:, -1]


def graph(cfg: SequenceConfig, net_N: Floats) -> Graph:
    """The encoder of these settings and numbers (of part ``net`` of what a member learned), for 1 to ``cfg.length``
    places. The same numbers give the same bytes.

    Raises FuserankError where a package of the extra onnx is not installed, and where the numbers are of other
    settings.
    """
    onnx_graph.refuse_missing()
    model = restored(cfg, net_N)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.GRU | nn.LSTM):
            model.set_submodule(name, _Units(module))
    places = min(3, cfg.length)
    names = (*INPUTS, *(CODES[name] for name in cfg.reads))
    numbers = (torch.zeros(1, places, dtype=torch.int64) for _ in names[1:])
    examples = torch.zeros(1, places, cfg.factors), *numbers
    shapes = tuple({1: "places"} for _ in names)
    program = onnx_graph.exported(_Last(model).eval(), examples, names, OUTPUT, shapes)
    content: bytes = program.model_proto.SerializeToString(deterministic=True)
    return Graph(content, int(not model.gap.weight[0].any()))


def ahead(cfg: SequenceConfig, net_N: Floats, e_LD: Floats, *codes_L: npt.NDArray[np.int64]) -> Floats:
    """What the graph is to give, by torch: q (D,). ``codes_L``: gaps, and what else the settings read."""
    with torch.inference_mode():
        q_1D = _Last(restored(cfg, net_N))(*(torch.from_numpy(one)[None] for one in (e_LD, *codes_L)))
    found: Floats = q_1D[0].numpy()
    return found
