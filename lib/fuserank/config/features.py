"""Settings of the features. Windows and half-lives are columns: they stand in fuserank.tables.features."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section


class FeaturesConfig(Section):
    """What the features need to know beyond the windows of their contract."""

    promotion_days: int = Field(
        7, ge=1, description="promotions whose week began at most so many days before as_of are this week's (days)"
    )
    main_store_half_life_days: int = Field(
        60, ge=1, description="half-life of baskets in the vote for the main store (days)"
    )
    store_window_days: int = Field(56, ge=1, description="window of an item's popularity in a store (days)")
    store_prior_baskets: float = Field(
        20.0, ge=0, description="baskets added to a store's, so that small ones don't jump (count)"
    )
    gap_prior_pairs: float = Field(
        5.0, gt=0, description="weight of the mean gap of all items in an item's own (count of pairs)"
    )
    value_prior_lines: float = Field(
        5.0, gt=0, description="weight of the mean value (rating) of all items in an item's own (count of lines)"
    )
    minor_per_major: int = Field(100, ge=1, description="minor units in one major unit of the shop's currency (count)")
    write_threads: int = Field(
        3, ge=1, description="tables written at a time; each write waits for the log between its tasks"
    )
