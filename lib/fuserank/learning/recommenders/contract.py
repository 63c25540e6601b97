"""What every recommender of the retrieval family is: rows that it learns, a scorer of them, lists of whole users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders.best import Best
from fuserank.learning.recommenders.interactions import Interactions

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.registry.sources import Source

_SCORED = 64_000_000  # users times items of a block: dense scores take 4 bytes each
_LISTED = 8_000_000  # places in the lists of a block that is asked for whole lists
_DEEPER = 4  # times as deep, where lists were not deep enough


class Scorer(Protocol):
    """Scores what a member proposes; ``items``: which it can propose, ascending."""

    items: npt.NDArray[np.int32]

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """The k best items of each user of ``histories``, whose columns are ``items``."""
        ...


def listed(
    source: Source,
    scorer: Scorer,
    histories: pa.Table,
    k: int,
    exclude_seen: bool = True,
    among: npt.NDArray[np.int32] | None = None,
    users_at_once: int | None = None,
    only_seen: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Lists of whole users (PAIR_COLUMNS, of a source with ``baskets`` BASKET_COLUMNS, sorted by user), a block of
    users at a time. ``among`` as of ``propose``. ``users_at_once``: None: as many as the member's module says.
    ``only_seen``: lists hold nothing but what the user took before.
    """
    read = Interactions.of_baskets if source.baskets else Interactions.of
    if only_seen and exclude_seen:
        raise ValueError("lists cannot leave out what was taken, and hold nothing else")
    chosen: _Own | _Among | None = None if among is None else _Among(scorer, among, k)
    if only_seen:
        chosen = _Own(scorer, among, k)
    user = histories.column("user_index").to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], user[1:] != user[:-1]])) if len(user) else np.empty(0, np.int64)
    places = _SCORED if chosen is None else _LISTED
    at_once = min(users_at_once or source.code("USERS_AT_ONCE"), max(places // max(len(scorer.items), 1), 1))
    for low in range(0, len(starts), at_once):
        stop = starts[low + at_once] if low + at_once < len(starts) else len(user)
        block = read(histories.slice(starts[low], stop - starts[low]), scorer.items)
        found = scorer.best(block, k, exclude_seen) if chosen is None else chosen.best(block, exclude_seen)
        yield candidate_batch(block.users[found.row], scorer.items[found.column], found.rank, found.score)


class _Among:
    """The k best among some of a scorer's items. Lists of all items are made longer until the first k of these items
    are in them, which is right for any scorer. Where these items are the last ones of all, lists are as long as there
    are items.
    """

    def __init__(self, scorer: Scorer, among: npt.NDArray[np.int32], k: int) -> None:
        self.scorer, self.k = scorer, k
        self.wanted_I = np.isin(scorer.items, among)
        self.depth = k  # grows; a block begins where the one before it ended

    def best(self, histories: Interactions, exclude_seen: bool) -> Best:
        users, items = len(histories.users), len(self.wanted_I)
        while True:
            row, column, score, _ = self.scorer.best(histories, self.depth, exclude_seen)
            mask = self.wanted_I[column]
            short_B = np.bincount(row[mask], minlength=users) < min(self.k, int(self.wanted_I.sum()))
            if self.depth >= items or not (short_B & (np.bincount(row, minlength=users) >= self.depth)).any():
                break
            self.depth = min(_DEEPER * self.depth, items)
        return _first(row[mask], column[mask], score[mask], self.k)


class _Own:
    """The same among what each user took, and of ``among`` where that is not None. As users differ in how deep their
    own items stand, longer lists are made for those alone whose lists were too short.
    """

    def __init__(self, scorer: Scorer, among: npt.NDArray[np.int32] | None, k: int) -> None:
        self.scorer, self.k = scorer, k
        self.wanted_I = np.ones(len(scorer.items), bool) if among is None else np.isin(scorer.items, among)

    def best(self, histories: Interactions, exclude_seen: bool) -> Best:
        items, left, parts = len(self.wanted_I), np.arange(len(histories.users)), []
        depth = min(_DEEPER * self.k, items)
        while len(left):
            some = histories.some(left)
            own = self._own(some)
            there_B = np.bincount(own // max(items, 1), minlength=len(left))
            row, column, score, _ = self.scorer.best(some, depth, exclude_seen)
            mask = locate(own, row * items + column)[1]
            short_B = np.bincount(row[mask], minlength=len(left)) < np.minimum(self.k, there_B)
            short_B &= (np.bincount(row, minlength=len(left)) >= depth) & (depth < items)
            mask &= ~short_B[row]
            parts.append((left[row[mask]], column[mask], score[mask]))
            left, depth = left[short_B], min(_DEEPER * depth, items)
        if not parts:
            return _first(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32), self.k)
        row, column, score = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.argsort(row, kind="stable")
        return _first(row[order], column[order], score[order], self.k)

    def _own(self, histories: Interactions) -> npt.NDArray[np.int64]:
        """What each user took of the wanted items, as row · items + column, ascending."""
        taken = histories.weight
        key = np.repeat(np.arange(taken.shape[0], dtype=np.int64), np.diff(taken.indptr)) * taken.shape[1]
        return (key + taken.indices)[self.wanted_I[taken.indices]]


def _first(row: npt.NDArray[Any], column: npt.NDArray[Any], score: npt.NDArray[Any], k: int) -> Best:
    """The first k of each row, ranked; rows stand together, best first."""
    rank = (np.arange(len(row)) - np.searchsorted(row, row) + 1).astype(np.int32)
    first = rank <= k
    return Best(row[first], column[first], score[first], rank[first])


KERNEL_OUTPUT = "user_index int, item_index int, rank int, score float"


def candidate_batch(
    user_index: npt.NDArray[Any], item_index: npt.NDArray[Any], rank: npt.NDArray[Any], score: npt.NDArray[Any]
) -> pa.RecordBatch:
    """What a kernel yields, with the same Arrow types for any number of rows."""
    import pyarrow as pa

    columns = [pa.array(c, pa.int32()) for c in (user_index, item_index, rank)]
    return pa.RecordBatch.from_arrays(
        [*columns, pa.array(score, pa.float32())], names=["user_index", "item_index", "rank", "score"]
    )
