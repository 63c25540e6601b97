"""The job ranking as a function of frames: lists, reasons, models and what it says, without a lake."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.calibration import Calibrator
from fuserank.config.candidates import CandidatesConfig
from fuserank.config.fusion import FusionConfig
from fuserank.config.models import ModelsConfig
from fuserank.config.ranking import RankingConfig
from fuserank.config.settings import Settings
from fuserank.history.events import Q20
from fuserank.history.words import BOUGHT
from fuserank.jobs.parts.ranking_frames import Frames
from fuserank.jobs.ranking import transform
from fuserank.stages.fusion.fitted import Fitted
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import FITTED, FUSED, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = dt.date(2017, 6, 1)
SETTINGS = Settings(
    as_of=AS_OF,
    candidates=CandidatesConfig(sources=("popular", "repeat")),
    models=ModelsConfig(use=("fnn",)),
    fusion=FusionConfig(rrf_k=60),
    ranking=RankingConfig(k=2, repeats="allow"),
)
LINE = Calibrator((0.0, 1.0), (0.0, 1.0))
OF_THREE = Fitted(
    "reciprocal_rank", ("fnn", "popular", "repeat"), dict.fromkeys(("fnn", "popular", "repeat"), 1.0), {}, LINE
)
FUSION = replace(OF_THREE, calibrators=dict.fromkeys(OF_THREE.sources, LINE))


def _event(n: int, user: int, item: int, reward: int = 1) -> dict[str, Any]:
    time = dt.datetime(2017, 5, 10 + n, 12, tzinfo=dt.UTC)
    row = {"event_id": f"e{n}", "user_index": user, "item_index": item, "event_time": time, "event_date": time.date()}
    return row | {"role": "feedback", "reward_q20": reward * Q20, "known_at": time}


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> Frames:
    """Three users, of whom the last is deleted, and four items; user 0 took items 0 and 1, user 1 dislikes item 2."""
    users = [{"user_id": f"u{n}", "user_index": n} for n in range(3)]
    users[2]["deleted_at"] = dt.datetime(2017, 5, 30, tzinfo=dt.UTC)
    fused = [(0, 0, {"fnn": 0.1, "repeat": 0.4}), (0, 1, {"repeat": 0.9}), (0, 3, {"fnn": 0.2})]
    popular = [{"source": "popular", "item_index": i, "rank": n + 1, "score": 9.0 - n} for n, i in enumerate((2, 1, 0))]
    return Frames(
        events=frame(spark, EVENTS, [_event(0, 0, 0), _event(1, 0, 1), _event(2, 0, 1), _event(3, 1, 2, -1)]),
        reversals=None,
        dislikes=lambda: True,
        users=frame(spark, USER_DICTIONARY, users),
        items=frame(spark, ITEM_DICTIONARY, [{"item_id": f"i{n}", "item_index": n} for n in range(4)]),
        catalogue=frame(spark, ITEMS, [{"item_id": "i1", "name": "Tea"}]),
        candidates=frame(spark, CANDIDATES, popular),
        scores=frame(spark, SCORES, [{"kind": "fnn", "model_id": "fnn-1"}]),
        fused=frame(
            spark,
            FUSED,
            [{"user_index": u, "item_index": i, "parts": p, "score": sum(p.values())} for u, i, p in fused],
        ),
        fitted=frame(spark, FITTED, FUSION.rows()),  # type: ignore[arg-type]
        learned={},
    )


def _ranked(frames: Frames, settings: Settings) -> tuple[dict[str, list[Any]], dict[str, float], list[str], int]:
    """Rows by user, notes, lines, and how many frames were persisted."""
    notes: dict[str, float] = {}
    lines: list[str] = []
    persisted: list[DataFrame] = []

    def keep(rows: DataFrame) -> DataFrame:
        persisted.append(rows.persist())
        return persisted[-1]

    lists: dict[str, list[Any]] = {}
    rows = transform(frames, settings, AS_OF, BOUGHT, keep, notes.__setitem__, lines.append)
    for row in sorted(rows.collect(), key=lambda r: (r["user_id"], r["rank"])):
        lists.setdefault(row["user_id"], []).append(row)
    for each in persisted:
        each.unpersist()
    return lists, notes, lines, len(persisted)


def test_a_list_is_the_best_of_what_is_fused_and_is_filled_by_what_the_user_does_not_reject(frames: Frames) -> None:
    lists, notes, lines, persisted = _ranked(frames, SETTINGS)
    assert {user: [(r["rank"], r["item_id"]) for r in rows] for user, rows in lists.items()} == {
        "u0": [(1, "i1"), (2, "i0")],
        "u1": [(1, "i1"), (2, "i0")],  # i2 stands first in popular, and u1 dislikes it; u2 is deleted
    }
    first, second = lists["u0"]
    assert (first["score"], first["item_name"], first["model_ids"]) == (0.9, "Tea", [])
    assert (first["reason_code"], first["evidence"]) == ("repeat", ["event:e2", "event:e1"])
    assert (second["score"], second["item_name"], second["model_ids"]) == (0.5, None, ["fnn-1"])
    assert [r["score"] for r in lists["u1"]] == [1 / 62, 1 / 63]
    assert {r["reason_code"] for r in lists["u1"]} == {"no_history"}
    assert notes == {
        "ranking.pairs": 2,
        "ranking.recurring_pairs": 1,
        "ranking.repeats_excluded": 0,
        "ranking.k": 2,
        "ranking.short_users": 0,
    }
    assert (lines, persisted) == ([], 5)


def test_without_repeats_what_a_user_judged_is_on_no_list_and_a_short_list_is_told_of(frames: Frames) -> None:
    changed = SETTINGS.model_copy(update={"ranking": RankingConfig(k=3, repeats="exclude")})
    lists, notes, lines, _ = _ranked(frames, changed)
    assert [r["item_id"] for r in lists["u0"]] == ["i3", "i2"]
    assert [r["item_id"] for r in lists["u1"]] == ["i1", "i0"]
    assert (notes["ranking.repeats_excluded"], notes["ranking.short_users"]) == (1, 2)
    assert lines == [
        "2 users have fewer than 3 rows: all other items are already taken or disliked, or there are no more"
    ]
