"""A trained model as an ONNX graph, for programs that have neither torch nor fuserank; and the same run from it."""

from __future__ import annotations

import copy
import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from fuserank.common.blocks import Block, Floats, empty
from fuserank.common.errors import FuserankError
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model
from fuserank.learning.models.distinct import Distinct

INPUTS = ("dense", "categorical", "history", "user", "item")  # as ``Batch`` has them: float32, then int32
SHARED = ("history_distinct", "history_row")  # made of the history inside the graph
OUTPUT = "logit"
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_MOST = 2**31 - 1  # bytes that one file of protobuf holds


class _Alike(nn.Module):
    """In the place of ``Distinct``: what it finds comes from outside."""

    def __init__(self, outside: list[Tensor]) -> None:
        super().__init__()
        self.outside = outside

    def forward(self, history_BL: Tensor) -> tuple[Tensor, Tensor]:
        """As ``Distinct``'s."""
        distinct_UL, row_B = self.outside
        return distinct_UL, row_B


class _Named(nn.Module):
    """The model, by tensors under the names of ``INPUTS``; ``SHARED`` besides where it looks for histories alike."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).eval()
        self.outside: list[Tensor] = []
        places = [name for name, module in self.model.named_modules() if isinstance(module, Distinct)]
        for name in places:
            self.model.set_submodule(name, _Alike(self.outside))
        self.names = (*INPUTS, *(SHARED if places else ()))

    def forward(self, dense: Tensor, *whole: Tensor) -> Tensor:
        """logit_B. Whole numbers look up rows as int64 alone; labels and weights are of training."""
        categorical, history, user, item, *self.outside[:] = (values.long() for values in whole)
        none = dense.new_zeros(0)
        logit_B: Tensor = self.model(Batch(dense, categorical, history, user, item, none, none))
        return logit_B


def refuse_missing() -> None:
    """:raises FuserankError: a package of the extra onnx is not installed"""
    if missing := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise FuserankError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed here; install fuserank with"
            " its extra onnx"
        )


def feeds(block: Block) -> dict[str, Any]:
    """The rows under the names of ``INPUTS``, as onnxruntime takes them."""
    return dict(zip(INPUTS, block[: len(INPUTS)], strict=True))


def encoded(model: Model, facts: Mapping[str, str]) -> bytes:
    """Of a file: the model in float32 for any number of rows, with ``facts`` as its metadata. The same model gives the
    same bytes, in which nothing of this machine stands.

    :raises FuserankError: weights of more than 2 GiB, which one file cannot hold
    """
    size = sum(value.nbytes for value in model.state_dict().values())
    if size > _MOST:
        raise FuserankError(f"{model.config.kind}: {size / 2**30:.1f} GiB of weights; a file of ONNX holds 2 at most")
    named, rows = _Named(model), empty(model.inputs, 5)  # of any values: only types and shapes are looked at
    tensors = [torch.from_numpy(value) for value in feeds(rows).values()]
    shared = [torch.full((3, len(model.inputs.history)), -1), torch.zeros(5, dtype=torch.int64)]
    whole = tuple([*tensors, *shared][: len(named.names)])
    program = exported(named.eval(), whole, named.names, OUTPUT, _shapes(named.names))
    program.model.metadata_props.update(facts)
    proto: Any = program.model_proto
    if named.names != INPUTS:
        _find_alike(proto.graph)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content


def exported(module: nn.Module, tensors: tuple[Tensor, ...], names: Sequence[str], output: str, shapes: Any) -> Any:
    """What torch's exporter makes of a module and examples of its inputs, with nothing of this machine in it.

    :param shapes: which sizes of the inputs may be any, as ``dynamic_shapes`` of torch.onnx.export
    """
    with _quiet(), sdpa_kernel(SDPBackend.MATH):  # the only attention whose memory lies as in its parts
        program: Any = torch.onnx.export(
            module,
            tensors,
            input_names=names,
            output_names=[output],
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    _strip(program.model)
    return program


def _shapes(names: Sequence[str]) -> Any:
    """Any number of rows, and any of distinct histories among them."""
    first, *rest = ({0: "histories" if name == SHARED[0] else "rows"} for name in names)
    return first, tuple(rest)


def _find_alike(graph: Any) -> None:
    """Make what stands in ``SHARED`` of the history. Not by torch's exporter: it wants to know how many there are."""
    from onnx import TensorProto, helper

    for value in [one for one in graph.input if one.name in SHARED]:
        graph.input.remove(value)
    cast = helper.make_node("Cast", ["history"], ["history_whole"], to=TensorProto.INT64)
    graph.node.insert(0, cast)
    graph.node.insert(1, helper.make_node("Unique", ["history_whole"], [SHARED[0], "", SHARED[1]], axis=0, sorted=1))


def runner(content: bytes) -> Callable[[Block], Floats]:
    """What gives logit_B of a block by onnxruntime, on one thread."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def logits(block: Block) -> Floats:
        return np.asarray(session.run([OUTPUT], feeds(block))[0], np.float32)

    return logits


def _strip(graph: Any) -> None:
    """Take out what the exporter notes of its own work: lines of code with the folders of this machine."""
    for node in graph.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*graph.graph.inputs, *graph.graph.initializers.values()):
        value.metadata_props.clear()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of torch's own code: of packages that it can do without, of what goes one day."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        log.setLevel(before)
