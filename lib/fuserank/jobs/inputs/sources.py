"""How a run makes the list of each candidate source as of a day, of whatever kind it is."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from fuserank.common.errors import FuserankError
from fuserank.config.auto import Numbers, chosen, open_fields, settled
from fuserank.config.base import Section
from fuserank.config.candidates import SEGMENTS, SourceSection
from fuserank.history.baskets import baskets, baskets_back, pairs
from fuserank.history.events import rejected_pairs, taken
from fuserank.history.recurrence import Recurrence, recurrence
from fuserank.history.windows import label_window
from fuserank.io.lake.broadcasts import columns_of
from fuserank.io.lake.interactions import Scratch, scratch
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.executors import refuse_dynamic_allocation, slots
from fuserank.jobs.inputs import ordered
from fuserank.jobs.inputs.content import CATALOGUE, content, links
from fuserank.jobs.inputs.history import dislikes, reversals
from fuserank.jobs.inputs.persisted import held
from fuserank.learning.recommenders.baskets import BASKET_COLUMNS, CODE_COLUMNS
from fuserank.learning.recommenders.content import CONTENT_COLUMNS
from fuserank.learning.recommenders.contract import KERNEL_OUTPUT
from fuserank.learning.recommenders.interactions import PAIR_COLUMNS
from fuserank.learning.recommenders.state import COLUMNS
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.registry.sources import SOURCES, Source
from fuserank.stages.candidates import family
from fuserank.stages.candidates.histories import as_interactions, counted
from fuserank.stages.candidates.inputs import SourceInputs
from fuserank.stages.candidates.rows import without
from fuserank.tables import table as table_of
from fuserank.tables.candidates import LEARNED
from fuserank.tables.silver import EVENTS, SOCIAL

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import CandidatesConfig
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table


@dataclass
class Sources:
    """What all sources of a day start from; ``propose`` gives user_index,
    item_index, source, rank, score of one of them.
    """

    run: Run
    lake: Lake  # which keeps what the sources are made of
    as_of: dt.date
    taken: DataFrame  # events
    basket_rows: DataFrame
    pair_rows: DataFrame
    folder: Scratch
    rejected: DataFrame | None  # pairs that are in no list; None: there are none

    def propose(self, source: str, cfg: CandidatesConfig) -> DataFrame:
        """Fits what the source is made of, saves that, and proposes from what was saved; the lists themselves are
        lazy. Each user's is as long as the user's segment lets it be.
        """
        if cfg.quota(source) == 0:
            return self.run.spark.createDataFrame([], f"{KERNEL_OUTPUT}, source string")
        rows = self._whole(source, cfg)
        if self.rejected is not None:
            rows = without(rows, self.rejected)
        if cfg.segments.quotas is None:
            return rows
        quotas = [F.lit(x) for segment in SEGMENTS for x in (segment, cfg.quota_in(segment, source))]
        quota = F.create_map(*quotas)[F.col("segment")]
        users = self._segments(cfg).select("user_index", quota.alias("quota"))
        return rows.join(users, "user_index").where(F.col("rank") <= F.col("quota")).drop("quota")

    def _segments(self, cfg: CandidatesConfig) -> DataFrame:
        """user_index, segment: by distinct baskets."""
        count = self.basket_rows.groupBy("user_index").agg(F.count_distinct("basket").alias("baskets"))
        segment = F.when(F.col("baskets") <= cfg.segments.new_baskets, "new").when(
            F.col("baskets") > cfg.segments.heavy_baskets, "heavy"
        )
        return count.select("user_index", segment.otherwise("light").alias("segment"))

    def _whole(self, source: str, cfg: CandidatesConfig) -> DataFrame:
        declared = SOURCES[source]
        if not declared.section:
            return self._member(declared, cfg)
        # a segment may ask for more than its own
        section = cfg.of_source(source).model_copy(update={"quota": cfg.quota(source)})
        rows: DataFrame = declared.code("lists")(self._inputs(declared), section)
        return rows

    def _inputs(self, source: Source) -> SourceInputs:
        def keep(rows: DataFrame) -> _Slice:
            table = table_of(str(source.writes))
            self.lake.replace(table, rows, as_of_date=self.as_of)
            return _Slice(self.lake, table, self.as_of)

        partitions = self.run.spark.sparkContext.defaultParallelism
        at_once = functools.partial(self._at_once, source.name)
        return SourceInputs(
            self.basket_rows,
            self.pair_rows,
            self.run.seed,
            partitions,
            at_once,
            keep,
            self._recurrence,
            note=lambda metric, value: self.run.note(f"{source.name}.{self.as_of}.{metric}", value),
            say=lambda line: self.run.say(f"{source.name} as of {self.as_of} {line}"),
        )

    def _recurrence(self) -> Recurrence:
        """As of the start of the run's first label window: the model and the calibration are fitted on that
        day's scores and the next's, and both stand for those of as_of, so what is chosen by it must not
        change between them. Counted once in a run.
        """
        first = self._first()

        def count() -> Recurrence:
            events = self.run.lake.known(EVENTS, first)
            rows = pairs(baskets(taken(events, reversals(self.run.lake, events)), first), ())
            return recurrence(rows, F.col("baskets") > 1)

        return self.run.lake.once(EVENTS, f"recurrence as of {first}", count)

    def _first(self) -> dt.date:
        """The start of the run's first label window."""
        days = self.run.settings.windows.label_days
        return min(self.as_of, label_window(self.run.chain_as_of, days, back=2).start)

    def _member(self, declared: Source, cfg: CandidatesConfig) -> DataFrame:
        source, cfg_of, lake = declared.name, cfg.member(declared.name), self.lake
        ranks = self._at_once(source) if declared.distributed else max(slots(self.run.spark).total, 1)
        pair_frame, load_pairs = self.folder.once("pairs", lambda: as_interactions(self.pair_rows), PAIR_COLUMNS)
        settings = self._settled(declared, cfg_of.settings)
        load_content = None
        if declared.content or (declared.attributes and all(self.run.lake.exists(table) for table in CATALOGUE)):
            load_content = self.folder.once("content", lambda: content(self.run.lake, self.as_of), CONTENT_COLUMNS)[1]
        elif declared.reads_links(settings) and self.run.lake.exists(SOCIAL):
            load_content = self.folder.once("links", lambda: links(self.run.lake, self.as_of), CONTENT_COLUMNS)[1]
        history, load_baskets = pair_frame, None
        if declared.baskets:
            codes = isinstance(settings, SequenceConfig) and bool(settings.reads)
            history, load_baskets = self.folder.once(
                "takings" if codes else "baskets",
                lambda: baskets_back(self.taken, self.as_of, codes),
                (*BASKET_COLUMNS, *CODE_COLUMNS) if codes else BASKET_COLUMNS,
            )
        if isinstance(settings, SequenceConfig) and settings.ranks:
            learned = ordered.learned(self.run, lake, self.as_of, source, settings, history, load_content, ranks)
        else:
            learned = family.fit(
                declared, pair_frame, load_pairs, settings, self.run.seed, ranks, load_content, load_baskets
            )
        lake.replace(LEARNED, learned, as_of_date=self.as_of, source=source)
        load = columns_of(lake, LEARNED, COLUMNS, as_of_date=self.as_of, source=source)
        return family.propose(declared, history, load, settings, cfg.quota(source), ranks, cfg_of.exclude_seen)

    def _settled(self, source: Source, settings: Section) -> Section:
        """The settings with what the data say where they are ``auto``; the same on
        all days of a chain, as ``_recurrence`` is.
        """
        if not open_fields(settings):
            return settings
        first = self._first()

        def count() -> Numbers:
            events = self.run.lake.known(EVENTS, first)
            return counted(pairs(baskets(taken(events, reversals(self.run.lake, events)), first), ()))

        numbers = self.run.lake.once(EVENTS, f"numbers as of {first}", count)
        by_data = settled(settings, numbers)
        self.run.say(f"{source.name} as of {self.as_of} by the data ({numbers}): {chosen(settings, by_data)}")
        for name in open_fields(settings):
            if isinstance(value := getattr(by_data, name), int | float):
                self.run.note(f"{source.name}.{self.as_of}.{name}", float(value))
        return by_data

    def _at_once(self, source: str) -> int:
        """How many tasks can start at once; not defaultParallelism, which is two on a cluster of one core."""
        refuse_dynamic_allocation(self.run.spark, source)
        return max(slots(self.run.spark).total, 1)


@dataclass(frozen=True)
class _Slice:
    """``stages.candidates.inputs.StoredSlice`` of a lake."""

    lake: Lake
    table: Table
    as_of: dt.date

    def rows(self, **where: Any) -> DataFrame:
        return self.lake.read(self.table, as_of_date=self.as_of, **where)

    def loader(self, columns: Sequence[str], sort_by: Sequence[str] = (), **where: Any) -> Callable[[], pa.Table]:
        return columns_of(self.lake, self.table, columns, sort_by, as_of_date=self.as_of, **where)


@contextmanager
def opened(run: Run, as_of: dt.date, apart: bool = False) -> Iterator[Sources]:
    """The sources of a day. What they share goes when the block ends.

    ``apart``: so does what they are made of, and the lake stays as it is.
    """
    cfg = run.settings.candidates
    events = run.lake.known(EVENTS, as_of)
    sections = [cfg.of_source(name) for name in cfg.sources]
    half_lives = [days for s in sections if isinstance(s, SourceSection) for days in s.half_lives_days]
    back = reversals(run.lake, events)
    with ExitStack() as stack:
        takings = taken(events, back)
        basket_rows = held(stack, baskets(takings, as_of))
        rejected = rejected_pairs(events, back) if cfg.hide_disliked and dislikes(run.lake) else None
        rejected = None if rejected is None else held(stack, rejected)
        pair_rows = held(stack, pairs(basket_rows, half_lives))
        folder = stack.enter_context(scratch(run.lake))
        if apart and folder.folder is None:
            raise FuserankError(
                f"lake {run.lake.root} has no folder beside it for lists that are only looked at; do it on a copy in a"
                " folder"
            )
        lake = Lake(run.spark, f"{folder.folder}/lake", run.run_id) if apart else run.lake
        yield Sources(run, lake, as_of, takings, basket_rows, pair_rows, folder, rejected)
