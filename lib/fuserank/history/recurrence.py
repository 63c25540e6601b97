"""Whether a shop is one where things are taken again: groceries are, films are not."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.history.events import FEEDBACK, REVERSAL

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

RARE, LEAST_PAIRS = 0.01, 1000  # below this share of so many pairs at least, nothing is taken twice
USUAL = 0.1  # from this share on, how often a pair recurs tells taste


@dataclass(frozen=True)
class Recurrence:
    """How many pairs of user and item there are, and how many of them stand in two baskets or more."""

    pairs: int
    recurring: int

    @property
    def share(self) -> float:
        """0…1; 0 where there is no pair."""
        return self.recurring / self.pairs if self.pairs else 0.0

    @property
    def rare(self) -> bool:
        """Whether what was taken is as good as never taken again. Fewer than LEAST_PAIRS pairs cannot tell."""
        return self.pairs >= LEAST_PAIRS and self.share < RARE

    @property
    def usual(self) -> bool:
        """Whether counts of baskets differ enough between pairs to weigh them by."""
        return self.share >= USUAL

    def __str__(self) -> str:
        return f"{self.recurring:,} of {self.pairs:,} pairs of user and item stand in two baskets or more"


def recurrence(pair_rows: DataFrame, recurs: Column) -> Recurrence:
    """Counted from rows of one user and item each; ``recurs``: whether such a row stands in two baskets or more.

    Runs one job.
    """
    from pyspark.sql import functions as F

    (row,) = pair_rows.agg(F.count(F.lit(1)).alias("pairs"), F.count_if(recurs).alias("recurring")).collect()
    return Recurrence(row["pairs"], row["recurring"])


COLUMNS = ("user_index", "item_index", "role", "reward_q20", "session", "event_time", "known_at")
IDS = ("event_id", "reverses_event_id")  # by far the largest, and needed only where ``any_reversal``


def any_reversal(events: pa.Table) -> bool:
    """Whether one of the events takes another back; ``events``: COLUMNS of silver.events in memory."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.equal(events["role"], REVERSAL)).as_py())


def recurrence_of(events: pa.Table, as_of: dt.date) -> Recurrence:
    """The same of COLUMNS of silver.events in memory, with IDS where there is any reversal,
    as of a day; for who has no Spark session.
    """
    import pyarrow.compute as pc

    pairs = pairs_in(events, as_of)
    recurring = pc.sum(pc.greater(pairs["weight"], 1)).as_py() or 0
    return Recurrence(pairs.num_rows, recurring)


def pairs_in(events: pa.Table, as_of: dt.date) -> pa.Table:
    """user_index, item_index, weight (distinct baskets), age (days since the last) of what such events took."""
    import pyarrow as pa
    import pyarrow.compute as pc

    day = pa.scalar(dt.datetime.combine(as_of, dt.time(), dt.UTC), pa.timestamp("us", "UTC"))
    known_at, time = (events[c].cast(day.type, safe=False) for c in ("known_at", "event_time"))
    early = pc.and_(pc.less(known_at, day), pc.less(time, day))
    events = events.append_column("day", time.cast(pa.date32(), safe=False).cast(pa.int32())).filter(early)
    rows = events.filter(pc.and_(pc.equal(events["role"], FEEDBACK), pc.greater(events["reward_q20"], 0)))
    if any_reversal(events):
        back = events.filter(pc.equal(events["role"], REVERSAL))["reverses_event_id"].drop_null().combine_chunks()
        rows = rows.filter(pc.invert(pc.is_in(rows["event_id"], value_set=back)))
    session = rows["session"].combine_chunks().dictionary_encode().indices  # numbers group faster than texts
    rows = rows.append_column("basket", pc.coalesce(session, pc.subtract(-1, rows["day"].combine_chunks())))
    pairs = rows.group_by(["user_index", "item_index"]).aggregate([("basket", "count_distinct"), ("day", "max")])
    age = pc.subtract((as_of - dt.date(1970, 1, 1)).days, pairs["day_max"])
    named = {"weight": pairs["basket_count_distinct"], "age": age}
    return pa.table({**{c: pairs[c] for c in ("user_index", "item_index")}, **named})
