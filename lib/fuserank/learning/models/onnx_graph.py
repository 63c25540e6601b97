"""A trained model as an ONNX graph, for programs that have neither torch nor fuserank; and the same run from it."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fuserank.common.blocks import Block, Floats, empty
from fuserank.common.errors import FuserankError
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model

INPUTS = ("dense", "categorical", "history", "user", "item")  # as ``Batch`` has them: float32, then int32
OUTPUT = "logit"
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_MOST = 2**31 - 1  # bytes that one file of protobuf holds


class _Named(nn.Module):
    """The model, by tensors under the names of ``INPUTS``."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, dense: Tensor, categorical: Tensor, history: Tensor, user: Tensor, item: Tensor) -> Tensor:
        """logit_B. Whole numbers look up rows as int64 alone; labels and weights are of training."""
        none, whole = dense.new_zeros(0), (values.long() for values in (categorical, history, user, item))
        return self.model(Batch(dense, *whole, none, none))


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
    rows = empty(model.inputs, 3)  # of any values: only types and shapes are looked at
    with _quiet():
        program: Any = torch.onnx.export(
            _Named(model.eval()).eval(),
            tuple(torch.from_numpy(value) for value in feeds(rows).values()),
            input_names=INPUTS,
            output_names=[OUTPUT],
            dynamic_shapes={name: {0: "rows"} for name in INPUTS},
            dynamo=True,
            verbose=False,
        )
    _strip(program.model)
    program.model.metadata_props.update(facts)
    content: bytes = program.model_proto.SerializeToString(deterministic=True)
    return content


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
    """The exporter's log without what it says of packages that are not there."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
