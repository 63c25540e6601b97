"""A shop of ratings from candidates to lists, without the popular source: what a
user disliked is on no list of that user.
"""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fuserank.common.calibration import Calibrator
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.settings import load
from fuserank.history.events import Q20
from fuserank.history.labels import side_by_side
from fuserank.io.lake.lake import Lake
from fuserank.jobs import candidates, ranking
from fuserank.jobs.inputs.proposals import proposed
from fuserank.stages.fusion.apply import fuse, said_by_all
from fuserank.stages.fusion.fitted import Fitted
from fuserank.stages.ranking.lists import MOST_TAKEN
from fuserank.tables.candidates import CANDIDATES
from fuserank.tables.results import FITTED, FUSED, RANKING, SCORES
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY
from tests.support.lakes import copied, fresh
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF, K, USERS, ITEMS_THERE = dt.date(2017, 6, 1), 4, 7, 12
DISLIKED = {(user, (user + 2) % ITEMS_THERE) for user in range(6)} | {(6, item) for item in range(6, 10)}
LIKED = (
    {(user, (user + n) % ITEMS_THERE) for user in range(6) for n in (0, 1, 4)}
    | {(6, item) for item in range(6)}
    | {(5, 10), (5, 11)}
)
NEUTRAL = {(0, 3)}  # three stars: neither taken nor disliked, but judged
FITTED_ONES = Fitted(
    "reciprocal_rank",
    ("repeat", "trending"),
    {"repeat": 0.5, "trending": 0.5},
    {s: Calibrator((0.0, 1.0), (0.0, 1.0)) for s in ("repeat", "trending")},
    Calibrator((0.0, 1.0), (0.01, 0.9)),
)


class Ranked(NamedTuple):
    """User → items in the order of their ranks, the rows, and the notes and messages of the run."""

    lists: dict[int, list[int]]
    rows: list[Any]
    notes: dict[str, float]
    messages: list[str]


def _event(n: int, user: int, item: int, reward: int) -> dict[str, Any]:
    time = dt.datetime(2017, 5, 1 + n % 28, 10, tzinfo=dt.UTC)
    return {
        "event_id": f"{n:03d}",
        "user_id": f"u{user}",
        "item_id": f"i{item}",
        "user_index": user,
        "item_index": item,
        "role": "feedback",
        "reward_q20": reward * Q20,
        "event_time": time,
        "event_date": time.date(),
        "known_at": time,
    }


@pytest.fixture(scope="module")
def rated(spark: SparkSession) -> Lake:
    """Users 0 to 5 like three items or more and dislike one, user 0 finds one neither good nor bad; user
    6 likes six, dislikes four: two are left.
    """
    rated = [
        *((u, i, 1) for u, i in sorted(LIKED)),
        *((u, i, -1) for u, i in sorted(DISLIKED)),
        *((u, i, 0) for u, i in NEUTRAL),
    ]
    lake = fresh(spark)
    lake.append(EVENTS, frame(spark, EVENTS, [_event(n, *r) for n, r in enumerate(rated)]).drop("run_id"))
    for table, side, count in ((USER_DICTIONARY, "user", USERS), (ITEM_DICTIONARY, "item", ITEMS_THERE)):
        rows = [{f"{side}_id": f"{side[0]}{n}", f"{side}_index": n} for n in range(count)]
        lake.append(table, frame(spark, table, rows).drop("run_id"))
    for table in (ITEMS, SCORES):
        lake.ensure(table)
    return lake


@pytest.fixture
def shop(rated: Lake) -> Lake:
    """A shop of the test's own."""
    return Lake(rated.spark, copied(rated.root), "test-run")


@pytest.fixture(scope="module")
def films(rated: Lake) -> tuple[Lake, Ranked]:
    """A shop whose mapping is of films and their ratings, ranked by the settings as they are."""
    columns = {"u": "string", "i": "string", "t": "timestamp"}
    mapping = parse_dataset(
        {
            "name": "films",
            "time_zone": "UTC",
            "currency": {"code": "EUR"},
            "root": {"folder": "/x"},
            "events": [
                {
                    "type": "rating",
                    "role": "feedback",
                    "from": "e",
                    "user": "u",
                    "item": "i",
                    "time": "t",
                    "key": ["u", "i"],
                }
            ],
            "files": {"e": {"path": "e.csv", "format": "csv", "columns": columns}},
        },
        "films.yaml",
    )
    lake = Lake(rated.spark, copied(rated.root), "test-run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "load_dataset", lambda name: mapping)
        return lake, _ranked(lake)


def _ranked(lake: Lake, *overrides: str) -> Ranked:
    small = ["candidates.sources=[repeat,trending]", f"ranking.k={K}"]
    settings = load("local", ["dataset=completejourney", f"as_of={AS_OF}", *small, *overrides])
    notes: dict[str, float] = {}
    messages: list[str] = []
    run: Any = SimpleNamespace(
        spark=lake.spark, lake=lake, settings=settings, seed=5, note=notes.__setitem__, say=messages.append, as_of=AS_OF
    )
    candidates.execute(run, AS_OF)
    scores = lake.read(SCORES, as_of_date=AS_OF, split="rank", kind="fnn")
    wide = side_by_side(said_by_all(proposed(run, AS_OF), scores), None, FITTED_ONES.sources, ranked=True)
    lake.replace(FUSED, fuse(wide, FITTED_ONES, settings.fusion), as_of_date=AS_OF)
    rows = [{**r, "as_of_date": AS_OF, "run_id": "x"} for r in FITTED_ONES.rows()]
    lake.replace(FITTED, frame(lake.spark, FITTED, rows).drop("as_of_date", "run_id"), as_of_date=AS_OF)
    ranking.execute(run, AS_OF)
    found = lake.read(RANKING, as_of_date=AS_OF).orderBy("user_index", "rank").collect()
    lists: dict[int, list[int]] = {}
    for r in found:
        lists.setdefault(r["user_index"], []).append(r["item_index"])
        assert r["rank"] == len(lists[r["user_index"]])
    return Ranked(lists, found, notes, messages)


def test_a_disliked_item_is_on_no_list_and_lists_are_filled_without_the_popular_source(
    films: tuple[Lake, Ranked],
) -> None:
    lake, found = films
    proposed = {(r["user_index"], r["item_index"]) for r in lake.read(CANDIDATES, as_of_date=AS_OF).collect()}
    assert proposed & LIKED
    assert not proposed & DISLIKED
    assert {user: len(items) for user, items in found.lists.items()} == dict.fromkeys(range(USERS), K)
    assert not {(user, item) for user, items in found.lists.items() for item in items} & DISLIKED
    assert found.notes["ranking.short_users"] == 0
    assert found.notes["ranking.repeats_excluded"] == 0  # of 26 pairs nobody can tell


def test_without_repeats_no_list_holds_what_was_judged_and_who_has_all_gets_a_shorter_one(shop: Lake) -> None:
    found = _ranked(shop, "ranking.repeats=exclude", "candidates.trending.quota=1")
    assert {user: len(items) for user, items in found.lists.items()} == {**dict.fromkeys(range(6), K), 6: 2}
    assert not {(user, item) for user, items in found.lists.items() for item in items} & (DISLIKED | LIKED | NEUTRAL)
    assert sorted(found.lists[6]) == [10, 11]
    assert found.notes["ranking.short_users"] == 1
    assert any("1 users have fewer than 4 rows" in line for line in found.messages)
    fillers = [r for r in found.rows if r["reason_code"] == MOST_TAKEN]
    assert fillers
    for r in fillers:
        assert (r["score"], r["parts"], r["probability"]) == (0.0, {MOST_TAKEN: 0.0}, pytest.approx(0.01))
        assert r["reason"].startswith("To fill the list: ")
        assert r["evidence"] == [f"item:{r['item_id']}"]


def test_reasons_of_a_shop_of_ratings_say_what_its_users_did(films: tuple[Lake, Ranked]) -> None:
    reasons = " ".join(r["reason"] for r in films[1].rows)
    assert "You liked it" in reasons
    assert "good ratings" in reasons
    assert not {word for word in ("bought", "buy", "purchases", "{") if word in reasons}


def test_dislikes_may_be_shown_where_the_settings_say_so(shop: Lake) -> None:
    found = _ranked(shop, "candidates.hide_disliked=false", "ranking.k=12")
    assert {(user, item) for user, items in found.lists.items() for item in items} >= DISLIKED | NEUTRAL
