"""What a lake's events hold of reversals and dislikes, looked for once for each version of silver.events: most shops
have none of either, and only a scan of the whole table can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.events import IS_DISLIKE, IS_REVERSAL, reversals_in
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake


def reversals(lake: Lake, events: DataFrame) -> DataFrame | None:
    """The reversals among events of the lake, maybe no row; None where the lake has none,
    which spares all who ask for them a join.
    """
    return reversals_in(events) if lake.holds(EVENTS, IS_REVERSAL) else None


def dislikes(lake: Lake) -> bool:
    """Whether the lake has any event that speaks against an item, taken back or not."""
    return lake.holds(EVENTS, IS_DISLIKE)
