"""The online store as Spark writes it: every published list, by executors, checked, switched, pruned."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.jobs import publish_store
from fuserank.serving.store import records as r
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.tables.candidates import CO_PURCHASE, FACTORS
from fuserank.tables.features import USER, USER_HISTORY
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings

DAY, BEFORE = dt.date(2024, 6, 3), dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
USERS, CATALOGUE, K, GONE, UNKNOWN = 30, 8, 3, 4, 5


def settings(root: Path, *more: str) -> Settings:
    from fuserank.config.settings import load

    values = [f"lake={root}", f"as_of={DAY}", f"out={root}-out", "run.quiet=true", "store.shards=5", "store.keep=2"]
    return load("local", [*values, *more])


def event(item: int, user: int) -> dict[str, Any]:
    return {
        "event_id": f"e{item}-{user}",
        "event_date": BEFORE.date(),
        "event_time": BEFORE,
        "known_at": BEFORE,
        "user_id": f"ü{user}",
        "user_index": user,
        "item_id": f"i{item}",
        "item_index": item,
        "role": "feedback",
        "reward_q20": 1 << 20,
        "session": f"s{item}-{user}",
    }


def listed(user: int, k: int) -> dict[str, Any]:
    return {
        "user_id": f"ü{user}",
        "user_index": user,
        "rank": k + 1,
        "item_id": f"i{(user + k) % CATALOGUE}",
        "item_index": (user + k) % CATALOGUE,
        "score": 1.0 / (k + 1),
        "probability": 0.5,
        "parts": {"popular": 0.25, "als": 1.0 / (k + 1) - 0.25} if k else {"als": 1.0},
        "reason_code": "popular",
        "reason": f"reason of {user}",
        "evidence": [f"item:i{user}"],
    }


def rows() -> dict[str, list[dict[str, Any]]]:
    """Lists of 30 users, one of them deleted; items with neighbours, factors, and how often they were taken."""
    users, of_day = range(USERS), {"as_of_date": DAY}
    return {
        USER_DICTIONARY.name: [
            {"user_id": f"ü{u}", "user_index": u, "deleted_at": BEFORE if u == GONE else None} for u in users
        ],
        ITEM_DICTIONARY.name: [{"item_id": f"i{n}", "item_index": n} for n in range(CATALOGUE)],
        ITEMS.name: [
            {"item_id": f"i{n}", "name": f"thing {n}", "department": "d", "price_minor": 100 + n, "known_at": BEFORE}
            for n in range(1, CATALOGUE)
        ],
        EVENTS.name: [event(item, user) for item in range(1, 4) for user in range(item)],
        RANKING.name: [listed(u, k) for u in users for k in range(K)],
        USER.name: [
            {**of_day, "user_index": u, "baskets_count": u + 1, "age": f"age {u}"} for u in users if u != UNKNOWN
        ],
        USER_HISTORY.name: [
            {**of_day, "user_index": u, "hist_00": u, "hist_01": 2, **{f"hist_{n:02d}": -1 for n in range(2, 20)}}
            for u in users
            if u != UNKNOWN
        ],
        FACTORS.name: [
            {**of_day, "side": side, "index": n, "factor": [float(n), 1.0]}
            for side in ("item", "user")
            for n in (0, 2, 5)
        ],
        CO_PURCHASE.name: [
            {**of_day, "item_index": 1, "neighbour_index": n, "similarity": 1.0 / (2 + n % 4)} for n in (2, 3, 4, 6)
        ],
    }


@pytest.fixture(scope="module")
def stored(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with published lists, and the store of it."""
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import publish

    root = tmp_path_factory.mktemp("store") / "lake"
    with open_run("ranking", settings(root), DAY) as run:
        for table in publish_store.READS:
            made = frame(spark, table, rows().get(table.name, [])).drop("run_id")
            if table is RANKING:
                run.lake.replace(table, made.drop("as_of_date", "surface"), as_of_date=DAY, surface="home")
            elif table is not PUBLISHED:
                run.lake.append(table, made)
    with open_run("publish", settings(root), DAY) as run:
        with pytest.raises(FuserankError, match="nothing is published on surface home; run `fuserank publish` first"):
            publish_store.execute(run, DAY)
        publish.execute(run, DAY)
        publish_store.execute(run, DAY)
    return root


def test_each_list_is_read_as_it_was_ranked_and_a_deleted_user_has_none(stored: Path) -> None:
    store = LmdbStore(stored / "store", "home")
    manifest = store.manifest
    assert (manifest.users, manifest.items, len(manifest.shards)) == (USERS - 1, CATALOGUE, 5)
    assert (manifest.sources, manifest.as_of_date, manifest.number) == (["als", "popular"], str(DAY), 1)
    assert manifest.table_versions["ranking.ranking"] == manifest.ranking_version
    assert store.user(f"ü{GONE}") is None
    for u in sorted({*range(USERS)} - {GONE}):
        found = store.user(f"ü{u}")
        assert found is not None
        assert [row.item_index for row in found.rows] == [(u + k) % CATALOGUE for k in range(K)]
        second = found.rows[1]
        assert (second.score, second.reason, second.evidence) == (0.5, f"reason of {u}", [f"item:i{u}"])
        assert {manifest.sources[at]: part for at, part in second.parts} == {"popular": 0.25, "als": 0.25}
        assert all(sum(part for _, part in row.parts) == row.score for row in found.rows)
        if u == UNKNOWN:
            assert (found.features, found.history) == ([], [])
            continue
        known = dict(zip(manifest.features, found.features, strict=True))
        assert (known["baskets_count"], known["age"], known["income"]) == (u + 1, f"age {u}", None)
        assert found.history == [u, 2]
    store.close()


def test_items_have_their_fields_neighbours_and_vectors_and_the_most_taken_are_popular(stored: Path) -> None:
    store = LmdbStore(stored / "store", "home")
    thing = store.item("i1")
    assert thing is not None
    assert (thing.name, thing.fields) == ("thing 1", {"department": "d", "price_minor": 101})
    assert thing.similar == [(4, 0.5), (2, 0.25), (6, 0.25), (3, pytest.approx(0.2))]
    assert store.item("i0") == r.ItemRecord(0, "i0", None, {}, []), "the catalogue says nothing of it"
    vectors = store.vectors()
    assert vectors is not None
    assert vectors.tolist() == [[0, 1], [0, 0], [2, 1], [0, 0], [0, 0], [5, 1]]
    assert store.manifest.popular == [3, 2, 1]
    store.close()


@pytest.mark.slow
def test_another_snapshot_follows_and_those_beyond_keep_go(stored: Path) -> None:
    from fuserank.io.runtime.run import open_run

    store = LmdbStore(stored / "store", "home")
    first = store.manifest.name
    for _ in range(2):
        with open_run("publish_store", settings(stored), DAY) as run:
            publish_store.execute(run, DAY)
    assert store.refresh()
    assert store.user("ü1") is not None
    assert store.manifest.name != first
    assert len([f for f in (stored / "store" / "home").iterdir() if f.is_dir()]) == 2
    elsewhere = settings(stored, "store.path=s3a://bucket/store")
    with (
        open_run("publish_store", elsewhere, DAY) as run,
        pytest.raises(FuserankError, match="name one that all executors and servers see"),
    ):
        publish_store.execute(run, DAY)
    store.close()
