"""The online store as Spark writes it: every published list, by executors, checked, switched, pruned.

Its lake is in memory: that readers find in Delta what is published is test_publish.py's.
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.jobs import publish_store
from fuserank.learning.sequences.windows import price_class
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.requests import RecommendRequest
from fuserank.serving.store import records as r
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.tables.candidates import CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.features import USER, USER_HISTORY
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY
from fuserank.tables.silver import USERS as SHOP_USERS
from tests.support.rows import frame
from tests.support.steps import directions, numbers, small

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings

DAY, BEFORE = dt.date(2024, 6, 3), dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
WITHIN, AFTER = dt.datetime(2024, 5, 20, tzinfo=dt.UTC), dt.datetime(2024, 6, 3, tzinfo=dt.UTC)  # of the last window
THEN, HOUR = dt.date(2024, 5, 6), dt.timedelta(hours=1)  # where that begins
USERS, CATALOGUE, K, GONE, UNKNOWN, NEW = 130, 8, 3, 4, 5, 777
VECTORS = directions(CATALOGUE, 8).tolist()
LAKE = "memory:published-lists"
PRICED = [f"candidates.members.nextitnet.settings.{one}" for one in ("factors=8", "layers=1", "prices=true")]
GRU = ["candidates.members.gru4rec.settings.factors=8", "candidates.members.gru4rec.settings.units=8"]


def settings(root: Path, *more: str) -> Settings:
    """Of LAKE; ``root``: the folder with the store of it."""
    from fuserank.config.settings import load

    values = [f"lake={LAKE}", f"as_of={DAY}", f"out={root}/out", "run.quiet=true", "store.shards=5", "store.keep=2"]
    return load("local", [*values, f"store.path={root}/store", "store.segment_users=10", *more])


def event(item: int, user: int, at: dt.datetime = BEFORE, session: str = "") -> dict[str, Any]:
    return {
        "event_id": f"e{item}-{user}",
        "event_date": at.date(),
        "event_time": at,
        "known_at": at,
        "user_id": f"ü{user}",
        "user_index": user,
        "item_id": f"i{item}",
        "item_index": item,
        "role": "feedback",
        "reward_q20": 1 << 20,
        "amount_minor": 800 if item == 2 else None,
        "quantity": 2,
        "session": session or f"s{item}-{user}",
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
        "parts": {"popular": 0.25, "gru4rec" if k == 2 else "als": 1.0 / (k + 1) - 0.25} if k else {"als": 1.0},
        "reason_code": "popular",
        "reason": f"reason of {user}",
        "evidence": [f"item:i{user}"],
    }


def learned(
    day: dt.date, vectors: dict[int, list[float]], source: str = "gru4rec", **more: object
) -> list[dict[str, Any]]:
    """What a member knows as of a day: an encoder that nothing was learned by, of ``GRU``'s settings, or ``PRICED``."""
    net_N = numbers(small(source, length=50, **more))
    net_N = np.pad(net_N, (0, -len(net_N) % 256)).reshape(-1, 256)
    of = {"as_of_date": day, "source": source, "other": 0}
    return [
        *({**of, "part": "net", "index": n, "value": 0.0, "vector": row.tolist()} for n, row in enumerate(net_N)),
        *({**of, "part": "item", "index": n, "value": n / 7, "vector": row} for n, row in vectors.items()),
    ]


def after_5() -> list[float]:
    """The vector of what gru4rec has next after item 5, at once."""
    from fuserank.learning.sequences.step import ahead

    q_D = ahead(small(length=50), numbers(small(length=50)), np.array(VECTORS[5:6], np.float32), np.array([0]))
    return (q_D / np.sqrt(q_D @ q_D)).tolist()


def rows() -> dict[str, list[dict[str, Any]]]:
    """Lists of 130 users, one of them deleted; items with neighbours, factors, and how often they were taken.

    In the last window all took item 5, and with it old users item 6, young ones item 7. Before it item 5 had item 1 as
    a neighbour, and vectors near to it had 6 and 7.
    """
    users, of_day = range(USERS), {"as_of_date": DAY}
    latest = [event(4, u, AFTER) for u in users]
    for u in users:
        latest += [event(5, u, WITHIN, "last"), event(6 + u % 2, u, WITHIN + HOUR, "last")]
    return {
        USER_DICTIONARY.name: [
            {"user_id": f"ü{u}", "user_index": u, "deleted_at": BEFORE if u == GONE else None} for u in users
        ],
        ITEM_DICTIONARY.name: [{"item_id": f"i{n}", "item_index": n} for n in range(CATALOGUE)],
        ITEMS.name: [
            {"item_id": f"i{n}", "name": f"thing {n}", "department": "d", "price_minor": 100 + n, "known_at": BEFORE}
            for n in range(1, CATALOGUE)
        ],
        EVENTS.name: [event(item, user) for item in range(1, 4) for user in range(item)] + latest,
        SHOP_USERS.name: [
            {"user_id": f"ü{u}", "age": ("old", "young")[u % 2], "income": "alike", "known_at": BEFORE, "dataset": "d"}
            for u in (*users, NEW)
        ],
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
        ]
        + [
            {"as_of_date": THEN, "side": "item", "index": n, "factor": [1.0, slope]}
            for n, slope in ((5, 0.0), (6, 0.1), (7, -0.1))
        ],
        CO_PURCHASE.name: [
            {**of_day, "item_index": 1, "neighbour_index": n, "similarity": 1.0 / (2 + n % 4)} for n in (2, 3, 4, 6)
        ]
        + [{"as_of_date": THEN, "item_index": 5, "neighbour_index": 1, "similarity": 0.15}],
    }


@pytest.fixture(scope="module")
def stored(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the store of LAKE, where lists are published."""
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import publish

    root = tmp_path_factory.mktemp("published")
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


@pytest.fixture(scope="module")
def taught(stored: Path, spark: SparkSession) -> Path:
    """The same lake, where by now gru4rec is learned as of both days."""
    from fuserank.io.runtime.run import open_run

    known = learned(DAY, {n: VECTORS[n] for n in (0, 2, 5)})
    known += learned(THEN, {5: VECTORS[5], 6: after_5(), 7: after_5()})
    known += learned(DAY, {n: VECTORS[n] for n in (0, 2, 5)}, "nextitnet", layers=1, prices=True)
    with open_run("candidates", settings(stored), DAY) as run:
        run.lake.append(LEARNED, frame(spark, LEARNED, known).drop("run_id"))
    return stored


def test_each_list_is_read_as_it_was_ranked_and_a_deleted_user_has_none(stored: Path) -> None:
    store = LmdbStore(stored / "store", "home")
    manifest = store.manifest
    assert (manifest.users, manifest.items, len(manifest.shards)) == (USERS - 1 + 1, CATALOGUE, 5), "one is new"
    assert (manifest.sources, manifest.as_of_date, manifest.number) == (["als", "gru4rec", "popular"], str(DAY), 1)
    assert manifest.table_versions["ranking.ranking"] == manifest.ranking_version
    assert store.user(f"ü{GONE}") is None
    for u in sorted({*range(USERS)} - {GONE}):
        found = store.user(f"ü{u}")
        assert found is not None
        assert [row.item_index for row in found.rows] == [(u + k) % CATALOGUE for k in range(K)]
        second = found.rows[1]
        assert (second.score, second.reason, second.evidence) == (0.5, f"reason of {u}", [f"item:i{u}"])
        assert second.parts == {"popular": 0.25, "als": 0.25}
        assert all(sum(row.parts.values()) == row.score for row in found.rows)
        known = dict(zip(manifest.features, found.features, strict=True))
        if u == UNKNOWN:
            assert (known["baskets_count"], known["age"], found.history) == (None, "young", []), "as the shop declares"
            continue
        assert (known["baskets_count"], known["age"], known["income"]) == (u + 1, f"age {u}", None)
        assert found.history == [u, 2]
    store.close()


def test_items_have_their_fields_neighbours_and_vectors_and_the_most_taken_are_popular(stored: Path) -> None:
    store = LmdbStore(stored / "store", "home")
    thing = store.item("i1")
    assert thing is not None
    assert (thing.name, thing.fields) == ("thing 1", {"department": "d", "price_minor": 101})
    assert thing.similar == [(4, 0.5), (2, 0.25), (6, 0.25), (3, pytest.approx(0.2))]
    assert store.item("i0") == r.item_of(0, "i0", None, {}), "the catalogue says nothing of it"
    vectors = store.vectors()
    assert vectors is not None
    assert vectors.tolist() == [[0, 1], [0, 0], [2, 1], [0, 0], [0, 0], [5, 1]]
    assert store.manifest.popular == [5, 6, 7, 3, 2, 1]
    store.close()


def test_who_never_took_anything_has_a_record_of_what_is_declared_and_is_served_from_its_segment(stored: Path) -> None:
    store = LmdbStore(stored / "store", "home")
    found = store.user(f"ü{NEW}")
    assert found is not None
    known = {n: v for n, v in zip(store.manifest.features, found.features, strict=True) if v is not None}
    assert (list(found.rows), found.history, known) == ([], [], {"age": "young", "income": "alike"})
    answer = Recommender(store).recommend(RecommendRequest(user=f"ü{NEW}", k=2))
    assert ([one.item for one in answer.items], answer.served_from) == (["i5", "i7"], "segment")
    store.close()


def test_lists_by_segment_are_of_the_column_that_tells_what_is_taken(stored: Path) -> None:
    """One of the old users is deleted; of before the window and after as_of nothing counts, and income is of all users
    alike.
    """
    store = LmdbStore(stored / "store", "home")
    old, young = r.Segment("age", "old", 64, [5, 6, 7]), r.Segment("age", "young", 65, [5, 7, 6])
    assert store.manifest.segments == [old, young]
    assert store.manifest.table_versions["silver.users"] >= 0
    store.close()


def test_columns_by_name_have_lists_of_values_that_enough_users_have(stored: Path) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs.parts.store_segments import segments

    def made(*more: str) -> list[tuple[str, str, list[int]]]:
        with open_run("publish_store", settings(stored, *more), DAY) as run:
            return [(one.field, one.value, one.items) for one in segments(run, DAY)]

    young = ("age", "young", [5, 7, 6])
    assert made("store.segments=[income,age]", "store.segment_users=65") == [("income", "alike", [5, 7, 6]), young]
    assert made("store.segment_users=65") == [young]
    assert made("store.segment_users=66") == []
    assert made("store.segments=[]") == []
    assert made("store.segments=[attribute_1]") == []


def test_session_weights_are_those_by_which_earlier_baskets_are_completed(stored: Path) -> None:
    """By what was known before the window: of that day there is one neighbour of item 5, of as_of's day none."""
    store = LmdbStore(stored / "store", "home")
    fit = store.manifest.session
    assert fit is not None
    assert (fit.co_purchase, fit.als, fit.baskets) == (1.0, 0.4, USERS - 1)
    assert (fit.since, fit.until) == (str(THEN), str(DAY))
    second, third = 1 / math.log2(3), 0.5
    assert fit.ndcg == pytest.approx((64 + 65 * second) / 129)
    assert fit.default_ndcg == pytest.approx((64 * second + 65 * third) / 129)
    assert fit.low < fit.ndcg < fit.high
    assert [f.name for f in (stored / "store" / "home").iterdir() if f.name.startswith(".")] == []
    store.close()


def test_built_in_session_weights_stay_where_nothing_can_be_replayed(stored: Path) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs.parts.store_replay import with_session_fit

    store = LmdbStore(stored / "store", "home")
    bare = msgspec.structs.replace(store.manifest, session=None)
    # nothing was learned as of the 20th; in the last 7 days there are no baskets
    for one in ("store.session_weights=default", "windows.label_days=14", "windows.label_days=7"):
        with open_run("publish_store", settings(stored, one), DAY) as run:
            assert with_session_fit(run, bare, stored / "store" / "home" / bare.name) is bare, one
    store.close()


def test_a_sequence_model_s_step_is_stored_and_baskets_of_before_are_replayed_with_that_of_their_day(
    taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs.parts import store_replay
    from fuserank.jobs.parts.store_step import member_of, step
    from fuserank.serving.recommend.replay import WITH_STEP, replayed

    store = LmdbStore(taught / "store", "home")
    assert store.manifest.step is None, "nothing was learned when it was written"
    with open_run("publish_store", settings(taught, *GRU), DAY) as run:
        lines: list[str] = []
        monkeypatch.setattr(run.progress, "say", lines.append)
        assert member_of(run, ["als", "nextitnet", "sasrec"]) == "nextitnet"
        found = step(run, tmp_path, DAY, "gru4rec")
        assert found is not None
        assert (found.source, found.length, found.at_once) == ("gru4rec", 50, 0)
        items_IE = np.load(tmp_path / found.items.name)
        assert items_IE[:, :-1] == pytest.approx(np.array(VECTORS[:6]) * np.isin(np.arange(6), [0, 2, 5])[:, None])
        assert items_IE[:, -1] == pytest.approx(0.07 * np.array([-5 / 7, 0, -3 / 7, 0, 0, 0]), abs=1e-6)
        manifest = msgspec.structs.replace(store.manifest, step=found)
        with store_replay._past(run, manifest, tmp_path / manifest.name, THEN, [[5, 6], [5, 7]]) as catalogue:
            assert catalogue is not None
            ndcg_BW = replayed([[5, 6], [5, 7]], catalogue)
        assert ndcg_BW.shape == (2, len(WITH_STEP))
        assert ndcg_BW[:, -1].tolist() == pytest.approx([1 / math.log2(3), 1.0]), "7 was taken more, as it knew then"
        assert store_replay.with_session_fit(run, manifest, tmp_path / manifest.name).session is not None
        assert any("sequence" in line and "NDCG@10" in line for line in lines)
        assert step(run, tmp_path, dt.date(2024, 5, 20), "gru4rec") is None
        assert lines[-1] == "step of gru4rec as of 2024-05-20: none; nothing was learned as of that day"
    with open_run("publish_store", settings(taught, *PRICED), DAY) as run:
        (folder := tmp_path / "priced").mkdir()
        priced = step(run, folder, DAY, "nextitnet")
        assert priced is not None
        items_IE = np.load(folder / priced.items.name)
        assert items_IE[:, -1].tolist() == [0, 0, price_class(np.array([400.0]))[0], 0, 0, 0]
        assert (items_IE[:, -2] <= 0).all()
    with open_run("publish_store", settings(taught, "store.step=none"), DAY) as run:
        monkeypatch.setattr(run.progress, "say", lines.append)
        assert member_of(run, ["gru4rec"]) is None
        assert step(run, tmp_path, DAY, "gru4rec") is None, "its settings are others by now"
        assert "no model of these settings" in lines[-1]
    store.close()


def test_halves_judge_a_segment_s_list() -> None:
    from fuserank.jobs.parts.store_segments import bits_of

    every = {1: (40, 40), 2: (40, 40), 3: (20, 20)}
    assert bits_of(every, every, 50, 100) == pytest.approx(0, abs=1e-9), "all of the shop"
    assert bits_of({1: (30, 28), 2: (1, 3), 3: (5, 4)}, every, 5, 100) > 20, "both halves like the first item"
    assert bits_of({1: (0, 20), 2: (20, 0)}, every, 5, 100) < 0, "one half says nothing of the other"
    assert bits_of({9: (0, 3)}, {**every, 9: (0, 3)}, 5, 100) == 0, "what only one half took judges nothing"
    assert bits_of({}, {}, 50, 0) == 0


def test_a_list_is_drawn_to_what_all_take_the_more_the_more_it_is_by_chance() -> None:
    from fuserank.jobs.parts.store_segments import PRIORS, drawn

    every = dict.fromkeys(range(10), (200, 200))
    apart = [dict.fromkeys(range(5), (90, 90)), dict.fromkeys(range(5, 10), (90, 90))]
    found = drawn(apart, every, 800)
    assert found.prior == PRIORS[0]
    assert found.each == pytest.approx(found.bits / 1800)
    assert 0.3 < found.each < 1, "of one bit that the segment could tell"
    chance = [{item: (10 + 9 * (item % 2), 19 - 9 * (item % 2)) for item in range(10)}]
    found = drawn(chance, every, 800)
    assert (found.prior, found.bits < 0) == (PRIORS[-1], True), "one half takes what the other leaves"


@pytest.mark.slow
def test_another_snapshot_follows_and_those_beyond_keep_go(taught: Path) -> None:
    from fuserank.io.runtime.run import open_run

    store = LmdbStore(taught / "store", "home")
    first = store.manifest.name
    with open_run("publish_store", settings(taught, "store.keep=1", *GRU), DAY) as run:
        publish_store.execute(run, DAY)
    assert store.refresh()
    assert store.user("ü1") is not None
    assert store.manifest.name != first
    assert store.manifest.step is not None
    assert store.manifest.step.source == "gru4rec"
    assert Recommender(store, weights=SessionWeights(sequence=1.0)).without_step is None
    assert [f.name for f in (taught / "store" / "home").iterdir() if f.is_dir()] == [store.manifest.name]
    elsewhere = settings(taught, "store.path=s3a://bucket/store")
    with (
        open_run("publish_store", elsewhere, DAY) as run,
        pytest.raises(FuserankError, match="name one that all executors and servers see"),
    ):
        publish_store.execute(run, DAY)
    store.close()
