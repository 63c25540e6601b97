"""A sequence model's step: from what was done just now, in order, to what comes next.

score of item j = cos(q, e_j) − how much less popular it is than the most popular one, in cosines (τ γ ln of how many
times fewer users took it, as the model learned it): what the model lists by, in units of a cosine, so that an item that
few took needs a nearer vector, as it does there. From 0 to 1; 0 for what does not come next, and for an item that the
model does not know.
"""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fuserank.learning.sequences.windows import gap_class
from fuserank.serving.recommend.products import foremost, products

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from fuserank.serving.store import records as r
    from fuserank.serving.store.contract import Store

    Floats = npt.NDArray[np.float64]
    Vectors = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

# numbers that are looked through for what is nearest: of 16,256 items with 128 factors
_AMONG = 1 << 21


class Path(NamedTuple):
    """Items in the order in which something was done with them last, oldest first; ``days``: of the calendar, in which
    a model of sequences counts time: 0 today, -1 yesterday; ``types``: what was done with each that says most, as its
    place in ``history.signals.TYPES``; none: nobody says.
    """

    items: Sequence[int] = ()
    days: Sequence[int] = ()
    types: Sequence[int] = ()


class Step:
    """An encoder on one thread, and the items' vectors; several threads may use one.

    :param model: a graph of ONNX (``learning.sequences.step``)
    :param items_IE: ``records.Step.items``; where the graph reads prices, each item's class in one column more
    """

    def __init__(self, of: r.Step, model: bytes, items_IE: Vectors) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._of, self._items_IE, self._price_I = of, np.asarray(items_IE), None
        self._reads = {one.name for one in self._session.get_inputs()}
        if "prices" in self._reads:
            self._items_IE, self._price_I = self._items_IE[:, :-1], self._items_IE[:, -1]

    def known(self, path: Path) -> Path:
        """The last items that the model knows, as many as it looks at."""
        items = np.fromiter(path.items, np.int64, len(path.items))
        there = items < len(self._items_IE)
        there[there] = self._items_IE[items[there], :-1].any(axis=1)
        at = np.flatnonzero(there)[-self._of.length :].tolist()
        types = [path.types[n] for n in at] if path.types else ()
        return Path([path.items[n] for n in at], [path.days[n] for n in at], types)

    def ahead(self, path: Path) -> Vectors:
        """What comes after a path of items that are known, of one at least: scores of items are products of their rows
        and this (D + 1,).
        """
        e_LD = self._items_IE[list(path.items), :-1]
        days_L = np.diff(np.array([*path.days, 0], np.float32))
        gap_L = np.maximum(gap_class(days_L), self._of.at_once)
        inputs = {"vectors": e_LD[None], "gaps": gap_L[None]}
        if "types" in self._reads:
            inputs["types"] = np.array([path.types or [0] * len(path.items)], np.int64)
        if self._price_I is not None:
            inputs["prices"] = self._price_I[list(path.items)].astype(np.int64)[None]
        (q_1D,) = self._session.run(None, inputs)
        q_D = np.asarray(q_1D[0], np.float32)
        return np.append(q_D / np.sqrt(q_D @ q_D), np.float32(1))

    def scores(self, items: Ints, ahead: Vectors) -> Floats:
        """Of some items [items]."""
        return np.clip(products(self._items_IE, items, ahead), 0.0, 1.0)

    def nearest(self, ahead: Vectors, most: int) -> Ints:
        """Items with the highest scores, best first, all above 0; ties to the lower index. Of a large catalogue those
        that most users took are looked through alone: the score of an item that few took has further to go.
        """
        index, rows = self._among
        found: Ints = index[foremost(rows @ ahead, most)]  # index ascends, so ties go to the lower one
        return found

    @cached_property
    def _among(self) -> tuple[Ints, Vectors]:
        """The items that are looked through, and their rows side by side."""
        index = np.flatnonzero(self._items_IE[:, :-1].any(axis=1))
        most = max(_AMONG // self._items_IE.shape[1], 1)
        if len(index) > most:
            index = np.sort(index[np.argsort(-self._items_IE[index, -1], kind="stable")[:most]])
        return index, self._items_IE[index]


def opened(of: r.Step | None, store: Store) -> tuple[Step | None, str | None]:
    """The step of a store's snapshot, and why it is not taken; both None where there is none.

    :param of: what the manifest says of it
    """
    files = store.step()
    if of is None or files is None:
        return None, None
    if find_spec("onnxruntime") is None:
        cure = "install fuserank with its extra step beside serve"
        return None, f"the step of {of.source} is not taken: onnxruntime is not installed here; {cure}"
    try:
        return Step(of, *files), None
    except Exception as problem:  # onnxruntime has a class of its own for each; the snapshot answers without it
        return None, f"the step of {of.source} is not taken: onnxruntime does not load it: {problem}"
