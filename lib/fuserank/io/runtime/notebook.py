"""What notebooks begin with: a lake named by widgets on Databricks, by environment
variables elsewhere, opened to read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.config.places import own_conf
from fuserank.config.settings import Settings, load
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.open_lake import open_lake
from fuserank.tables import Table

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

_LABELS = {
    "lake": "root of the lake; empty: the settings say",
    "env": "conf/env/<env>.yaml",
    "as_of": "00:00 UTC of this day; empty: the settings say",
}


def parameters(dbutils: Any = None) -> dict[str, str]:
    """lake, env and as_of: of Databricks' widgets, which are made where they are not there, else of the variables
    FUSERANK_LAKE, FUSERANK_ENV and FUSERANK_AS_OF.
    """
    if dbutils is None:
        return {name: os.environ.get(f"FUSERANK_{name.upper()}", "") for name in _LABELS} | {
            "env": os.environ.get("FUSERANK_ENV", "local")
        }
    for name, label in _LABELS.items():
        dbutils.widgets.text(name, "databricks" if name == "env" else "", label)
    return {name: str(dbutils.widgets.get(name)).strip() for name in _LABELS}


def open_notebook(dbutils: Any = None) -> tuple[Settings, Lake]:
    """Settings and the lake, opened for reading in the session that runs, or in a new one.

    A lake without a place of its own is looked for here, then beside conf/: Jupyter starts in the notebook's folder.
    """
    import pandas as pd

    pd.set_option("display.max_colwidth", None)  # meanings and reasons are sentences: whole ones
    values = parameters(dbutils)
    settings = load(values["env"], [f"{name}={values[name]}" for name in ("lake", "as_of") if values[name]])
    if ":" not in settings.lake and not Path(settings.lake).is_dir():
        settings = settings.model_copy(update={"lake": str(own_conf().resolve().parent / settings.lake)})
    return settings, open_lake(settings)


def look(frame: DataFrame, rows: int = 20) -> pd.DataFrame:
    """The first ``rows`` rows, to be shown; order the frame first. No more ever reach the driver."""
    import pandas as pd

    return pd.DataFrame([r.asDict() for r in frame.limit(rows).collect()], columns=frame.columns)


def explain(table: Table, row: dict[str, Any] | None = None) -> pd.DataFrame:
    """What the contract says of every column: type, unit, meaning; with ``row`` its values beside them."""
    import pandas as pd

    columns = [c for c in table.columns if row is None or c.name in row]
    cells = {"column": [c.name for c in columns]}
    cells |= {"type": [c.type for c in columns]} if row is None else {"value": [str(row[c.name]) for c in columns]}
    return pd.DataFrame(cells | {"unit": [c.unit for c in columns], "meaning": [c.doc for c in columns]})
