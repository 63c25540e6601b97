"""What all sources and the model said of a window's users, beside what these bought: what a fusion is fitted and judged on."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.protocol import pairs, side_by_side
from fuserank.fusion.apply import said_by_all
from fuserank.fusion.fitted import MODEL_SOURCE
from fuserank.jobs.candidates import given
from fuserank.tables.results import SCORES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.io.run import Run


def wide_window(run: Run, start: dt.date, split: str, until: dt.date | None) -> pa.Table:
    """What all said as of ``start`` of the drawn users, and what these bought after it until a day, None: with truth until the window's
    end; sorted by user and item. At most ``fit_users`` users come to the driver.
    """
    lake, scored = run.lake, run.as_of
    events = lake.read(EVENTS) if until is None else lake.known(EVENTS, until)
    judged = pairs(events, start, run.settings.windows.label_days)
    proposed = given(run, start)
    drawn = draw_users(
        proposed if until is not None else judged.where("label"), run.settings.fit_users, run.seed
    ).persist()
    said = said_by_all(proposed, lake.read(SCORES, as_of_date=scored, split=split, kind=MODEL_SOURCE))
    mine = [frame.join(drawn, "user_index", "left_semi") for frame in (said, judged)]
    sources = (*run.settings.candidates.sources, MODEL_SOURCE)
    table = side_by_side(mine[0], mine[1], sources, ranked=True).toArrow()
    drawn.unpersist()
    return table.sort_by([("user_index", "ascending"), ("item_index", "ascending")]).combine_chunks()
