"""Nothing that was known at or after as_of is seen: a lake that goes on gives the
card and profiles of one that ends there.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pyspark.sql import functions as F

from fuserank.common.errors import FuserankError
from fuserank.config.settings import Settings, load
from fuserank.insight.profiles.units import Currency
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.tables import silver as s
from fuserank.usecases import card, profile
from tests.support.lakes import fresh
from tests.support.rows import frame
from tests.unit.insight.worlds import AS_OF, EVENTS, ITEMS, LATER, MAPPING, at

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

# a row known before as_of, and one known from 00:00 UTC of it on
DATED: dict[Any, list[dict[str, Any]]] = {
    s.USERS: [{"user_id": "u1", "age": "45-54"}, {"user_id": "u2", "age": "25-34"}],
    s.CAMPAIGN_USERS: [{"user_id": "u1", "campaign_id": "a"}, {"user_id": "u1", "campaign_id": "b"}],
    s.REDEMPTIONS: [{"user_id": "u1", "redemption_no": 1}, {"user_id": "u1", "redemption_no": 2}],
    s.PROMOTIONS: [
        {"item_id": "i1", "store_id": n, "week_start": dt.date(2024, 3, 11), "on_display": True} for n in "ab"
    ],
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    conf = tmp_path / "conf"
    shutil.copytree(Path(__file__).resolve().parents[3] / "conf", conf)
    (conf / "datasets" / "shop.yaml").write_text(yaml.safe_dump(MAPPING))
    monkeypatch.setenv("FUSERANK_CONF", str(conf))
    return load("local", ["dataset=shop", f"as_of={AS_OF}"])


def filled(spark: SparkSession, later: bool) -> Lake:
    made = fresh(spark, "r")
    events = EVENTS + (LATER if later else [])
    made.append(s.EVENTS, frame(spark, s.EVENTS, events))
    made.append(s.ITEMS, frame(spark, s.ITEMS, ITEMS if later else ITEMS[:2]))
    for side, dictionary in (("user", s.USER_DICTIONARY), ("item", s.ITEM_DICTIONARY)):
        first: dict[str, dt.datetime] = {}
        for e in events:
            first[e[f"{side}_id"]] = min(e["event_time"], first.get(e[f"{side}_id"], e["event_time"]))
        rows = [{f"{side}_id": i, f"{side}_index": int(i[1:]), "first_event_time": t} for i, t in first.items()]
        made.append(dictionary, frame(spark, dictionary, rows))
    for table, (before, after) in DATED.items():
        rows = [before | {"known_at": at(17, 23, 59)}, *([after | {"known_at": at(18, 0, 0)}] if later else [])]
        made.replace(table, frame(spark, table, [r | {"dataset": "shop"} for r in rows]), dataset="shop")
    return made


def test_card_and_profiles_end_at_as_of(spark: SparkSession, settings: Settings) -> None:
    goes_on, ends = (filled(spark, later) for later in (True, False))
    cards = [card.gather(SparkRows(lake), settings, AS_OF) for lake in (goes_on, ends)]
    assert cards[0] == cards[1]
    users = profile.users(SparkRows(goes_on), settings, AS_OF, ["u1", "u2", "u3"])
    assert users == profile.users(SparkRows(ends), settings, AS_OF, ["u1", "u2", "u3"])
    assert [(u.campaigns, u.redeemed, u.demographics) for u in users] == [
        (1, 1, {"age": "45-54"}),
        (0, 0, {}),
        (0, 0, {}),
    ]
    items = [profile.item(SparkRows(lake), settings, AS_OF, "i1") for lake in (goes_on, ends)]
    assert items[0] == items[1]
    assert (items[0].weeks[-1].displays, items[0].currency) == (1, Currency("EUR"))
    with pytest.raises(FuserankError, match="nothing is known of user 'u3' before 2024-03-18; the nearest ids: u1, u2"):
        profile.user(SparkRows(goes_on), settings, AS_OF, "u3")

    after = AS_OF + dt.timedelta(days=30)  # what was kept back above is there
    u2, u3 = profile.users(SparkRows(goes_on), settings, after, ["u2", "u3"])
    assert (u2.taken_back, u2.demographics, u3.items) == (2, {"age": "25-34"}, 1)
    assert profile.item(SparkRows(goes_on), settings, after, "i1").weeks[1].displays == 2


def test_a_deleted_user_is_no_one(spark: SparkSession, settings: Settings) -> None:
    lake = filled(spark, later=False)
    deleted = "IF(user_id = 'u1', TIMESTAMP'2024-03-10 00:00:00', deleted_at)"
    lake.place.overwrite(
        s.USER_DICTIONARY, lake.read(s.USER_DICTIONARY).withColumn("deleted_at", F.expr(deleted)), "true"
    )
    assert profile.users(SparkRows(lake), settings, AS_OF, ["u1"])[0].events == []
    with pytest.raises(FuserankError, match=r"nothing is known of user 'u1' before 2024-03-18; the nearest ids: u2$"):
        profile.user(SparkRows(lake), settings, AS_OF, "u1")
