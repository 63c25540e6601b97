"""The candidates job on a temporary lake: gap-free ranks, full lists, one source redone alone, the same bytes again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.candidates import CandidatesConfig
from fuserank.config.ranks import RanksConfig
from fuserank.config.samples import SamplesConfig
from fuserank.config.settings import WindowsConfig
from fuserank.config.train import TrainConfig
from fuserank.history.signals import TYPES
from fuserank.io.lake.lake import Lake
from fuserank.jobs import candidates as job
from fuserank.jobs.inputs.proposals import proposed
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.samples import SEQUENCES, SOURCES
from fuserank.tables.silver import EVENTS
from tests.support.lakes import copied, fresh
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF = dt.date(2017, 6, 1)
QUOTA = 7


@pytest.fixture(scope="module")
def shop(spark: SparkSession) -> Lake:
    """12 users, 18 items, and one event at as_of that nobody may see."""
    lake, rows = fresh(spark), []
    for n in range(120):
        time = dt.datetime(2017, 5, 1 + n % 30, 10, tzinfo=dt.UTC)
        rows.append(took(n, n % 12, (n * n + n // 7) % 18, f"s{n // 3 % 20}", time))
    rows.append(took(999, 11, 77, "later", dt.datetime(2017, 6, 1, tzinfo=dt.UTC)))
    lake.append(EVENTS, frame(spark, EVENTS, rows).drop("run_id"))
    return lake


@pytest.fixture
def events(shop: Lake) -> Lake:
    """A shop of the test's own."""
    return Lake(shop.spark, copied(shop.root), "test-run")


def took(number: int, user: int, item: int, session: str, time: dt.datetime) -> dict[str, Any]:
    return {
        "event_id": str(number),
        "user_index": user,
        "item_index": item,
        "session": session,
        "event_type": "purchase",
        "role": "feedback",
        "event_time": time,
        "event_date": time.date(),
        "known_at": time,
    }


def run_on(
    lake: Lake, messages: list[str] | None = None, first: dt.date = AS_OF, **differences: Any
) -> dict[str, float]:
    messages = [] if messages is None else messages
    small: dict[str, Any] = {
        "sources": SOURCES,
        "als": {"factors": 4, "quota": QUOTA, "iterations": 3},
        "popular": {"quota": QUOTA},
        "trending": {"quota": QUOTA},
        "co_purchase": {"min_baskets": 1, "quota": 5},
        "repeat": {"quota": 4},
    }
    settings = SimpleNamespace(
        candidates=CandidatesConfig.model_validate({**small, **differences}),
        windows=WindowsConfig(),
        samples=SamplesConfig(),
        train=TrainConfig(threads=1),
        ranks=RanksConfig(),
    )
    notes: dict[str, float] = {}
    run: Any = SimpleNamespace(
        spark=lake.spark,
        lake=lake,
        run_id=lake.run_id,
        settings=settings,
        seed=5,
        note=notes.__setitem__,
        say=messages.append,
        progress=SimpleNamespace(step=messages.append),
        chain_as_of=first + dt.timedelta(days=2 * settings.windows.label_days),
    )
    job.execute(run, AS_OF)
    return notes


def test_how_als_weighs_is_decided_on_the_first_day_of_the_chain_for_all_of_them(events: Lake) -> None:
    noted = [run_on(events, first=day, sources=["als"]) for day in (AS_OF, dt.date(2017, 5, 20))]
    # 15 of 105 pairs recur as of the one day, 5 of 71 as of the other
    assert [notes[f"als.{AS_OF}.log1p_baskets"] for notes in noted] == [0.0, 1.0]


def rows_of(lake: Lake, table: Any) -> list[tuple[Any, ...]]:
    return sorted(tuple(str(v) for v in row) for row in lake.read(table).drop("run_id").collect())


def test_every_user_gets_full_gap_free_lists_a_rerun_gives_the_same_and_one_source_can_be_redone_alone(
    events: Lake,
) -> None:
    run_on(events)
    lists: dict[tuple[str, int], list[Any]] = {}
    for row in events.read(CANDIDATES, as_of_date=AS_OF).collect():
        lists.setdefault((row["source"], row["user_index"]), []).append(row)
    assert {source for source, _ in lists} == set(SOURCES)
    for (source, user), rows in lists.items():
        rows.sort(key=lambda r: r["rank"])
        assert [r["rank"] for r in rows] == list(range(1, len(rows) + 1))
        assert rows == sorted(rows, key=lambda r: (-r["score"], r["item_index"]))
        assert len({r["item_index"] for r in rows}) == len(rows)
        assert 77 not in {r["item_index"] for r in rows}, f"{source} knew of the future for user {user}"
    assert {(s, u): len(lists[s, u]) for s in ("als", "popular", "trending") for u in range(12)} == {
        (s, u): QUOTA for s in ("als", "popular", "trending") for u in range(12)
    }
    assert all(len(rows) <= 4 for (source, _), rows in lists.items() if source == "repeat")
    before = [rows_of(events, table) for table in (CANDIDATES, FACTORS, CO_PURCHASE)]
    run_on(events)
    assert [rows_of(events, table) for table in (CANDIDATES, FACTORS, CO_PURCHASE)] == before
    notes = run_on(events, sources=["popular"], popular={"quota": 2})
    assert notes.pop(f"cost.{AS_OF}.popular.seconds") > 0
    assert notes.pop(f"cost.{AS_OF}.popular.peak_mb") > 0
    assert notes == {f"candidates.{AS_OF}.popular": 24.0}
    counts = Counter(row["source"] for row in events.read(CANDIDATES).select("source").collect())
    assert counts == {source: sum(len(rows) for (s, _), rows in lists.items() if s == source) for source in SOURCES} | {
        "popular": 24
    }
    assert counts["repeat"] > 24


def test_quotas_shrink_to_the_limit_of_rows_with_a_word(events: Lake) -> None:
    messages: list[str] = []
    run_on(events, messages, max_rows=200)
    assert events.read(CANDIDATES, as_of_date=AS_OF).count() <= 200
    assert [line.partition(";")[0] for line in messages] == [
        "candidates as of 2017-06-01: the quotas ask for 360 rows for 12 users"
    ]
    assert "candidates.max_rows=200 cuts them to als 3, co_purchase 2, repeat 4" in messages[0]


def test_members_of_the_retrieval_family_are_sources_as_any_other(events: Lake) -> None:
    names = ("item_cf", "ials", "user_cf", "tifu_knn")
    members = {
        "item_cf": {"quota": 3},
        "ials": {"quota": 4, "exclude_seen": False, "settings": {"factors": 4}},
        "tifu_knn": {"quota": 2, "exclude_seen": False},
    }
    notes = run_on(events, sources=("repeat", *names), members=members)
    assert {f"candidates.{AS_OF}.{name}" for name in names} <= notes.keys()
    before = [rows_of(events, table) for table in (CANDIDATES, LEARNED)]
    lists: dict[tuple[str, int], list[int]] = {}
    for row in events.read(CANDIDATES, as_of_date=AS_OF).orderBy("source", "user_index", "rank").collect():
        lists.setdefault((row["source"], row["user_index"]), []).append(row["item_index"])
        assert row["rank"] == len(lists[row["source"], row["user_index"]])
    had = {user: set(items) for (source, user), items in lists.items() if source == "repeat"}
    for user, taken in had.items():
        assert len(lists["item_cf", user]) <= 3
        assert not taken & set(lists["item_cf", user])
        assert len(lists["ials", user]) == 4
        assert not taken & set(lists["user_cf", user])
    for name in ("ials", "tifu_knn"):
        assert any(had[user] & set(lists[name, user]) for user in had)
    assert {row["source"] for row in events.read(LEARNED, as_of_date=AS_OF).collect()} == set(names)
    run_on(events, sources=("item_cf",), members=members)
    assert [rows_of(events, table) for table in (CANDIDATES, LEARNED)] == before


def test_ranks_learn_a_member_from_windows_of_the_lake(shop: Lake, delta_lake: Lake) -> None:
    delta_lake.append(EVENTS, shop.read(EVENTS).drop("run_id"))
    messages: list[str] = []
    settings = {"factors": 4, "length": 5, "epochs": 2, "negatives": 8, "places": 16, "ranks": 2}
    settings |= {"types": True, "prices": True}
    members = {"gru4rec": {"quota": 3, "settings": {**settings, "units": 4}}}
    run_on(delta_lake, messages, sources=("gru4rec",), members=members)
    assert any("windows, 2 ranks" in line for line in messages)
    windows = delta_lake.read(SEQUENCES, as_of_date=AS_OF, length=5).toPandas()
    taken = delta_lake.known(EVENTS, AS_OF).count()
    assert windows["size"].sum() <= taken - 12
    assert (windows["items"].map(len) == 4 * (windows["size"] + 1)).all()
    for name in ("types", "prices"):
        assert (windows[name].map(len) == windows["size"] + 1).all()
    assert set(b"".join(windows["types"])) == {TYPES.index("purchase")}
    lists = delta_lake.read(CANDIDATES, as_of_date=AS_OF, source="gru4rec").toPandas()
    assert lists.groupby("user_index").size().tolist() == [3] * 12


def test_users_of_a_segment_get_what_the_segment_is_given(events: Lake) -> None:
    quotas = {"new": {"popular": 3}, "light": {"popular": 1, "repeat": 2}, "heavy": {"repeat": 1}}
    segments = {"new_baskets": 4, "heavy_baskets": 6, "quotas": quotas}  # every user has 5 baskets
    run_on(events, sources=("popular", "repeat", "trending"), segments=segments)
    counts = {r["source"]: r["count"] for r in events.read(CANDIDATES).groupBy("source").count().collect()}
    assert counts == {"popular": 12, "repeat": 24}
    run_on(events, sources=("popular", "repeat"), segments={**segments, "heavy_baskets": 30, "new_baskets": 20})
    counts = {r["source"]: r["count"] for r in events.read(CANDIDATES).groupBy("source").count().collect()}
    assert counts == {"popular": 36}


def test_what_sources_of_other_settings_proposed_is_not_given_and_tables_of_others_are_there_and_empty(
    events: Lake,
) -> None:
    run_on(events, sources=("popular", "repeat"))
    for table in (FACTORS, CO_PURCHASE, LEARNED):
        assert events.read(table).isEmpty()
    settings: Any = SimpleNamespace(candidates=CandidatesConfig(sources=("popular", "als")))
    run: Any = SimpleNamespace(lake=events, settings=settings)
    assert {r["source"] for r in proposed(run, AS_OF).select("source").distinct().collect()} == {"popular"}
