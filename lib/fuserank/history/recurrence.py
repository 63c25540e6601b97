"""Whether a shop is one where things are taken again: groceries are, films are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.history.events import FEEDBACK, REVERSAL

if TYPE_CHECKING:
    import datetime as dt

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
    """Counted from rows of one user and item each; ``recurs``: whether such a row stands in two baskets or more. Runs one job."""
    from pyspark.sql import functions as F

    (row,) = pair_rows.agg(F.count(F.lit(1)).alias("pairs"), F.count_if(recurs).alias("recurring")).collect()
    return Recurrence(row["pairs"], row["recurring"])


COLUMNS = (
    "user_index", "item_index", "event_id", "role", "reward_q20", "session", "event_time", "known_at", "reverses_event_id"
)  # fmt: skip


def recurrence_of(events: pa.Table, as_of: dt.date) -> Recurrence:
    """The same of COLUMNS of silver.events in memory, as of a day; for who has no Spark session."""
    import pyarrow as pa
    import pyarrow.compute as pc

    moment, day = pa.timestamp("us", "UTC"), as_of.isoformat()
    known_at, time = (pc.strftime(events[c].cast(moment, safe=False), "%Y-%m-%d") for c in ("known_at", "event_time"))
    events = events.append_column("day", time).filter(pc.and_(pc.less(known_at, day), pc.less(time, day)))
    back = events.filter(pc.equal(events["role"], REVERSAL))["reverses_event_id"].drop_null().combine_chunks()
    liked = pc.and_(pc.equal(events["role"], FEEDBACK), pc.greater(events["reward_q20"], 0))
    rows = events.filter(pc.and_(liked, pc.invert(pc.is_in(events["event_id"], value_set=back))))
    rows = rows.append_column("basket", pc.coalesce(rows["session"], rows["day"]))
    pairs = rows.group_by(["user_index", "item_index"]).aggregate([("basket", "count_distinct")])
    recurring = pc.sum(pc.greater(pairs["basket_count_distinct"], 1)).as_py() or 0
    return Recurrence(pairs.num_rows, recurring)
