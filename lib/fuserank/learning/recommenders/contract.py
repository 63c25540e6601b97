"""What every recommender of the retrieval family is: rows that it learns, a scorer of them, lists of whole users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

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
) -> Iterator[pa.RecordBatch]:
    """Lists of whole users (PAIR_COLUMNS, of a source with ``baskets`` BASKET_COLUMNS, sorted by user), a block of
    users at a time. ``among`` as of ``propose``. ``users_at_once``: None: as many as the member's module says.
    """
    read = Interactions.of_baskets if source.baskets else Interactions.of
    chosen = None if among is None else _Among(scorer, among, k)
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
            row, column, score, rank = self.scorer.best(histories, self.depth, exclude_seen)
            mask = self.wanted_I[column]
            short_B = np.bincount(row[mask], minlength=users) < min(self.k, int(self.wanted_I.sum()))
            if self.depth >= items or not (short_B & (np.bincount(row, minlength=users) >= self.depth)).any():
                break
            self.depth = min(_DEEPER * self.depth, items)
        row, column, score = row[mask], column[mask], score[mask]
        rank = (np.arange(len(row)) - np.searchsorted(row, row) + 1).astype(np.int32)
        first = rank <= self.k
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
