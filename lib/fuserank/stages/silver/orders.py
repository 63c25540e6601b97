"""Days for events that have none: who tells only their order, or not even that, is judged on what was held out.

The windows of a run as of T, of d = windows.label_days each, ask for labels in T−2d…T−d (train),
T−d…T (valid) and from T on (evaluation). So

- ``position``: leave the last out. A user's last event stands at T, the one before at T−d, the third last at T−2d,
  all others a day apart before that. The first event is never held out: who has one event is known by it.
- ``none``: a tenth of the pairs of user and item, drawn by hash, at each of T, T−d and T−2d; the others at T−2d−1,
  where they make one basket of each user.

A run as of T + d days knows all of it. By another d the job silver places all of them again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.windows import held_out_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import DatasetConfig

_TENTHS = 10
_SEED = 1  # of the draw, which stays the same whatever else is drawn


def placed(events: DataFrame, dataset: DatasetConfig, label_days: int) -> DataFrame:
    """Good events, unique by id, with event_time (00:00 UTC), event_date and known_at by their order; as they are where
    they have times. ``label_days``: the length of a window.

    ``position`` reads ``_in_order`` and needs all of a user's events at once; ``none`` looks at each row alone.
    """
    from pyspark.sql import functions as F

    if dataset.order == "time":
        return events
    held_out = held_out_days(label_days)
    days = _by_position(held_out) if dataset.order == "position" else _by_hash(held_out)
    dated = events.withColumn("event_date", F.date_sub(F.lit(dataset.as_of), days))
    time = F.col("event_date").cast("timestamp")
    return dated.withColumns({"event_time": time, "known_at": time})


def _by_position(held_out: Sequence[int]) -> Column:
    """Days before T: k-th from the user's last (from 0) of n events."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    latest = Window.partitionBy("user_id").orderBy(F.desc("_in_order"), F.desc("event_id"))
    k = F.row_number().over(latest) - 1
    n = F.count(F.lit(1)).over(Window.partitionBy("user_id"))
    days = F.greatest(k - len(held_out), F.lit(0)) + held_out[-1] + 1
    for place, held in enumerate(held_out):
        days = F.when((k == place) & (k < n - 1), held).otherwise(days)
    return days.cast("int")


def _by_hash(held_out: Sequence[int]) -> Column:
    from pyspark.sql import functions as F

    tenth = F.pmod(F.xxhash64("user_id", "item_id", F.lit(_SEED)), F.lit(_TENTHS))
    days = F.lit(held_out[-1] + 1)
    for place, held in enumerate(held_out):
        days = F.when(tenth == place, held).otherwise(days)
    return days.cast("int")
