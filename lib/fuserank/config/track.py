"""Settings of what follows a training from outside; no number of any model depends on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.base import Section


class TrackConfig(Section):
    """Where curves and settings of a training go beside models.registry, which stays the truth."""

    to: tuple[Literal["tensorboard"], ...] = Field(
        (), description="tensorboard: event files, which `tensorboard --logdir FOLDER` shows (extra `track`)"
    )
    folder: str | None = Field(None, description="folder on the driver's machine; null: `track` below `out`")
