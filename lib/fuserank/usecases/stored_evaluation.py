"""The evaluation of a day as it stands in the lake."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.tables.results import METRICS

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Rows


def saved_rows(lake: Rows, as_of: dt.date) -> list[dict[str, Any]]:
    """The rows of evaluation.metrics as of the day; raises where there are none."""
    rows = lake.rows(METRICS, {"as_of_date": as_of}) if lake.exists(METRICS) else []
    if not rows:
        raise FuserankError(f"nothing was evaluated as of {as_of}; run `fuserank evaluate --as-of {as_of}`")
    if not any(r["metric"].startswith("capped_recall@") for r in rows):
        raise FuserankError(
            f"the evaluation as of {as_of} is of an older version, whose recall@10 was what is capped_recall@10 now;"
            f" run `fuserank evaluate --as-of {as_of}` again"
        )
    return rows
