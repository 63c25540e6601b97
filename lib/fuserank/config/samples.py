"""Settings of the samples."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section


class SamplesConfig(Section):
    """Which rows train, and how the pairs meet the factors."""

    negative_rate: float = Field(
        1.0, gt=0, le=1, description="share of the train split's rows with label 0 that is kept, with weight 1 / rate"
    )
    minor_per_major: int = Field(100, ge=1, description="minor units in one major unit of the shop's currency (count)")
