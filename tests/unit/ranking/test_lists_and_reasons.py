"""Lists of exactly K, and reasons that rest on evidence."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.ranking import RankingConfig
from fuserank.ranking import evidence as ev
from fuserank.ranking.lists import PopularItem, lists
from fuserank.ranking.reasons import asked, reasoned
from fuserank.registry.sources import SOURCES
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import FUSED
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS
from tests.support.rows import frame

AS_OF = dt.date(2017, 12, 4)
POPULAR = [PopularItem(n, 0.02 - n / 1000, 0.1 - n / 100) for n in range(6)]


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


def _with_reasons(spark: Any, bought: list[dict[str, Any]]) -> dict[tuple[int, int], tuple[str, str, list[str]]]:
    cfg = RankingConfig(evidence_events=2)
    rows = _ranked(spark, [*FUSED_ROWS, _fused(2, 8, fnn=0.3, item_cf=0.2, als=0.1), _fused(2, 6, kg=0.3, als=0.1)])
    may_speak = asked(rows)
    events = ev.purchases(frame(spark, EVENTS, bought))
    ids = frame(spark, ITEM_DICTIONARY, [{"item_id": f"i{n}", "item_index": n} for n in range(10)])
    names = ev.item_names(ids, frame(spark, ITEMS, [{"item_id": "i4", "name": "Bananas"}]))
    links = frame(spark, CO_PURCHASE, [
        {"item_index": 4, "neighbour_index": 7, "similarity": 0.4}, {"item_index": 5, "neighbour_index": 7, "similarity": 0.9},
    ])  # fmt: skip
    own = events.select("user_index", "item_index").distinct()
    near = spark.createDataFrame(
        [(2, 9, 5, 1), (2, 9, 7, 2), (2, 8, 7, 1)], "user_index int, item_index int, from_item int, place int"
    )
    told = ev.repeated(may_speak, events, SOURCES["repeat"], cfg).unionByName(
        ev.linked(may_speak, own, links, names, SOURCES["co_purchase"])
    )
    told = told.unionByName(ev.counted(may_speak, ev.item_counts(events, AS_OF, cfg), names, cfg))
    for name in ("als", "item_cf"):
        told = told.unionByName(ev.nearest(may_speak, near, names, replace(SOURCES[name], text=SOURCES["als"].text)))
    walks = spark.createDataFrame(
        [(2, 6, 5, "product_type"), (9, 6, 5, "brand")], "user_index int, item_index int, from_item int, field string"
    )
    told = told.unionByName(ev.walked(may_speak, walks, names, SOURCES["kg"]))
    found = reasoned(rows, may_speak, told, ("item_cf", "kg")).collect()
    return {(r["user_index"], r["item_index"]): (r["reason_code"], r["reason"], list(r["evidence"])) for r in found}


def test_every_user_gets_k_rows_without_gaps_filled_with_popular_items_below_their_own(spark: Any) -> None:
    rows = _ranked(spark, FUSED_ROWS).orderBy("user_index", "rank").collect()
    got = [(r["user_index"], r["rank"], r["item_index"], r["filled"]) for r in rows]
    assert got == [
        (1, 1, 7, False), (1, 2, 4, False), (1, 3, 5, False),
        (2, 1, 9, False), (2, 2, 0, True), (2, 3, 1, True),
        (3, 1, 0, True), (3, 2, 1, True), (3, 3, 2, True),
    ]  # fmt: skip


def test_a_catalogue_too_small_for_the_lists_is_refused_with_the_setting_to_change(spark: Any) -> None:
    with pytest.raises(FuserankError, match=r"ranking\.k"):
        _ranked(spark, FUSED_ROWS, k=7)


def test_the_largest_part_with_evidence_gives_the_reason(spark: Any) -> None:
    got = _with_reasons(spark, BOUGHT)
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


def test_removing_the_evidence_changes_the_row(spark: Any) -> None:
    before = _with_reasons(spark, BOUGHT)
    without_latest = _with_reasons(spark, [b for b in BOUGHT if b["event_id"] != "b"])
    assert before[1, 4] != without_latest[1, 4]
    assert "event:b" not in without_latest[1, 4][2]
    without_bananas = _with_reasons(spark, [b for b in BOUGHT if b["item_index"] != 4])
    assert without_bananas[1, 7][0] != "co_purchase"  # the link that it stood on is gone
    assert without_bananas[1, 4][0] == "model"
