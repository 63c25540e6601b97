"""Settings of where and how the ranks of a training run are started; no model depends on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.base import Section


class RanksConfig(Section):
    """The processes that train together: how many is ``train.ranks``, here is where they run and how long they wait."""

    place: Literal["driver", "executors"] = Field(
        "driver", description="driver: processes on the driver's machine; executors: one Spark task a rank, all at once"
    )
    shared_dir: str = Field(
        "",
        description="folder that the driver and all executors see, for checkpoints, progress and tracebacks; "
        "empty: models/ in the lake, which must then be a folder on a shared file system",
    )
    collective_seconds: float = Field(
        300.0, gt=0, description="seconds that a rank waits for the others before it gives up and the job fails"
    )
    slots_seconds: float = Field(
        30.0, ge=0, description="seconds that training waits for free task slots before the job fails"
    )
