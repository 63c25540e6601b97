"""Nested JSON and Parquet in the shapes of real exports: what init finds in them,
the chain reads by the paths it wrote.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.json_paths import problem, steps
from fuserank.config.mapping.load import MappingError, parse_dataset
from fuserank.sources.files.read import FoundFile, hashed, read_file
from fuserank.sources.files.reader_options import reader_options
from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.encoding import CannotReadError
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.sources.onboarding.scan.json_shapes import shape_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

N = 60
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = [(dt.datetime(2023, 1, 1, 8, tzinfo=dt.UTC) + dt.timedelta(days=2 * k, minutes=k)) for k in range(N)]
ISO = [d.strftime("%Y-%m-%dT%H:%M:%SZ") for d in DAYS]
MICROS = [int(d.timestamp()) * 1_000_000 for d in DAYS]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()


def param(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": {"string_value": None, "int_value": None} | value}


PLAIN = [{"user_id": f"u{k % 7}", "item_id": f"i{k % 9}", "ts": ISO[k]} for k in range(N)]
GA4 = [
    {
        "event_date": "20230101",
        "event_timestamp": MICROS[k],
        "event_name": "purchase",
        "user_pseudo_id": f"{1005355 + k % 7}.1670456",
        "event_params": [param("page", string_value=f"/{k}"), param("ga_session_id", int_value=k % 20)],
        "items": [
            {"item_id": f"i{k % 9}", "price": 2.5, "quantity": 1},
            {"item_id": "i99", "price": 1.5, "quantity": 2},
        ],
    }
    for k in range(N)
]
SEGMENT = [
    {
        "type": "track",
        "event": "Product Viewed",
        "userId": f"u{k % 7}",
        "timestamp": ISO[k],
        "messageId": f"m{k}",
        "properties": {"product_id": f"i{k % 9}", "price": 2.5},
        "context": {"page": {"url": f"/{k}"}},
    }
    for k in range(N)
]
SHOPIFY = [
    {
        "id": 1000 + k,
        "created_at": ISO[k],
        "customer": {"id": k % 7, "email": f"{k % 7}@x"},
        "line_items": [
            {"product_id": k % 9, "quantity": 2, "price": "3.50"},
            {"product_id": 99, "quantity": 1, "price": "1.00"},
        ],
    }
    for k in range(N)
]
OTTO = [
    {
        "session": k,
        "events": [
            {"aid": k % 9, "ts": MICROS[k] // 1000, "type": "clicks"},
            {"aid": 99, "ts": MICROS[k] // 1000 + 5, "type": "carts"},
        ],
    }
    for k in range(N)
]
NESTED = [{"user": {"id": f"u{k % 7}"}, "product": {"sku": f"i{k % 9}"}, "ts": ISO[k]} for k in range(N)]
MIXED = [{"user_id": k % 7 if k % 2 else f"u{k % 7}", "item_id": k % 9, "ts": ISO[k]} for k in range(N)]
LISTS = [{"user_id": f"u{k % 7}", "items": [f"i{k % 9}", "i99"] if k else [], "ts": ISO[k]} for k in range(N)]
KEYED = [
    {"user": f"u{k % 7}", "ts": ISO[k], "params": [{"key": "sku", "value": f"i{k % 9}"}, {"key": "page", "value": "x"}]}
    for k in range(N)
]

# name of the file: its bytes, paths that init finds (column → path; a subset), the first two rows' user and item, rows
CASES: dict[str, tuple[bytes, dict[str, str], list[tuple[str | None, str | None]], int]] = {
    "nested.jsonl": (lines(NESTED), {"user_id": "user.id", "sku": "product.sku"}, [("u0", "i0"), ("u1", "i1")], N),
    "ga4.json": (
        lines(GA4),
        {"item_id": "items[].item_id", "ga_session_id": "event_params[key=ga_session_id].value.int_value"},
        [("1005355.1670456", "i0"), ("1005355.1670456", "i99")],
        2 * N,
    ),
    "segment.jsonl": (lines(SEGMENT), {"product_id": "properties.product_id"}, [("u0", "i0"), ("u1", "i1")], N),
    "orders.json": (
        json.dumps(SHOPIFY, indent=1).encode(),
        {"customer_id": "customer.id", "product_id": "line_items[].product_id"},
        [("0", "0"), ("0", "99")],
        2 * N,
    ),
    "otto.jsonl": (lines(OTTO), {"aid": "events[].aid", "ts": "events[].ts"}, [("0", "0"), ("0", "99")], 2 * N),
    "array.json": (json.dumps(PLAIN).encode(), {}, [("u0", "i0"), ("u1", "i1")], N),
    "marked.json": (b"\xef\xbb\xbf" + json.dumps(PLAIN, indent=2).encode(), {}, [("u0", "i0"), ("u1", "i1")], N),
    "marked_lines.jsonl": (b"\xef\xbb\xbf" + lines(NESTED), {"user_id": "user.id"}, [("u0", "i0"), ("u1", "i1")], N),
    "mixed.jsonl": (lines(MIXED), {}, [("u0", "0"), ("1", "1")], N),
    "lists.jsonl": (lines(LISTS), {"items": "items[]"}, [("u0", None), ("u1", "i1")], 2 * N - 1),
    "keyed.jsonl": (lines(KEYED), {"sku": "params[key=sku].value"}, [("u0", "i0"), ("u1", "i1")], N),
    "wrapped.json": (
        json.dumps({"page": 1, "_element": 0, "events": PLAIN}, indent=1).encode(),
        {"item_id": "events[].item_id", "user_id": "events[].user_id"},
        [("u0", "i0"), ("u1", "i1")],
        N,
    ),
}


def found_by_init(folder: Path) -> DatasetConfig:
    looks = LocalLooks(folder)
    return parse_dataset(yaml.safe_load(mapping_text("x", looks.root, guess(looks, Hints(), NOW))), "x.yaml")


def folder_of(tmp_path: Path, name: str) -> Path:
    made = tmp_path / name.split(".")[0]
    made.mkdir()
    (made / name).write_bytes(CASES[name][0])
    return made


@pytest.mark.parametrize("name", CASES)
def test_init_finds_the_paths_of_user_item_and_time(tmp_path: Path, name: str) -> None:
    _, paths, *_ = CASES[name]
    mapping = found_by_init(folder_of(tmp_path, name))
    (files,) = mapping.files.values()
    used = {c: p for c, p in paths.items() if c in files.columns}
    assert {c: p for c, p in files.paths().items() if c in paths} == used
    event = mapping.events[0]
    assert {event.item, event.user} & set(paths) == {c for c in (event.item, event.user) if c in paths}
    assert files.format == ("json" if name in {"orders.json", "array.json", "marked.json", "wrapped.json"} else "jsonl")


def test_a_column_whose_name_looks_like_a_path_is_read_by_its_name(tmp_path: Path) -> None:
    rows = [
        {"user.id": f"u{k % 7}", "product": {"sku": f"i{k % 9}"}, "ts": ISO[k], "tags[0]": {"a": 1}} for k in range(N)
    ]
    (tmp_path / "events.jsonl").write_bytes(lines(rows))
    mapping = found_by_init(tmp_path)
    assert mapping.files["events"].paths() == {"sku": "product.sku"}
    assert (mapping.events[0].user, mapping.events[0].item) == ("user.id", "sku")


def test_the_chain_reads_what_init_found(tmp_path: Path, spark: SparkSession) -> None:
    for name, (_, _, first, rows) in CASES.items():
        mapping = found_by_init(folder_of(tmp_path, name))
        (files,), event = mapping.files.values(), mapping.events[0]
        file = hashed(spark, FoundFile(str(tmp_path / name.split(".")[0] / name), name))
        seen: dict[str, str] = {}
        frame = read_file(
            spark, file, files.format, reader_options(files), seen.update, declared=files.columns, paths=files.paths()
        )
        got = frame.orderBy("_row").select(event.user, event.item, "_row", "_corrupt").collect()
        assert [(r[0], r[1]) for r in got[:2]] == first, name
        assert len(got) == rows, name
        assert [r["_row"] for r in got] == list(range(rows)), name
        assert not any(r["_corrupt"] for r in got), name
        assert set(files.columns) <= set(seen), name


def test_parquet_with_structs_and_lists_is_read_by_the_same_paths(tmp_path: Path, spark: SparkSession) -> None:
    pq.write_table(pa.Table.from_pylist(GA4), tmp_path / "e.parquet")
    mapping = found_by_init(tmp_path)
    (files,), event = mapping.files.values(), mapping.events[0]
    assert (files.columns[event.item].path, event.user) == ("items[].item_id", "user_pseudo_id")
    file = hashed(spark, FoundFile(str(tmp_path / "e.parquet"), "e.parquet"))
    frame = read_file(spark, file, "parquet", {}, lambda _: None, declared=files.columns, paths=files.paths())
    got = frame.orderBy("_row").select(event.user, event.item, "_row").collect()
    assert [tuple(r) for r in got[:2]] == [("1005355.1670456", "i0", 0), ("1005355.1670456", "i99", 1)]
    assert len(got) == 2 * N


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('{"a": 1}\n{"a": 2}\n', "jsonl"),
        ('[{"a": 1}]', "json"),
        ('{\n "a": [1]\n}\n', "json"),
        ('\n  [\n{"a": 1}]', "json"),
        ('{"a": 1', None),
        ('{\n"a": 1\n}\n{\n"a": 2\n}\n', None),
        ("user,item\n", None),
        ('{"a": \n{"a": 1}\n{"a": 2}\n', "jsonl"),
    ],
)
def test_the_shape_of_a_json_file_is_told_or_why_it_has_none(tmp_path: Path, text: str, shape: str | None) -> None:
    (tmp_path / "a.json").write_text(text)
    if shape is None:
        with pytest.raises(CannotReadError, match=r"jq -c|not one JSON object a line"):
            shape_of(tmp_path / "a.json")
    else:
        assert shape_of(tmp_path / "a.json") == shape


def test_paths_of_two_lists_and_those_that_are_none_are_refused() -> None:
    assert [s.name for s in steps("a.b[].c[key=x.y].d")] == ["a", "b", "c", "d"]
    assert steps("c[key=x.y].d")[0].where == ("key", "x.y")
    assert problem(["a[].b", "a[].c", "d.e"]) is None
    assert "of one list" in str(problem(["a[].b", "c[].d"]))
    assert "is no path" in str(problem(["a..b"]))
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": "/x"},
        "files": {"e": {"path": "e.csv", "format": "csv", "columns": {"u": {"type": "string", "path": "a.b"}}}},
        "events": [
            {"from": "e", "type": "view", "role": "feedback", "user": "u", "item": "u", "time": "u", "key": ["u"]}
        ],
    }
    with pytest.raises(MappingError, match="csv has no nested cells"):
        parse_dataset(raw, "x.yaml")
