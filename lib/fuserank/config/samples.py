"""Settings of the samples."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section
from fuserank.tables.samples import SHARDS


class SamplesConfig(Section):
    """Which rows train, and how the pairs meet the factors."""

    negative_rate: float = Field(
        1.0, gt=0, le=1, description="share of the train split's rows with label 0 that is kept, with weight 1 / rate"
    )
    users: int | None = Field(
        None,
        ge=1,
        description=(
            "users, at most, whose rows are in the splits train and valid (count, drawn by hash of the seed, in each"
            " split from those with candidates then); null: all. The fusion is fitted on no more than these. The split"
            " rank has every user"
        ),
    )
    shards: int = Field(
        SHARDS,
        ge=SHARDS,
        multiple_of=SHARDS,
        description=(
            "files of a split, evenly filled (count); a worker of scores, and a rank of "
            "training, holds one whole: about 1.5 kB a row"
        ),
    )
    minor_per_major: int = Field(100, ge=1, description="minor units in one major unit of the shop's currency (count)")
