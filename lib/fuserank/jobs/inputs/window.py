"""What all sources and models said of a window's users, beside what these bought:
what a fusion is fitted and judged on.
"""

from __future__ import annotations

import datetime as dt
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

    from fuserank.io.runtime.run import Run


def window_before(run: Run, as_of: dt.date) -> pa.Table:
    """What all said as of the first day of the label window that ends at ``as_of``, and what was bought in it."""
    window = label_window(as_of, run.settings.windows.label_days, back=1)
    candidates = proposed(run, window.start)
    known = run.lake.known(EVENTS, as_of)
    judged = labels(known, window, reversals(run.lake, known))
    return _wide(run, as_of, "valid", candidates, judged, candidates)


def window_from(run: Run, as_of: dt.date) -> pa.Table:
    """What all said as of ``as_of`` of users with truth, and what these bought in the label window from then on."""
    events, window = run.lake.read(EVENTS), label_window(as_of, run.settings.windows.label_days)
    judged = labels(events, window, reversals(run.lake, events))
    return _wide(run, as_of, "rank", proposed(run, as_of), judged, judged.where("label"))


def _wide(run: Run, as_of: dt.date, split: str, candidates: DataFrame, judged: DataFrame, users: DataFrame) -> pa.Table:
    """Sorted by user and item. At most ``fit_users`` of ``users`` come to the driver."""
    refuse_other_windows(run)
    drawn = draw_users(users, run.settings.fit_users, run.seed).persist()
    scores = said_by_all(candidates, scored(run, as_of, split))
    mine = [frame.join(drawn, "user_index", "left_semi") for frame in (scores, judged)]
    sources = (*run.settings.candidates.sources, *run.settings.models.use)
    table = side_by_side(mine[0], mine[1], sources, ranked=True).toArrow()
    drawn.unpersist()
    return table.sort_by([("user_index", "ascending"), ("item_index", "ascending")]).combine_chunks()
