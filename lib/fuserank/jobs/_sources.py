"""How a run makes the list of each candidate source as of a day, of whatever kind it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from fuserank.candidates import als, co_purchase, family, popular, repeat, trending
from fuserank.candidates.content import CONTENT_COLUMNS
from fuserank.candidates.interactions import PAIR_COLUMNS, as_interactions
from fuserank.candidates.learned import COLUMNS
from fuserank.candidates.rows import KERNEL_OUTPUT, without
from fuserank.common.errors import FuserankError
from fuserank.config.candidates import SEGMENTS
from fuserank.history.baskets import baskets, pairs
from fuserank.history.events import rejected_pairs, reversals_of, taken
from fuserank.io.executors import refuse_dynamic_allocation, slots
from fuserank.io.interactions import Scratch, scratch
from fuserank.io.lake import Lake
from fuserank.io.shipped import columns_of
from fuserank.jobs._content import content
from fuserank.tables.candidates import CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.base import Section
    from fuserank.config.candidates import CandidatesConfig
    from fuserank.io.run import Run


@dataclass
class Sources:
    """What all sources of a day start from; ``propose`` gives user_index, item_index, source, rank, score of one of them."""

    run: Run
    lake: Lake  # which keeps what the sources are made of
    as_of: dt.date
    basket_rows: DataFrame
    pair_rows: DataFrame
    folder: Scratch
    settings: dict[str, Section]
    rejected: DataFrame | None  # pairs that are in no list; None: there are none

    def propose(self, source: str, cfg: CandidatesConfig) -> DataFrame:
        """Fits what the source is made of, saves that, and proposes from what was saved; the lists themselves are lazy. Each user's
        is as long as the user's segment lets it be.
        """
        if cfg.quota(source) == 0:
            return self.run.spark.createDataFrame([], f"{KERNEL_OUTPUT}, source string")
        rows = self._whole(source, cfg)
        if self.rejected is not None:
            rows = without(rows, self.rejected)
        if cfg.segments.quotas is None:
            return rows
        kept = [F.lit(x) for segment in SEGMENTS for x in (segment, cfg.quota_in(segment, source))]
        quota = F.create_map(*kept)[F.col("segment")]
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
        if source in self.settings:
            return self._member(source, cfg)
        cfg = cfg.with_quotas({source: cfg.quota(source)})  # a segment may ask for more than the source's own
        makers: dict[str, Callable[[CandidatesConfig], DataFrame]] = {
            "als": self._als,
            "co_purchase": self._co_purchase,
            "repeat": lambda cfg: repeat.propose(self.pair_rows, cfg.repeat),
            "popular": lambda cfg: popular.propose(self.basket_rows, cfg.popular),
            "trending": lambda cfg: trending.propose(self.basket_rows, cfg.trending),
        }
        return makers[source](cfg)

    def _als(self, cfg: CandidatesConfig) -> DataFrame:
        run, lake, day = self.run, self.lake, self.as_of
        cores = run.spark.sparkContext.defaultParallelism
        weighed, seen = als.weighed(self.pair_rows, cfg.als)
        if seen is not None:
            run.note(f"als.{day}.log1p_baskets", weighed.weight == "log1p_baskets")
            if not seen.usual:
                run.say(f"als as of {day} weighs by {weighed.weight}: {seen}")
        fitted = weighed.model_copy(update={"ranks": min(cfg.als.ranks, self._at_once("als"))})
        lake.replace(FACTORS, als.fit(self.pair_rows, fitted, run.seed), as_of_date=day)
        users = lake.read(FACTORS, as_of_date=day, side="user")
        items = columns_of(lake, FACTORS, ("index", "factor"), as_of_date=day, side="item")
        return als.propose(users, items, cfg.als, cores, self.pair_rows if cfg.als.exclude_seen else None)

    def _co_purchase(self, cfg: CandidatesConfig) -> DataFrame:
        run, lake, day = self.run, self.lake, self.as_of
        lake.replace(CO_PURCHASE, co_purchase.neighbours(self.basket_rows, cfg.co_purchase), as_of_date=day)
        names = ("item_index", "neighbour_index", "similarity")
        near = columns_of(lake, CO_PURCHASE, names, names[:2], as_of_date=day)
        return co_purchase.propose(self.pair_rows, near, cfg.co_purchase, run.spark.sparkContext.defaultParallelism)

    def _member(self, source: str, cfg: CandidatesConfig) -> DataFrame:
        who, told, lake = family.member(source), cfg.member(source), self.lake
        ranks = self._at_once(source) if who.fit is not None else max(slots(self.run.spark).total, 1)
        taken, load_pairs = self.folder.once("pairs", lambda: as_interactions(self.pair_rows), PAIR_COLUMNS)
        load_content = None
        if who.content:
            load_content = self.folder.once("content", lambda: content(self.run.lake, self.as_of), CONTENT_COLUMNS)[1]
        learned = family.fit(who, taken, load_pairs, self.settings[source], self.run.seed, ranks, load_content)
        lake.replace(LEARNED, learned, as_of_date=self.as_of, source=source)
        load = columns_of(lake, LEARNED, COLUMNS, as_of_date=self.as_of, source=source)
        return family.propose(who, taken, load, self.settings[source], cfg.quota(source), ranks, told.exclude_seen)

    def _at_once(self, source: str) -> int:
        """How many tasks can start at once; not defaultParallelism, which is two on a cluster of one core."""
        refuse_dynamic_allocation(self.run.spark, source)
        return max(slots(self.run.spark).total, 1)


@contextmanager
def opened(run: Run, as_of: dt.date, settings: dict[str, Section], apart: bool = False) -> Iterator[Sources]:
    """The sources of a day; ``settings``: of the members among them (``family.settings_of``). What they share goes when the block ends.

    ``apart``: so does what they are made of, and the lake stays as it is.
    """
    cfg = run.settings.candidates
    events = run.lake.known(EVENTS, as_of)
    half_lives = [cfg.co_purchase.half_life_days, *(term.half_life_days for term in cfg.repeat.terms)]
    reversals = reversals_of(events)
    basket_rows = baskets(taken(events, reversals), as_of).persist()
    rejected = rejected_pairs(events, reversals) if cfg.hide_disliked else None
    rejected = None if rejected is None else rejected.persist()
    pair_rows = pairs(basket_rows, half_lives).persist()
    try:
        with scratch(run.lake) as folder:
            if apart and folder.folder is None:
                raise FuserankError(
                    f"lake {run.lake.root} has no folder beside it for lists that are only looked at; do it on a copy in a folder"
                )
            lake = Lake(run.spark, f"{folder.folder}/lake", run.run_id) if apart else run.lake
            yield Sources(run, lake, as_of, basket_rows, pair_rows, folder, settings, rejected)
    finally:
        pair_rows.unpersist()
        basket_rows.unpersist()
        if rejected is not None:
            rejected.unpersist()
