"""Settings of the ranking table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.base import Section


class RankingConfig(Section):
    """How long the lists are, and how their reasons are told."""

    k: int = Field(
        20, ge=1, description="rows per user and surface; a user to whom nothing else may be shown has fewer"
    )
    repeats: Literal["auto", "allow", "exclude"] = Field(
        "auto",
        description=(
            "whether lists hold what the user took before; where they do not, nothing that the user gave feedback on,"
            " liked, neutral or disliked, is listed. auto: they do not where fewer than 1 % of the pairs of user and"
            " item stand in two baskets or more, of 1,000 pairs at least, as with films and ratings"
        ),
    )
    surface: str = Field("home", min_length=1, description="where the list is shown; a key of the ranking")
    popular_days: int = Field(28, ge=1, description="days before as_of whose purchases a reason counts")
    trend_days: int = Field(84, ge=1, description="days before those that a trend is told against")
    evidence_events: int = Field(3, ge=1, description="the latest events, at most, named behind a repeat")
    evidence_items: int = Field(2, ge=1, description="own items, at most, named behind an als recommendation")
    als_history: int = Field(60, ge=1, description="most bought own items, at most, that an als reason looks at")
