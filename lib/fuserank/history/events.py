"""Which events count as taken and which as disliked: feedback by the sign of its
reward, less what a reversal took back.

A reversal (a return, a cancellation) counts from the day on that it is known. Frames hold columns of silver.events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fuserank.history.signals import EXPOSURE as EXPOSURE
from fuserank.history.signals import FEEDBACK as FEEDBACK
from fuserank.history.signals import REVERSAL as REVERSAL
from fuserank.tables.features.formulas import Q20 as Q20

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

# Of an event before any reversal, for SQL: of Spark and of others. Frames are asked by the same words.
WAS_TAKEN = f"role = '{FEEDBACK}' AND reward_q20 > 0"
IS_REVERSAL, IS_DISLIKE = f"role = '{REVERSAL}'", f"role = '{FEEDBACK}' AND reward_q20 < 0"  # of an event, for SQL


SIGNAL = ("role", "reward_q20")  # columns of an event that ``were_taken`` reads


def were_taken(events: pa.Table) -> pa.ChunkedArray:
    """Of rows of Arrow with SIGNAL whether they count as taken until a reversal of them is known, as WAS_TAKEN."""
    import pyarrow.compute as pc

    return pc.and_(pc.equal(events["role"], FEEDBACK), pc.greater(events["reward_q20"], 0))


def taken_query(events: str) -> str:
    """SELECT of the events by which a user took an item, over a table of silver.events; as ``taken`` has it."""
    back = f"SELECT DISTINCT reverses_event_id AS back_id FROM {events} WHERE {IS_REVERSAL}"
    return (
        f"SELECT e.* FROM {events} e LEFT JOIN ({back}) r ON e.event_id = r.back_id"
        f" WHERE r.back_id IS NULL AND {WAS_TAKEN}"
    )


def reversals_in(events: DataFrame) -> DataFrame:
    """The reversals among events, lazy."""
    return events.where(IS_REVERSAL)


def reversals_of(events: DataFrame) -> DataFrame | None:
    """The reversals among events; None where there are none, which spares all who ask for them a join.

    Runs one small job.
    """
    found = reversals_in(events)
    return None if found.isEmpty() else found


def taken(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """The events by which a user took an item: feedback with a reward above 0 that no reversal took back.

    ``reversals``: as ``reversals_of`` gives them for events known before the same day.
    """
    return _not_taken_back(events.where(was_taken()), reversals)


def disliked(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """The events that speak against an item: feedback with a reward below 0 that no reversal took back."""
    return _not_taken_back(events.where(_feedback(_reward() < 0)), reversals)


def judged(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """The events by which a user gave a verdict on an item: feedback of any reward,
    0 included, that no reversal took back.
    """
    return _not_taken_back(events.where(_is_feedback()), reversals)


def with_reversals(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """``events`` with reversed_at (timestamp): when it was first known that the
    event was taken back; null: it was not.
    """
    from pyspark.sql import functions as F

    if reversals is None:
        return events.withColumn("reversed_at", F.lit(None).cast("timestamp"))
    named = reversals.where("reverses_event_id is not null").groupBy(F.col("reverses_event_id").alias("event_id"))
    return events.join(named.agg(F.min("known_at").alias("reversed_at")), "event_id", "left")


def counted_from(reversals: DataFrame | None) -> DataFrame | None:
    """The same with known_at not before the day on which they happened: as an event, a reversal counts from the day
    after that.
    """
    from pyspark.sql import functions as F

    if reversals is None:
        return None
    return reversals.withColumn("known_at", F.greatest("known_at", F.col("event_date").cast("timestamp")))


def is_taken(before: dt.date | None = None) -> Column:
    """Whether a row of ``with_reversals`` counts as taken, by the reversals known
    before 00:00 UTC of a day; None: by all.
    """
    from pyspark.sql import functions as F

    stands = F.col("reversed_at").isNull()
    if before is not None:
        stands = stands | (F.col("reversed_at") >= F.lit(before).cast("timestamp"))
    return was_taken() & stands


def rows_taken(events: Iterable[dict[str, Any]], reversals: Iterable[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Plain rows with taken and taken_back (bool), as ``with_reversals`` and ``is_taken`` have it.

    ``events`` have event_id and was_taken (WAS_TAKEN); ``reversals``:
    reverses_event_id of those among the events, or of more.
    """
    back = {r["reverses_event_id"] for r in reversals} - {None}
    rows = [r | {"taken": bool(r["was_taken"]), "taken_back": r["event_id"] in back} for r in events]
    return [r | {"taken": r["taken"] and not r["taken_back"]} for r in rows]


def was_taken() -> Column:
    """Whether an event counts as taken until a reversal of it is known."""
    from pyspark.sql import functions as F

    return F.expr(WAS_TAKEN)


def rejected_pairs(events: DataFrame, reversals: DataFrame | None) -> DataFrame | None:
    """user_index, item_index of which the user's latest feedback of any reward, by event_time and then event_id, is a
    dislike; None where nobody dislikes anything. Runs one small job.
    """
    from pyspark.sql import functions as F

    against = disliked(events, reversals)
    if against.isEmpty():
        return None
    pairs = against.select("user_index", "item_index").distinct()
    latest = F.max(F.struct("event_time", "event_id", (_reward() < 0).alias("against"))).alias("latest")
    verdicts = judged(events, reversals)
    mine = (
        verdicts.join(pairs, ["user_index", "item_index"], "left_semi").groupBy("user_index", "item_index").agg(latest)
    )
    return mine.where("latest.against").select("user_index", "item_index")


def _reward() -> Column:
    from pyspark.sql import functions as F

    return F.col("reward_q20")


def _is_feedback() -> Column:
    from pyspark.sql import functions as F

    return F.col("role") == FEEDBACK


def _feedback(of_reward: Column) -> Column:
    return _is_feedback() & of_reward


def _not_taken_back(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """No broadcast is asked for: returns grow with the users, and a broadcast goes by the driver.
    Spark makes one by itself where they are few.
    """
    from pyspark.sql import functions as F

    if reversals is None:
        return events
    named = reversals.select(F.col("reverses_event_id").alias("event_id")).where("event_id is not null").distinct()
    return events.join(named, "event_id", "left_anti")
