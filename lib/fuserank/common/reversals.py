"""Returns and cancellations: an event that a later one took back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def not_taken_back(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """``events`` without those that one of ``reversals`` names; None: there are none, which spares the read of event ids.

    Both: columns of silver.events, known before the same date. No broadcast is asked for: returns grow with the users, and a
    broadcast goes by the driver. Spark makes one by itself where they are few.
    """
    from pyspark.sql import functions as F

    if reversals is None:
        return events
    named = reversals.select(F.col("reverses_event_id").alias("event_id")).where("event_id is not null").distinct()
    return events.join(named, "event_id", "left_anti")


def reversals_of(events: DataFrame) -> DataFrame | None:
    """The reversals among events; None where there are none. Runs one small job."""
    found = events.where("role = 'reversal'")
    return None if found.isEmpty() else found
