"""`fuserank card` and `fuserank profile` on lakes made by the jobs: in words, for
machines, as pages, and as of a day.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from pyspark.sql import functions as F

from fuserank.common.errors import FuserankError
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.results import RANKING
from tests.support.cli import ran
from tests.support.rows import frame
from tests.support.tinychain import copied
from tests.support.tinyshop import AS_OF, purchases, write_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = dt.date.fromisoformat(AS_OF)
KNOWN = [p for p in purchases() if dt.datetime.fromisoformat(p["at"]) < dt.datetime.combine(DAY, dt.time(), dt.UTC)]
MINE = [p for p in KNOWN if p["customer"] == "ü003"]


LISTS = [
    {
        "as_of_date": DAY,
        "user_id": u,
        "user_index": n,
        "surface": "home",
        "rank": rank,
        "item_id": f"sku-00{rank + 2}",
        "item_index": rank,
        "item_name": f"thing {rank + 2}",
        "probability": 0.5 / rank,
        "reason": f"reason {rank}",
        "parts": {"als": 1.0},
    }
    for n, u in enumerate(("ü003", "ü004"))
    for rank in (1, 2)
]


def minor(amount: str) -> int:
    return int(amount.replace(".", ""))


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tiny_chain: Path) -> Path:
    """A shop whose lake ``profiles`` has two lists alone as of AS_OF; events go on for four weeks."""
    from fuserank.io.lake.lake import Lake

    lake = Lake(spark, str(copied(tiny_chain, "profiles")), "profiles")
    lake.replace(RANKING, frame(spark, RANKING, LISTS), as_of_date=DAY, surface="home")
    return tiny_chain


@pytest.fixture(autouse=True)
def conf(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))


def printed(shop: Path, *words: str, as_of: str = AS_OF) -> str:
    return ran(*words, "--lake", str(shop / "profiles"), "--dataset", "tinyshop", "--as-of", as_of).stdout


def test_the_card_counts_what_was_known_and_nothing_after(shop: Path) -> None:
    card = json.loads(printed(shop, "card", "--json"))
    assert card["events"] == len(KNOWN) < len(purchases())
    assert card["types"][0]["amount_minor"] == sum(minor(p["paid"]) for p in KNOWN)
    assert card["types"][0]["quantity"] == sum(int(p["qty"]) for p in KNOWN)
    pairs = {(p["customer"], p["sku"]) for p in KNOWN}
    assert (card["pairs"], card["per_user"]["entities"]) == (len(pairs), 40)
    assert card["repeat_share"] == (len(KNOWN) - len(pairs)) / len(KNOWN)
    assert max(w["monday"] for w in card["weeks"]) < AS_OF
    tables = {t["table"]: t for t in card["tables"]}
    assert tables["silver.events"]["rows"] == len(KNOWN)
    assert tables["silver.events"]["last"] < AS_OF
    assert tables["bronze.tinyshop_sales"]["rows"] == len(purchases())
    assert tables["silver.items"]["rule"] == "all rows from 2023-01-01 on"
    assert "no stores: nothing by place" in card["without"]


def test_the_card_speaks_to_people_and_writes_a_page(shop: Path) -> None:
    text = printed(shop, "card")
    assert f"data set tinyshop, as of {AS_OF}: {len(KNOWN):,} events" in text
    assert "of users × items are a pair" in text
    page = shop / "pages" / "card.html"
    assert printed(shop, "card", "--html", str(page)).strip() == str(page)
    assert "Data card of tinyshop" in page.read_text(encoding="utf-8")


def test_a_user_s_profile_is_exact_and_says_what_features_say(shop: Path) -> None:
    found = json.loads(printed(shop, "profile", "  ü003 ", "--json"))
    assert (found["lines"], found["spend_minor"]) == (len(MINE), sum(minor(p["paid"]) for p in MINE))
    assert found["discount_minor"] == sum(minor(p["off"]) for p in MINE)
    assert found["baskets"] == len({p["basket"] for p in MINE})
    assert sum(w["events"] for w in found["weeks"]) == len(MINE)
    features = {f["name"]: f["value"] for f in found["features"]}
    assert features["basket_value_minor"] == found["spend_minor"] / found["baskets"]
    text = printed(shop, "profile", "ü003")
    assert "user ü003 of tinyshop" in text
    assert "baskets in the 28 days before as_of" in text
    assert "1  thing 3 (sku-003)  50%" in text
    page = shop / "user.html"
    printed(shop, "profile", "ü003", "--html", str(page))
    assert "User ü003" in page.read_text(encoding="utf-8")


def test_an_item_s_profile_is_exact(shop: Path) -> None:
    mine = [p for p in KNOWN if p["sku"] == "sku-003"]
    found = json.loads(printed(shop, "profile", "--item", "sku-003", "--json"))
    attributes = {
        "name": "thing 3",
        "department": "aisle 3",
        "product_type": "kind 3",
        "colour": "colour 3",
        "grams": "130",
    }
    assert found["catalogue"] == attributes
    assert (found["baskets"], found["buyers"]) == (len(mine), len({p["customer"] for p in mine}))
    paid, units = sum(minor(p["paid"]) for p in mine), sum(int(p["qty"]) for p in mine)
    assert (found["spend_minor"], found["quantity"], found["price_minor"]) == (paid, units, paid / units)
    assert found["recommended"] == {"users": 2, "listed": 2, "firsts": 2, "top10": 2, "best_rank": 1}
    assert "to 2 of 2 users" in printed(shop, "profile", "--item", "sku-003")
    page = shop / "item.html"
    printed(shop, "profile", "--item", "sku-003", "--html", str(page))
    assert "Price paid" in page.read_text(encoding="utf-8")


def test_the_report_links_the_card_and_the_profiles_of_its_users(shop: Path) -> None:
    out = shop / "profiles-out"
    assert printed(shop, "report", "--set", f"out={out}").strip() == str(out / "report.html")
    report, card, users = (
        (out / name).read_text(encoding="utf-8") for name in ("report.html", "card.html", "users.html")
    )
    assert "users.html#user-2" in report
    assert 'href="card.html"' in report
    assert "Data card of tinyshop" in card
    assert {name for name in ("ü003", "ü004", "ü005") if f"User {name}<" in users} == {"ü003", "ü004"}
    assert 'id="user-2"' in users


def test_who_or_what_is_not_known_is_told_with_what_is_near(shop: Path) -> None:
    with pytest.raises(FuserankError, match=r"user 'ü03' before 2024-06-03; the nearest ids: ü003, "):
        printed(shop, "profile", "ü03")
    with pytest.raises(FuserankError, match=r"items of that name: sku-059 \(thing 59\)"):
        printed(shop, "profile", "--item", "Thing 59")
    with pytest.raises(FuserankError, match="the nearest ids: sku-"):
        printed(shop, "profile", "--item", "sku-999")
    with pytest.raises(FuserankError, match="holds no events from before that day"):
        printed(shop, "profile", "ü003", as_of="2023-01-01")
    for words in (("profile",), ("profile", "ü003", "--item", "sku-003")):
        with pytest.raises(FuserankError, match="name a user, or an item"):
            printed(shop, *words)


def test_another_data_set_s_mapping_is_refused(shop: Path) -> None:
    for words in (("card",), ("profile", "ü003"), ("profile", "--item", "sku-003")):
        with pytest.raises(FuserankError, match="holds tinyshop, not completejourney; add --dataset tinyshop"):
            ran(*words, "--lake", str(shop / "profiles"), "--as-of", AS_OF)


def test_a_shop_of_ratings_and_days_alone_has_its_card_and_profiles(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fuserank.config.mapping.load import parse_dataset
    from tests.support.lakes import fresh
    from tests.support.shop import ingest

    lines = "u1,i1,2024-05-01,5\nu1,i2,2024-05-03,4\nu2,i1,2024-05-06,1\n,i1,2024-05-06,1\nu2,i2,2024-07-01,5\n"
    (tmp_path / "sales.csv").write_text("user,item,day,stars\n" + lines)
    mapping = {
        "name": "stars",
        "time_zone": "Europe/Berlin",
        "currency": {"code": "EUR"},
        "root": {"folder": str(tmp_path)},
        "files": {
            "sales": {
                "path": "sales.csv",
                "format": "csv",
                "columns": {"user": "string", "item": "string", "day": "date", "stars": "double"},
            }
        },
        "events": [
            {
                "from": "sales",
                "type": "rating",
                "role": "feedback",
                "user": "user",
                "item": "item",
                "time": "day",
                "key": ["user", "item"],
                "value": "stars",
                "reward": {"column": "stars", "scale": 0.5, "offset": -1.5},
            }
        ],
    }
    now = dt.datetime(2024, 8, 1, tzinfo=dt.UTC)
    lake = fresh(spark)
    ingest(lake, parse_dataset(mapping, "stars.yaml"), now=now)
    write_shop(tmp_path / "shop")
    (tmp_path / "shop" / "conf" / "datasets" / "stars.yaml").write_text(yaml.safe_dump(mapping))
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "shop" / "conf"))
    here = ("--lake", lake.root, "--dataset", "stars", "--as-of", AS_OF)
    card = json.loads(ran("card", "--json", *here).stdout)
    assert (card["events"], card["pairs"], card["heat"], card["optional"]["values"]) == (3, 2, None, 3)
    assert card["refused"] == [{"source_table": "sales", "rule": "no_user", "column": "user", "rows": 1}]
    lake.place.overwrite(QUARANTINE, lake.read(QUARANTINE).withColumn("resolution", F.lit("fixed")), "true")
    assert json.loads(ran("card", "--json", *here).stdout)["refused"] == []
    assert {"no times of day: nothing by hour", "no catalogue: items have no names, departments, brands"} <= set(
        card["without"]
    )
    text = ran("profile", "u1", *here).stdout
    assert "item i1 50.0 %, item i2 50.0 %" in text
    assert "no features as of" in text
    assert "paid" not in text
    assert "does not describe it" in ran("profile", "--item", "i1", *here).stdout
    for words in (("card",), ("profile", "u2")):
        ran(*words, *here, "--html", str(tmp_path / "page.html"))
