"""Draws of users: a bounded number of them for what comes to the driver or is learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def draw_users(rows: DataFrame, users: int, seed: int) -> DataFrame:
    """user_index of at most ``users`` of the users in ``rows``, those first in the
    order of xxhash64(user_index, seed); lazy.

    With one seed, draws are nested: the smaller of two from the same rows is part
    of the larger. No user reaches the driver.
    """
    from pyspark.sql import functions as F

    distinct = rows.select("user_index").distinct()
    return distinct.orderBy(F.xxhash64("user_index", F.lit(seed)), "user_index").limit(users)
