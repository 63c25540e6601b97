"""The items of one snapshot, as a process keeps them: records it has read, names of fields, lengths of vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fuserank.serving.recommend.filters import Predicate, compiled
from fuserank.serving.recommend.products import foremost, products
from fuserank.serving.recommend.segments import Segments
from fuserank.serving.recommend.step import Step, opened
from fuserank.serving.recommend.table import Table
from fuserank.serving.recommend.weights import SessionWeights

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.store.contract import Store
    from fuserank.serving.store.records import ItemRecord

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_MOST_FILTERS, _SAMPLE, _BLOCK, _DAMPED = 256, 1024, 65_536, 95


class Catalogue:
    """Items of the snapshot that is current when this is made.

    :param most: records that are held; beyond, those that were not used for the longest time go, half at once
    :param weights: of a session; None: those that were fitted for the snapshot, else the built-in ones
    :ivar step: the sequence model's, where weights count it
    :ivar without_step: why there is none, although weights count it and the snapshot has one
    """

    def __init__(self, store: Store, most: int, weights: SessionWeights | None = None) -> None:
        self._store, self._half = store, max(most // 2, 1)
        self.manifest = store.manifest
        fit = self.manifest.session if weights is None else None
        if fit is not None:
            weights = SessionWeights(co_purchase=fit.co_purchase, als=fit.als, sequence=fit.sequence)
        self.weights = weights or SessionWeights()
        self.step: Step | None = None
        self.without_step: str | None = None
        if self.weights.sequence:
            self.step, self.without_step = opened(self.manifest.step, store)
            if self.step is None and fit is not None:
                self.weights = SessionWeights()  # those that were fitted go together
        self.features = {name: n for n, name in enumerate(self.manifest.features)}
        vectors = store.vectors()
        self._vectors: npt.NDArray[np.float32] | None = None if vectors is None else np.asarray(vectors)
        self._young: dict[int, ItemRecord | None] = {}
        self._old: dict[int, ItemRecord | None] = {}
        self._indices: dict[str, int | None] = {}
        self._filters: dict[str, Predicate] = {}
        self.table = Table()

    @cached_property
    def popular(self) -> Ints:
        """The most popular items, best first, each once."""
        return np.array(list(dict.fromkeys(self.manifest.popular)), np.int64)

    @cached_property
    def places(self) -> dict[int, int]:
        """item_index → its place among the most popular, from 0."""
        return {index: place for place, index in reversed(list(enumerate(self.manifest.popular)))}

    @cached_property
    def segments(self) -> Segments:
        """Lists by segment."""
        return Segments(self.manifest.segments)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the items' fields: of an even sample of the catalogue."""
        step = max(self.manifest.items // _SAMPLE, 1)
        found = self._store.items(range(0, self.manifest.items, step))
        return frozenset(name for record in found if record is not None for name in record.fields)

    def records(self, indices: Sequence[int]) -> list[ItemRecord | None]:
        """Items by index, in order; those that are not held are read in one transaction."""
        young, old = self._young, self._old
        missing = [index for index in indices if index not in young]
        if missing:
            unread = [index for index in missing if index not in old]
            found = {index: old[index] for index in missing if index in old}
            if unread:
                found |= zip(unread, self._store.items(unread), strict=True)
            if len(young) + len(found) > self._half:
                self._old, young = young, {index: young[index] for index in indices if index in young}
            young.update(found)
            self._young = young
        return [young[index] for index in indices]

    def indices(self, item_ids: Iterable[str]) -> dict[str, int | None]:
        """Items → their indices, None: there is none; those not held are read in one transaction."""
        held = self._indices
        found = {item_id: held.get(item_id) for item_id in item_ids}
        missing = [item_id for item_id, index in found.items() if index is None]
        if missing:
            read = dict(zip(missing, self._store.indices(missing), strict=True))
            found |= read
            if len(held) > self._half:
                self._indices = held = {}
            held.update((item_id, index) for item_id, index in read.items() if index is not None)
        return found

    def indices_of(self, item_ids: Iterable[str]) -> tuple[list[int], int]:
        """Indices of the items that there are, each once and in order; how many there are not."""
        found = self.indices(item_ids)
        known = [index for index in found.values() if index is not None]
        return known, len(found) - len(known)

    def filter(self, text: str) -> Predicate:
        """A filter, compiled once.

        :raises Refused: it is wrong
        """
        found = self._filters.get(text)
        if found is None:
            found = compiled(text, self.fields, self.features.keys())
            if len(self._filters) >= _MOST_FILTERS:
                self._filters = {}
            self._filters[text] = found
        return found

    def directions(self, indices: Sequence[int]) -> Floats | None:
        """Vectors of items, each of length 1 [items, factors]; zeros where an item has none; None: no item has any."""
        if self._vectors is None:
            return None
        at = np.fromiter(indices, np.int64, len(indices))
        there = at < len(self._vectors)
        if there.all():
            found = self._vectors[at].astype(np.float64)
        else:
            found = np.zeros((len(at), self._vectors.shape[1]))
            found[there] = self._vectors[at[there]]
        length = np.sqrt(np.einsum("ij,ij->i", found, found))
        found /= np.where(length > 0, length, 1.0)[:, None]
        return found

    def cosines(self, at: Ints, direction: Floats) -> Floats:
        """Damped cosines of items' vectors with a vector of length 1; 0 where an item has none."""
        if self._vectors is None:
            return np.zeros(len(at))
        found = products(self._vectors, at, direction.astype(np.float32))
        found /= self._damped[np.minimum(at, len(self._vectors) - 1)]
        return np.clip(found, -1.0, 1.0)

    def nearest(self, direction: Floats, most: int) -> Ints:
        """Items with the nearest vectors, nearest first, none of them turned away; ties to the lower index."""
        if self._vectors is None:
            return np.zeros(0, np.int64)
        towards = direction.astype(np.float32)
        cosine = np.concatenate([self._vectors[n : n + _BLOCK] @ towards for n in range(0, len(self._vectors), _BLOCK)])
        cosine /= self._damped
        return foremost(cosine, most)

    @cached_property
    def _damped(self) -> npt.NDArray[np.float32]:
        """Lengths of all vectors, 1 where there is none, each and the length that 95 % of the vectors do not reach.

        A short vector has learned from few events, and its direction is noise: divided by this the cosine of such an
        item is drawn to 0. By blocks, so that no copy of all is made.
        """
        assert self._vectors is not None
        blocks = [self._vectors[n : n + _BLOCK] for n in range(0, len(self._vectors), _BLOCK)]
        found = np.concatenate([np.sqrt(np.einsum("ij,ij->i", b, b)) for b in blocks])
        any_length = found[found > 0]
        damp = np.percentile(any_length, _DAMPED) if len(any_length) else 0.0
        found[found == 0] = 1
        return (found + damp).astype(np.float32)
