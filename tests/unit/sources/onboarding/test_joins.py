"""Orders and order lines in two files: found by init, written as a join, read by the chain."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fuserank.common.errors import IngestError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import MappingError, parse_dataset
from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import FoundFile, hashed
from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.folder import LocalLooks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
N = 120
TIME = [f"{dt.datetime(2023, 1, 1, 9, tzinfo=dt.UTC) + dt.timedelta(hours=31 * k):%Y-%m-%d %H:%M:%S}" for k in range(N)]


def table(*columns: str, rows: list[tuple[Any, ...]], sep: str = ",") -> str:
    return "".join(sep.join(map(str, r)) + "\n" for r in [columns, *rows])


def lines(*cells: Any) -> list[tuple[Any, ...]]:
    """Two lines an order; a cell may be a function of (order, line)."""
    return [tuple(c(k, j) if callable(c) else c for c in cells) for k in range(N) for j in range(2)]


def product(k: int, j: int) -> str:
    return f"p{(3 * k + 5 * j) % 17}"


# files, then (events from, join, user, item, time or place)
CASES: dict[str, tuple[dict[str, str], tuple[str, dict[str, Any], str, str, str]]] = {
    "instacart": (
        {
            "orders.csv": table(
                "order_id",
                "user_id",
                "eval_set",
                "order_number",
                "order_dow",
                rows=[(k, k % 13, "prior", k // 13 + 1, k % 7) for k in range(N)],
            ),
            "order_products__prior.csv": table(
                "order_id", "product_id", "add_to_cart_order", rows=lines(lambda k, j: k, product, lambda k, j: j + 1)
            ),
        },
        (
            "order_products_prior",
            {"table": "orders", "by": {"order_id": "order_id"}, "columns": ["user_id", "order_number"]},
            "user_id",
            "product_id",
            "order_number",
        ),
    ),
    "olist": (
        {
            "olist_orders_dataset.csv": table(
                "order_id",
                "customer_id",
                "order_status",
                "order_purchase_timestamp",
                rows=[(f"{k:032x}", f"c{k % 13}", "delivered", TIME[k]) for k in range(N)],
            ),
            "olist_order_items_dataset.csv": table(
                "order_id",
                "order_item_id",
                "product_id",
                "price",
                rows=lines(lambda k, j: f"{k:032x}", lambda k, j: j + 1, product, 3.9),
            ),
        },
        (
            "olist_order_items_dataset",
            {
                "table": "olist_orders_dataset",
                "by": {"order_id": "order_id"},
                "columns": ["customer_id", "order_purchase_timestamp"],
            },
            "customer_id",
            "product_id",
            "order_purchase_timestamp",
        ),
    ),
    "id of the orders' own table, and their total": (
        {
            "orders.csv": table(
                "id",
                "customer_id",
                "created_at",
                "total_price",
                rows=[(1000 + k, k % 13, TIME[k], 99.5) for k in range(N)],
                sep=";",
            ),
            "order_items.csv": table(
                "id",
                "order_id",
                "product_id",
                "quantity",
                "unit_price",
                rows=[(n, *r) for n, r in enumerate(lines(lambda k, j: 1000 + k, product, 2, 3.5))],
            ),
        },
        (
            "order_items",
            {"table": "orders", "by": {"order_id": "id"}, "columns": ["customer_id", "created_at"]},
            "customer_id",
            "product_id",
            "created_at",
        ),
    ),
    "another name for the receipt": (
        {
            "receipts.csv": table(
                "receipt_no", "card", "date", rows=[(f"R{k}", f"k{k % 13}", TIME[k][:10]) for k in range(N)]
            ),
            "receipt_lines.csv": table("receipt_no", "sku", "qty", rows=lines(lambda k, j: f"R{k}", product, 1)),
        },
        (
            "receipt_lines",
            {"table": "receipts", "by": {"receipt_no": "receipt_no"}, "columns": ["card", "date"]},
            "card",
            "sku",
            "date",
        ),
    ),
}


def found_by_init(folder: Path, files: dict[str, str]) -> DatasetConfig:
    for name, text in files.items():
        (folder / name).write_text(text)
    looks = LocalLooks(folder)
    return parse_dataset(yaml.safe_load(mapping_text("x", looks.root, guess(looks, Hints(), NOW))), "x.yaml")


@pytest.mark.parametrize("case", CASES)
def test_init_offers_the_join_of_lines_and_their_orders(tmp_path: Path, case: str) -> None:
    files, (source, join, user, item, when) = CASES[case]
    mapping = found_by_init(tmp_path, files)
    event = mapping.events[0]
    assert (event.source, event.user, event.item, event.time or event.place) == (source, user, item, when)
    offered = mapping.files[source].join
    assert offered is not None
    assert offered.model_dump() == join
    assert mapping.order == ("time" if event.time else "position")
    assert event.amount is None or event.amount.column not in {"total_price"}
    assert mapping.only_joined() == {join["table"]}


def test_tables_that_tell_all_by_themselves_are_not_joined(tmp_path: Path) -> None:
    rows = [(f"o{k}", f"u{k % 13}", product(k, 0), TIME[k]) for k in range(N)]
    files = {
        "sales.csv": table("order_id", "user_id", "item_id", "time", rows=rows),
        "orders.csv": table("order_id", "user_id", "shop", rows=[(r[0], r[1], "x") for r in rows]),
    }
    assert found_by_init(tmp_path, files).files["sales"].join is None


def mapping(root: Path, **orders: Any) -> DatasetConfig:
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(root)},
        "files": {
            "lines": {
                "path": "lines.csv",
                "format": "csv",
                "join": {"table": "orders", "by": {"order": "id"}, "columns": ["user", "time"]},
                "columns": {"order": "string", "item": "string", "user": "string", "time": "timestamp"},
            },
            "orders": {
                "path": "orders*",
                "format": "csv",
                "columns": {"id": "long", "user": "string", "time": "timestamp"},
                **orders,
            },
        },
        "events": [
            {
                "from": "lines",
                "type": "purchase",
                "role": "feedback",
                "user": "user",
                "item": "item",
                "time": "time",
                "key": ["order", "item"],
            }
        ],
    }
    return parse_dataset(raw, "x.yaml")


def test_the_chain_reads_lines_with_what_their_orders_tell(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "lines.csv").write_text("order,item\n1,a\n 1 ,b\n2,a\n3,c\n,d\n")
    for n, part in enumerate(["1.0,u1,2023-01-01 10:00:00\n", "2,u2,2023-01-02 10:00:00\n1,u1,2023-01-01 10:00:00\n"]):
        (tmp_path / f"orders{n}.csv").write_text("id,user,time\n" + part)
    file = hashed(spark, FoundFile(str(tmp_path / "lines.csv"), "lines.csv"))
    rows = readable_rows(spark, mapping(tmp_path), "lines", file, 1).orderBy("_row").collect()
    assert [(r["item"], r["user"], r["_row"]) for r in rows] == [
        ("a", "u1", 0),
        ("b", "u1", 1),
        ("a", "u2", 2),
        ("c", None, 3),
        ("d", None, 4),
    ]
    for n in range(2):
        (tmp_path / f"orders{n}.csv").unlink()
    orders = {"id": [1.0, 2.0, 2.0], "user": ["u1", "u2", "u3"], "time": ["2023-01-01 10:00:00"] * 3}
    pq.write_table(pa.table(orders), tmp_path / "orders.parquet")
    with pytest.raises(
        IngestError, match=r"column id: 1 of its values stand in several rows.*such as '2'.*one row for each"
    ):
        readable_rows(spark, mapping(tmp_path, format="parquet"), "lines", file, 1)


def test_a_file_of_orders_may_lack_what_is_optional(tmp_path: Path, spark: SparkSession) -> None:
    (tmp_path / "lines.csv").write_text("order,item\n1,a\n2,b\n")
    (tmp_path / "orders0.csv").write_text("id,user\n1,u1\n")
    file = hashed(spark, FoundFile(str(tmp_path / "lines.csv"), "lines.csv"))
    columns = {"id": "long", "user": "string", "time": {"type": "timestamp", "optional": True}}

    def found() -> list[tuple[str, str, str | None]]:
        rows = readable_rows(spark, mapping(tmp_path, columns=columns), "lines", file, 1).orderBy("_row").collect()
        return [(r["item"], r["user"], r["time"]) for r in rows]

    assert found() == [("a", "u1", None), ("b", None, None)]
    (tmp_path / "orders1.csv").write_text("id,user,time\n2,u2,2023-01-02 10:00:00\n")
    assert found() == [("a", "u1", None), ("b", "u2", "2023-01-02 10:00:00")]


@pytest.mark.parametrize(
    ("join", "words"),
    [
        (
            {"table": "order", "by": {"order": "id"}, "columns": ["user"]},
            "files.lines.join.table: no other table 'order' in files",
        ),
        (
            {"table": "orders", "by": {"orders": "id"}, "columns": ["user"]},
            "files.lines.join.by: no column 'orders' in files.lines.columns",
        ),
        (
            {"table": "orders", "by": {"order": "order"}, "columns": ["user"]},
            "files.lines.join.by.order: no column 'order' in files.orders.columns",
        ),
        ({"table": "orders", "by": {"order": "id"}, "columns": ["who"]}, "files.lines.join.columns: no column 'who'"),
    ],
)
def test_a_join_that_names_what_is_not_there_is_refused(tmp_path: Path, join: dict[str, Any], words: str) -> None:
    raw = mapping(tmp_path).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    raw["files"]["lines"]["join"] = join
    with pytest.raises(MappingError, match=words.replace(".", r"\.")):
        parse_dataset(raw, "x.yaml")
