"""Lists of K, fewer only where nothing is left, and reasons that rest on evidence."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.ranking import RankingConfig
from fuserank.history.events import taken
from fuserank.registry.sources import SOURCES
from fuserank.stages.ranking import evidence as ev
from fuserank.stages.ranking.lists import MOST_TAKEN, Filler, depth, lists, require_full
from fuserank.stages.ranking.reasons import reasoned, wanted
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import FUSED
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS
from tests.support.rows import frame

Reasons = dict[tuple[int, int], tuple[str, str, list[str]]]  # by user and item: code, words, evidence
AS_OF = dt.date(2017, 12, 4)
POPULAR = [Filler(n, 0.02 - n / 1000, 0.1 - n / 100, "popular") for n in range(6)]


def _fused(user: int, item: int, **parts: float) -> dict[str, Any]:
    return {"user_index": user, "item_index": item, "parts": parts, "score": sum(parts.values()), "probability": 0.5}


def _bought(user: int, item: int, day: int, event: str) -> dict[str, Any]:
    time = dt.datetime(2017, 11, day, 12, tzinfo=dt.UTC)
    return {
        "event_id": event,
        "user_index": user,
        "item_index": item,
        "role": "feedback",
        "event_time": time,
        "event_date": time.date(),
    }


FUSED_ROWS = [
    _fused(1, 4, fnn=0.3, repeat=0.2),
    _fused(1, 7, fnn=0.3, co_purchase=0.2, popular=0.1),
    _fused(1, 5, fnn=0.1, popular=0.05),
    _fused(2, 9, fnn=0.4, als=0.1),
]
BOUGHT = [
    _bought(1, 4, 3, "a"),
    _bought(1, 4, 20, "b"),
    _bought(1, 4, 9, "c"),
    _bought(2, 5, 12, "d"),
    _bought(2, 7, 2, "e"),
]


def _ranked(spark: Any, fused: list[dict[str, Any]], k: int = 3) -> Any:
    users = spark.createDataFrame([(1,), (2,), (3,)], "user_index int")
    return lists(frame(spark, FUSED, fused), users, POPULAR, k)


def _computed(spark: Any, rows: Any) -> Any:
    """The same rows without the way to them, which each frame made of them would go again."""
    return spark.createDataFrame(rows.collect(), rows.schema)


def _with_reasons(spark: Any, bought: list[dict[str, Any]]) -> Reasons:
    cfg = RankingConfig(evidence_events=2)
    more = [_fused(2, 8, fnn=0.3, item_cf=0.2, als=0.1), _fused(2, 6, kg=0.3, als=0.1)]
    rows = _computed(spark, _ranked(spark, [*FUSED_ROWS, *more]))
    may_speak = _computed(spark, wanted(rows))
    events = _computed(spark, taken(frame(spark, EVENTS, bought), None))
    ids = frame(spark, ITEM_DICTIONARY, [{"item_id": f"i{n}", "item_index": n} for n in range(10)])
    names = ev.item_names(ids, frame(spark, ITEMS, [{"item_id": "i4", "name": "Bananas"}]))
    links = frame(
        spark,
        CO_PURCHASE,
        [
            {"item_index": 4, "neighbour_index": 7, "similarity": 0.4},
            {"item_index": 5, "neighbour_index": 7, "similarity": 0.9},
        ],
    )
    own = events.select("user_index", "item_index").distinct()
    near = spark.createDataFrame(
        [(2, 9, 5, 1), (2, 9, 7, 2), (2, 8, 7, 1)], "user_index int, item_index int, from_item int, place int"
    )
    evidence = ev.repeated(may_speak, events, SOURCES["repeat"], cfg).unionByName(
        ev.linked(may_speak, own, links, names, SOURCES["co_purchase"])
    )
    evidence = evidence.unionByName(ev.counted(may_speak, ev.item_counts(events, AS_OF, cfg), names, cfg))
    for name in ("als", "item_cf"):
        evidence = evidence.unionByName(
            ev.nearest(may_speak, near, names, replace(SOURCES[name], text=SOURCES["als"].text))
        )
    walks = spark.createDataFrame(
        [(2, 6, 5, "product_type"), (9, 6, 5, "brand")], "user_index int, item_index int, from_item int, field string"
    )
    evidence = evidence.unionByName(ev.walked(may_speak, walks, names, SOURCES["kg"]))
    found = reasoned(rows, may_speak, _computed(spark, evidence), ("item_cf", "kg")).collect()
    return {(r["user_index"], r["item_index"]): (r["reason_code"], r["reason"], list(r["evidence"])) for r in found}


def test_every_user_gets_k_rows_without_gaps_filled_with_popular_items_below_their_own(spark: Any) -> None:
    rows = _ranked(spark, FUSED_ROWS).orderBy("user_index", "rank").collect()
    got = [(r["user_index"], r["rank"], r["item_index"], r["filled"]) for r in rows]
    assert got == [
        (1, 1, 7, False),
        (1, 2, 4, False),
        (1, 3, 5, False),
        (2, 1, 9, False),
        (2, 2, 0, True),
        (2, 3, 1, True),
        (3, 1, 0, True),
        (3, 2, 1, True),
        (3, 3, 2, True),
    ]


PAIRS = "user_index int, item_index int"


def _left_out(
    spark: Any, excluded: list[tuple[int, int]], fillers: int, k: int = 3
) -> tuple[dict[int, list[int]], Any]:
    """User → items by rank, of a catalogue of ten; and how many lists are short, or what is wrong with them."""
    users, items = (
        spark.createDataFrame([(n,) for n in range(*ends)], f"{c} int")
        for c, ends in (("user_index", (1, 4)), ("item_index", (0, 10)))
    )
    pairs = spark.createDataFrame(excluded, PAIRS)
    rows = lists(
        frame(spark, FUSED, FUSED_ROWS), users, [Filler(n, 0.0, 0.0, MOST_TAKEN) for n in range(fillers)], k, pairs
    )
    found: dict[int, list[int]] = {}
    for r in sorted(rows.collect(), key=lambda r: (r["user_index"], r["rank"])):
        found.setdefault(r["user_index"], []).append(r["item_index"])
        assert r["rank"] == len(found[r["user_index"]])
        assert not r["filled"] or (r["score"], r["parts"]) == (0.0, {MOST_TAKEN: 0.0})
    try:
        return found, require_full(rows, users, items, k, pairs)
    except FuserankError as problem:
        return found, str(problem)


def test_what_is_excluded_is_on_no_list_and_whose_items_are_exhausted_has_fewer_rows(spark: Any) -> None:
    all_but_two = [(3, item) for item in range(10) if item not in {4, 8}]
    excluded = [(1, 7), (2, 9), (2, 0), *all_but_two]
    assert depth(spark.createDataFrame(excluded, PAIRS), 3) == 6 + 8
    found, short = _left_out(spark, excluded, fillers=10)
    assert found == {1: [4, 5, 0], 2: [1, 2, 3], 3: [4, 8]}
    assert short == 1


def test_a_short_list_is_refused_while_there_is_an_item_left_to_show(spark: Any) -> None:
    found, wrong = _left_out(spark, [(3, item) for item in range(7)], fillers=8)
    assert found[3] == [7]  # 8 and 9 are left
    assert wrong.startswith("1 of 3 users have fewer than ranking.k = 3 rows")


def test_a_catalogue_smaller_than_the_lists_is_listed_whole(spark: Any) -> None:
    users = spark.createDataFrame([(1,), (2,), (3,)], "user_index int")
    items = spark.createDataFrame([(n,) for n in range(4)], "item_index int")
    rows = lists(frame(spark, FUSED, []), users, POPULAR[:4], 7).persist()
    assert {(r["user_index"], r["count"]) for r in rows.groupBy("user_index").count().collect()} == {
        (1, 4),
        (2, 4),
        (3, 4),
    }
    assert require_full(rows, users, items, 7) == 3
    with pytest.raises(FuserankError, match=r"more than 3 for each"):
        require_full(rows, users, items, 3)
    rows.unpersist()


@pytest.fixture(scope="module")
def got(spark: Any) -> Reasons:
    return _with_reasons(spark, BOUGHT)


def test_the_largest_part_with_evidence_gives_the_reason(got: Reasons) -> None:
    assert got[1, 4] == ("repeat", "You bought it 3 times, last on 2017-11-20", ["event:b", "event:c"])
    assert got[1, 7] == ("co_purchase", "Often in one basket with Bananas, which you buy", ["item:i4"])
    assert got[2, 9][0] == "als"
    assert got[2, 9][2] == ["item:i5", "item:i7"]
    assert got[2, 8][0] == "item_cf"
    assert got[2, 8][1].startswith("Others who buy what you buy also take it")
    assert got[2, 8][2] == ["item:i7"]
    assert got[2, 6] == ("kg", "Of the same kind as item i5, which you buy", ["item:i5"])
    assert got[1, 5] == ("popular", "Among the most bought: 1 purchases in the last 28 days", ["item:i5"])
    assert got[3, 0][0] == "no_history"
    assert got[3, 0][2] == ["item:i0"]


def test_removing_the_evidence_changes_the_row(spark: Any, got: Reasons) -> None:
    without_latest = _with_reasons(spark, [b for b in BOUGHT if b["event_id"] != "b"])
    assert got[1, 4] != without_latest[1, 4]
    assert "event:b" not in without_latest[1, 4][2]
    without_bananas = _with_reasons(spark, [b for b in BOUGHT if b["item_index"] != 4])
    assert without_bananas[1, 7][0] != "co_purchase"  # the link that it stood on is gone
    assert without_bananas[1, 4][0] == "model"
