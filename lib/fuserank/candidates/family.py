"""The retrieval family: every member under one contract, and how Spark runs it.

A member is a module with ``learn``, ``Scorer`` and ``USERS_AT_ONCE``: ``learn(pairs, config, seed, (block, blocks))`` yields rows of
``learned.SCHEMA``, ``Scorer(rows, config)`` has ``items`` and ``best(asked, k, exclude_seen)``. Both are numpy alone; here they
meet Spark. To add one: its module, its settings in config/retrieval.py, its declaration in registry/sources.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fuserank.candidates.best import Best
from fuserank.candidates.content import Content
from fuserank.candidates.interactions import PAIR_COLUMNS, Interactions
from fuserank.candidates.learned import SCHEMA, Learned
from fuserank.candidates.rows import KERNEL_OUTPUT, candidate_batch, of_source
from fuserank.common.errors import FuserankError
from fuserank.common.users import whole_users
from fuserank.config.auto import open_fields

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.base import Section
    from fuserank.registry.sources import Source

Loader = Callable[[], "pa.Table"]  # called on the executor
_SCORED = 64_000_000  # users times items of a block: dense scores take 4 bytes each
_LISTED = 8_000_000  # places in the lists of a block that is asked for whole lists
_DEEPER = 4  # times as deep, where lists were not deep enough


class Scorer(Protocol):
    """Scores what a member proposes; ``items``: which it can propose, ascending."""

    items: npt.NDArray[np.int32]

    def best(self, asked: Interactions, k: int, exclude_seen: bool) -> Best:
        """The k best items of each user of ``asked``, whose columns are ``items``."""
        ...


def fit(
    who: Source, pairs: DataFrame, load_pairs: Loader, cfg: Section, seed: int, partitions: int,
    load_content: Loader | None = None,
) -> DataFrame:  # fmt: skip
    """What the member learns from ``pairs`` (PAIR_COLUMNS), as rows of learned.SCHEMA; lazy.

    ``load_pairs`` gives the same pairs on an executor, where each task of a member without a fit of its own holds them all.
    ``load_content`` gives the rows of ``content.CONTENT_COLUMNS`` there; raises FuserankError where the member needs them and there are none.
    """
    if waiting := open_fields(cfg):
        raise ValueError(f"{who.name}: {', '.join(waiting)} wait for the data; fit with what config.auto.settled gives")
    if who.content and load_content is None:
        raise FuserankError(
            f"{who.name} learns from what items and users are, which this data does not tell; the events of a lake do"
        )
    if who.distributed:
        frame: DataFrame = who.code("fit")(pairs, cfg, seed, partitions)
        return frame
    blocks = partitions if who.by_blocks else 1
    return pairs.sparkSession.range(0, blocks, 1, blocks).mapInArrow(
        _Learn(who, load_pairs, load_content if who.content else None, cfg, seed, blocks), SCHEMA
    )


class _Learn:
    """A task's rows are the numbers of the blocks that it learns."""

    def __init__(
        self, who: Source, load_pairs: Loader, load_content: Loader | None, cfg: Section, seed: int, blocks: int
    ) -> None:
        self.who, self.load_pairs, self.load_content = who, load_pairs, load_content
        self.cfg, self.seed, self.blocks = cfg, seed, blocks

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        numbers = [int(n) for batch in batches for n in batch.column(0).to_numpy()]
        if not numbers:
            return
        pairs = Interactions.of(self.load_pairs())
        if self.load_content is not None:
            pairs = replace(pairs, content=Content(self.load_content()))
        with threadpool_limits(limits=1):
            for number in numbers:
                yield from self.who.code("learn")(pairs, self.cfg, self.seed, (number, self.blocks))


def propose(
    who: Source, histories: DataFrame, load: Loader, cfg: Section, k: int, partitions: int, exclude_seen: bool = True,
    among: npt.NDArray[np.int32] | None = None,
) -> DataFrame:  # fmt: skip
    """The ``k`` best items of every user of ``histories`` (PAIR_COLUMNS): user_index, item_index, source, rank, score.

    ``among``: the items that lists may hold; None: all. ``load`` gives the member's rows on an executor. A user's items are the same in any number of partitions; their scores may
    differ in the last bits, as products of matrices are rounded by their shape.
    """
    rows = histories.select(*PAIR_COLUMNS).repartition(partitions, "user_index")
    kernel = _Propose(who, load, cfg, k, exclude_seen, among)
    return of_source(rows.sortWithinPartitions("user_index", "item_index").mapInArrow(kernel, KERNEL_OUTPUT), who.name)


class _Propose:
    def __init__(
        self, who: Source, load: Loader, cfg: Section, k: int, exclude_seen: bool, among: npt.NDArray[np.int32] | None
    ) -> None:
        self.who, self.load, self.cfg = who, load, cfg
        self.k, self.exclude_seen, self.among = k, exclude_seen, among

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        scorer: Scorer | None = None
        with threadpool_limits(limits=1):
            for table in whole_users(batches):
                scorer = scorer or self.who.code("Scorer")(Learned(self.load()), self.cfg)
                yield from listed(self.who, scorer, table, self.k, self.exclude_seen, self.among)


def listed(
    who: Source, scorer: Scorer, histories: pa.Table, k: int, exclude_seen: bool = True,
    among: npt.NDArray[np.int32] | None = None, users_at_once: int | None = None,
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """Lists of whole users (PAIR_COLUMNS, sorted by user), a block of users at a time. ``among`` as of ``propose``. ``users_at_once``: None:
    as many as the member's module says.
    """
    chosen = None if among is None else _Among(scorer, among, k)
    user = histories.column("user_index").to_numpy()
    starts = np.flatnonzero(np.concatenate([[True], user[1:] != user[:-1]])) if len(user) else np.empty(0, np.int64)
    places = _SCORED if chosen is None else _LISTED
    at_once = min(users_at_once or who.code("USERS_AT_ONCE"), max(places // max(len(scorer.items), 1), 1))
    for low in range(0, len(starts), at_once):
        stop = starts[low + at_once] if low + at_once < len(starts) else len(user)
        asked = Interactions.of(histories.slice(starts[low], stop - starts[low]), scorer.items)
        found = scorer.best(asked, k, exclude_seen) if chosen is None else chosen.best(asked, exclude_seen)
        yield candidate_batch(asked.users[found.row], scorer.items[found.column], found.rank, found.score)


class _Among:
    """The k best among some of a scorer's items: the first k of them in lists that are asked for as long as that takes, which
    is right for any scorer. Where the items are the last ones of all, lists are as long as there are items.
    """

    def __init__(self, scorer: Scorer, among: npt.NDArray[np.int32], k: int) -> None:
        self.scorer, self.k = scorer, k
        self.wanted_I = np.isin(scorer.items, among)
        self.depth = k  # grows; a block begins where the one before it ended

    def best(self, asked: Interactions, exclude_seen: bool) -> Best:
        users, items = len(asked.users), len(self.wanted_I)
        while True:
            row, column, score, rank = self.scorer.best(asked, self.depth, exclude_seen)
            kept = self.wanted_I[column]
            short_B = np.bincount(row[kept], minlength=users) < min(self.k, int(self.wanted_I.sum()))
            if self.depth >= items or not (short_B & (np.bincount(row, minlength=users) >= self.depth)).any():
                break
            self.depth = min(_DEEPER * self.depth, items)
        row, column, score = row[kept], column[kept], score[kept]
        rank = (np.arange(len(row)) - np.searchsorted(row, row) + 1).astype(np.int32)
        first = rank <= self.k
        return Best(row[first], column[first], score[first], rank[first])
