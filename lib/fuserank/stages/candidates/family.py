"""The retrieval family: every member under one contract, and how Spark runs it.

A member is a module with ``learn``, ``Scorer`` and ``USERS_AT_ONCE``: ``learn(pairs, config, seed, (block,
blocks))`` yields rows of ``state.SCHEMA``, ``Scorer(rows, config)`` has ``items`` and ``best(histories,
k, exclude_seen)``. Both are numpy alone; here they meet Spark. To add one: its module, its settings in
learning/recommenders/settings.py, its declaration in registry/sources.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.common.users import whole_users
from fuserank.config.auto import open_fields
from fuserank.learning.recommenders.baskets import in_baskets
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.contract import KERNEL_OUTPUT, Scorer, listed
from fuserank.learning.recommenders.interactions import PAIR_COLUMNS, Interactions
from fuserank.learning.recommenders.state import SCHEMA, State
from fuserank.registry import loaded
from fuserank.stages.candidates.rows import of_source

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.base import Section
    from fuserank.registry.sources import Source

Loader = Callable[[], "pa.Table"]  # called on the executor


def fit(
    source: Source,
    pairs: DataFrame,
    load_pairs: Loader,
    cfg: Section,
    seed: int,
    partitions: int,
    load_content: Loader | None = None,
    load_baskets: Loader | None = None,
) -> DataFrame:
    """What the member learns from ``pairs`` (PAIR_COLUMNS), as rows of ``state.SCHEMA``; lazy.

    ``load_pairs`` gives the same pairs on an executor, where each task of a member without a fit of its own
    holds them all. ``load_content`` gives the rows of ``content.CONTENT_COLUMNS`` there, ``load_baskets`` those of
    ``baskets.BASKET_COLUMNS``, which then stand for the pairs, too; raises FuserankError where the member needs one
    that there is not.
    """
    if waiting := open_fields(cfg):
        raise ValueError(
            f"{source.name}: {', '.join(waiting)} wait for the data; fit with what config.auto.settled gives"
        )
    if getattr(cfg, "ranks", None):
        raise FuserankError(
            f"{source.name}: ranks learn from windows in a lake, which the chain writes; here leave `ranks` out"
        )
    if source.content and load_content is None:
        raise FuserankError(
            f"{source.name} learns from what items and users are, which this data does not tell; the events of a lake"
            " do"
        )
    if source.baskets and load_baskets is None:
        raise FuserankError(
            f"{source.name} learns from baskets in order, which this data does not tell; the events of a lake and"
            " sequences do"
        )
    if source.distributed:
        frame: DataFrame = loaded(source.distributed)(pairs, cfg, seed, partitions, load_content)
        return frame
    blocks = partitions if source.by_blocks else 1
    of_content = load_content if source.reads_content or source.reads_links(cfg) else None
    load = load_baskets if source.baskets and load_baskets is not None else load_pairs
    return pairs.sparkSession.range(0, blocks, 1, blocks).mapInArrow(
        _Learn(source, load, of_content, cfg, seed, blocks), SCHEMA
    )


class _Learn:
    """A task's rows are the numbers of the blocks that it learns. ``load``: of baskets where the member reads them,
    else of pairs.
    """

    def __init__(
        self, source: Source, load: Loader, load_content: Loader | None, cfg: Section, seed: int, blocks: int
    ) -> None:
        self.source, self.load, self.load_content = source, load, load_content
        self.cfg, self.seed, self.blocks = cfg, seed, blocks

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        numbers = [int(n) for batch in batches for n in batch.column(0).to_numpy()]
        if not numbers:
            return
        pairs = (Interactions.of_baskets if self.source.baskets else Interactions.of)(self.load())
        if self.load_content is not None:
            pairs = replace(pairs, content=Content(self.load_content()))
        with threadpool_limits(limits=1):
            for number in numbers:
                yield from self.source.code("learn")(pairs, self.cfg, self.seed, (number, self.blocks))


def propose(
    source: Source,
    histories: DataFrame,
    load: Loader,
    cfg: Section,
    k: int,
    partitions: int,
    exclude_seen: bool = True,
    among: npt.NDArray[np.int32] | None = None,
    only_seen: bool = False,
) -> DataFrame:
    """The ``k`` best items of every user of ``histories`` (PAIR_COLUMNS, of a source with ``baskets`` BASKET_COLUMNS):
    user_index, item_index, source, rank, score.

    ``among``: the items that lists may hold; None: all; ``only_seen``: those alone that the user took. ``load`` gives
    the member's rows on an executor. A user's items are the same in any number of partitions; their scores may differ
    in the last bits, as products of matrices are rounded by their shape.
    """
    columns = in_baskets(histories.columns) if source.baskets else PAIR_COLUMNS
    rows = histories.select(*columns).repartition(partitions, "user_index")
    kernel = _Propose(source, load, cfg, k, exclude_seen, among, only_seen)
    return of_source(
        rows.sortWithinPartitions("user_index", "item_index").mapInArrow(kernel, KERNEL_OUTPUT), source.name
    )


class _Propose:
    def __init__(
        self,
        source: Source,
        load: Loader,
        cfg: Section,
        k: int,
        exclude_seen: bool,
        among: npt.NDArray[np.int32] | None,
        only_seen: bool,
    ) -> None:
        self.source, self.load, self.cfg = source, load, cfg
        self.k, self.exclude_seen, self.among, self.only_seen = k, exclude_seen, among, only_seen

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        scorer: Scorer | None = None
        with threadpool_limits(limits=1):
            for table in whole_users(batches):
                scorer = scorer or self.source.code("Scorer")(State(self.load()), self.cfg)
                yield from listed(
                    self.source, scorer, table, self.k, self.exclude_seen, self.among, only_seen=self.only_seen
                )
