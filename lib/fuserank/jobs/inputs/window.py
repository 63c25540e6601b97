"""What all sources and models said of a window's users, beside what these bought:
what a fusion is fitted and judged on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.history.labels import labels, side_by_side
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.proposals import proposed, scored
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.stages.fusion.apply import said_by_all
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run


@dataclass(frozen=True)
class WindowFrames:
    """Of one label window: what was proposed and scored for it, and the events that judge it."""

    candidates: DataFrame
    scores: DataFrame
    events: DataFrame
    reversals: DataFrame | None  # those among the events; None: there are none


def read_before(run: Run, as_of: dt.date) -> WindowFrames:
    """Of the label window that ends at ``as_of``: what all said as of its first day, and the events before its end."""
    window = label_window(as_of, run.settings.windows.label_days, back=1)
    events = run.lake.known(EVENTS, as_of)
    back = reversals(run.lake, events)
    refuse_other_windows(run)
    return WindowFrames(proposed(run, window.start), scored(run, as_of, "valid"), events, back)


def rows_before(frames: WindowFrames, settings: Settings, as_of: dt.date) -> pa.Table:
    """What all said of the window's users, whether they bought in it or not, and what these bought; by user and item.
    At most ``fit_users`` come to the driver.
    """
    window = label_window(as_of, settings.windows.label_days, back=1)
    judged = labels(frames.events, window, frames.reversals)
    drawn = draw_users(frames.candidates, settings.fit_users, settings.seed).persist()
    scores = said_by_all(frames.candidates, frames.scores)
    mine = [frame.join(drawn, "user_index", "left_semi") for frame in (scores, judged)]
    sources = (*settings.candidates.sources, *settings.models.use)
    table = side_by_side(mine[0], mine[1], sources, ranked=True).toArrow()
    drawn.unpersist()
    return table.sort_by([("user_index", "ascending"), ("item_index", "ascending")]).combine_chunks()


def window_before(run: Run, as_of: dt.date) -> pa.Table:
    """What all said as of the first day of the label window that ends at ``as_of``, and what was bought in it."""
    return rows_before(read_before(run, as_of), run.settings, as_of)
