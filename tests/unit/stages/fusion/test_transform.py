"""The job fusion as a function of frames: fitted on one window, applied to another day, without a lake."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.candidates import CandidatesConfig
from fuserank.config.fusion import FusionConfig
from fuserank.config.models import ModelsConfig
from fuserank.config.settings import Settings
from fuserank.history.events import Q20
from fuserank.jobs.fusion import Frames, transform
from fuserank.jobs.inputs.window import WindowFrames
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import SCORES
from fuserank.tables.silver import EVENTS
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF = dt.date(2017, 6, 1)
SETTINGS = Settings(
    as_of=AS_OF,
    candidates=CandidatesConfig(sources=("popular", "repeat")),
    models=ModelsConfig(use=("fnn",)),
    fusion=FusionConfig(method="reciprocal_rank", rrf_k=60),
)


def _event(user: int, item: int, days_before: int) -> dict[str, Any]:
    time = dt.datetime.combine(AS_OF, dt.time(12), dt.UTC) - dt.timedelta(days=days_before)
    id = f"{user}-{item}-{days_before}"
    row = {"event_id": id, "user_index": user, "item_index": item, "event_time": time, "event_date": time.date()}
    return row | {"role": "feedback", "reward_q20": Q20, "known_at": time}


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> Frames:
    """User 0 takes item 1 in the window, of which popular and the model know; repeat knows item 0 alone."""

    def proposed(*rows: tuple[str, int, int]) -> Any:
        names = ("source", "item_index", "rank")
        return frame(spark, CANDIDATES, [dict(zip(names, r, strict=True)) | {"score": 1.0 / r[2]} for r in rows])

    def scored(**logits: float) -> Any:
        return frame(spark, SCORES, [{"kind": "fnn", "item_index": int(i[1:]), "logit": x} for i, x in logits.items()])

    known = frame(spark, EVENTS, [_event(0, 0, 40), _event(1, 1, 35), _event(0, 1, 3)])
    before = proposed(("popular", 0, 1), ("popular", 1, 2), ("repeat", 0, 1))
    window = WindowFrames(before, scored(i0=-1.0, i1=2.0), known, None)
    return Frames(window, proposed(("popular", 0, 1), ("popular", 1, 2), ("repeat", 1, 1)), scored(i0=0.1, i1=0.3))


def test_a_fusion_is_fitted_on_the_window_before_and_sums_the_parts_of_all_that_propose(frames: Frames) -> None:
    fitted, notes, rows = transform(frames, SETTINGS, AS_OF)
    assert (fitted.sources, fitted.method, notes) == (("fnn", "popular", "repeat"), "reciprocal_rank", {"fit_rows": 2})
    found = {r["item_index"]: r for r in rows.collect()}
    assert found[0]["parts"] == {"fnn": 1 / 62, "popular": 1 / 61}
    assert found[1]["parts"] == {"fnn": 1 / 61, "popular": 1 / 62, "repeat": 1 / 61}
    assert [found[i]["score"] for i in (0, 1)] == [1 / 62 + 1 / 61, 1 / 61 + 1 / 62 + 1 / 61]


def test_a_source_without_candidates_in_the_window_has_no_part_and_a_model_without_scores_is_refused(
    frames: Frames,
) -> None:
    window = frames.window
    silent = replace(window, candidates=window.candidates.where("source = 'popular'"))
    fitted, _, rows = transform(replace(frames, window=silent), SETTINGS, AS_OF)
    assert fitted.sources == ("fnn", "popular")
    assert {source for r in rows.collect() for source in r["parts"]} == {"fnn", "popular"}
    unscored = replace(window, scores=window.scores.limit(0))
    with pytest.raises(FuserankError, match=r"fnn scored no candidate of the window before 2017-06-01"):
        transform(replace(frames, window=unscored), SETTINGS, AS_OF)
