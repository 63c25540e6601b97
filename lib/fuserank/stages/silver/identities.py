"""Ids of one person made one: by the links that were known, and agreed to, when an event happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

STEPS = 2  # web → app → card


def as_one(events: DataFrame, links: DataFrame) -> DataFrame:
    """Events with the ``user_id`` of the person, as far as it was known at the event's own time; rows stay as many.

    :param events: ``user_id`` and ``event_time`` among others
    :param links: rows of silver.identity_links of one data set, unique by (other_id, known_at)

    A link counts from its known_at on, as a return does: what happened before stays with its own id,
    so no feature of an earlier day knows of it, and ids that are numbered already keep their
    numbers. The spans of one id do not overlap.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    later = F.lead("known_at").over(Window.partitionBy("other_id").orderBy("known_at"))
    spans = links.select(
        F.col("other_id").alias("_other"),
        F.col("user_id").alias("_person"),
        F.col("known_at").alias("_since"),
        later.alias("_until"),
        "consent",
    )
    spans = spans.where("consent").drop("consent")
    at = "user_id = _other AND event_time >= _since AND (_until IS NULL OR event_time < _until)"
    for _ in range(STEPS):
        events = (
            events.join(spans, F.expr(at), "left")
            .withColumn("user_id", F.coalesce("_person", "user_id"))
            .drop("_other", "_person", "_since", "_until")
        )
    return events
