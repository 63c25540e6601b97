"""A lake opened for reading only: no lock, no ledger."""

from __future__ import annotations

from fuserank.common.errors import FuserankError
from fuserank.config.settings import Settings
from fuserank.io import session
from fuserank.io.lake import Lake
from fuserank.io.places import is_local, local_path


def open_lake(settings: Settings) -> Lake:
    """The lake of the settings; raises where there is none."""
    from pathlib import Path

    if is_local(settings.lake) and not Path(local_path(settings.lake)).is_dir():
        raise FuserankError(f"no lake at {settings.lake}; `fuserank refresh --lake {settings.lake}` makes one")
    session.require_secrets(settings)
    spark = session.start("fuserank reading", settings.run.executors_wait_seconds)
    session.apply_runtime(spark, settings.spark)
    lake = Lake(spark, settings.lake, run_id="reading", files=settings.files)
    lake.place.check()
    return lake
