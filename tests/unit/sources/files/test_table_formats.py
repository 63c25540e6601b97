"""Folders with a log: of Delta tables the live files are read, by init as by the
chain; what cannot be is told with its cure.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import IngestError
from fuserank.io.lake.table_formats import live_files
from fuserank.sources.files.partitions import hash_with_path, partition_values
from fuserank.sources.files.read import local_files
from fuserank.sources.onboarding.scan.folder import LocalLooks


def part(folder: Path, name: str, user: str) -> dict[str, Any]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.table({"user": [user] * 3, "item": ["i1", "i2", "i3"], "time": ["2023-01-01", "2023-01-02", "2023-01-03"]}),
        path,
    )
    return {"path": name, "size": path.stat().st_size, "dataChange": True, "partitionValues": {}}


def commit(folder: Path, version: int, *actions: dict[str, Any]) -> None:
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("".join(json.dumps(a) + "\n" for a in actions))


def delta(folder: Path, configuration: dict[str, str] | None = None, **more: Any) -> Path:
    """Of u0's file and u1's the first was removed."""
    names = [f"part-0000{n}-{n}1111111-1111-1111-1111-111111111111-c000.snappy.parquet" for n in range(2)]
    added = [part(folder, name, f"u{n}") for n, name in enumerate(names)]
    commit(folder, 0, {"metaData": {"id": "x", "configuration": configuration or {}}}, *({"add": a} for a in added))
    commit(folder, 1, {"remove": {"path": names[0], "dataChange": True}}, {"add": added[1] | more})
    return folder


def users(looks: LocalLooks) -> set[str]:
    return {v for t in looks.tables for v, _ in t.column("user").samples}


@pytest.mark.parametrize("below", ["", "orders", "lake/orders"])
def test_init_and_the_chain_read_the_files_that_the_log_names(tmp_path: Path, below: str) -> None:
    delta(tmp_path / below)
    looks = LocalLooks(tmp_path)
    assert users(looks) == {"u1"}
    assert looks.left_out == [(below or ".", "files that the log of this Delta table no longer counts: 1")]
    for pattern in (looks.tables[0].path, f"{below}/*.parquet".lstrip("/"), "**/*.parquet"):
        found = local_files(looks.root, pattern)
        assert [f.name.rsplit("/", 1)[-1][:10] for f in found] == ["part-00001"]


def test_what_lies_beside_a_delta_table_is_read_too(tmp_path: Path) -> None:
    delta(tmp_path / "orders")
    part(tmp_path, "clicks.parquet", "u7")
    assert users(LocalLooks(tmp_path)) == {"u1", "u7"}
    assert users(LocalLooks(tmp_path / "orders")) == {"u1"}


@pytest.mark.parametrize("parts", [1, 2])
def test_checkpoints_stand_for_the_commits_before_them(tmp_path: Path, parts: int) -> None:
    added = [part(tmp_path, f"{n}.parquet", f"u{n}") for n in range(4)]
    actions = [{"add": {"path": a["path"]}, "metaData": None} for a in added[:3]] + [
        {"add": None, "metaData": {"configuration": []}}
    ]
    log = tmp_path / "_delta_log"
    log.mkdir()
    kind = pa.schema(
        [
            ("add", pa.struct([("path", pa.string())])),
            ("metaData", pa.struct([("configuration", pa.map_(pa.string(), pa.string()))])),
        ]
    )
    for n in range(parts):
        name = f"{10:020}.checkpoint.parquet" if parts == 1 else f"{10:020}.checkpoint.{n + 1:010}.{parts:010}.parquet"
        pq.write_table(pa.Table.from_pylist(actions[n::parts], schema=kind), log / name)
    commit(tmp_path, 10, {"add": added[3]})  # which the checkpoint holds already, or would
    commit(tmp_path, 11, {"remove": {"path": "1.parquet"}})
    assert sorted(p.name for p in live_files(tmp_path)) == ["0.parquet", "2.parquet"]
    assert users(LocalLooks(tmp_path)) == {"u0", "u2"}


@pytest.mark.parametrize(
    ("configuration", "more", "words"),
    [
        ({}, {"deletionVector": {"storageType": "u", "cardinality": 1}}, "deletion vectors"),
        ({"delta.columnMapping.mode": "name"}, {}, "column mapping"),
    ],
)
def test_delta_tables_whose_files_hold_more_than_their_rows_are_told(
    tmp_path: Path, configuration: dict[str, str], more: dict[str, Any], words: str
) -> None:
    delta(tmp_path / "orders", configuration, **more)
    with pytest.raises(IngestError, match=f"(?s)orders: it is a Delta table with {words}.*kind: delta.*fuserank fetch"):
        LocalLooks(tmp_path)
    with pytest.raises(IngestError, match=f"(?s)it is a Delta table with {words}.*kind: delta.*fuserank fetch"):
        local_files(str(tmp_path), "orders/*.parquet")


@pytest.mark.parametrize(
    ("marks", "kind"), [(["metadata/v1.metadata.json"], "Iceberg"), ([".hoodie/hoodie.properties"], "Hudi")]
)
def test_iceberg_and_hudi_are_told(tmp_path: Path, marks: list[str], kind: str) -> None:
    part(tmp_path, "orders/data/a.parquet", "u1")
    for mark in marks:
        path = tmp_path / "orders" / mark
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    with pytest.raises(IngestError, match=f"(?s)orders: it is a table of {kind}.*write it as Parquet"):
        LocalLooks(tmp_path)
    with pytest.raises(IngestError, match=f"(?s)it is a table of {kind}.*write it as Parquet"):
        local_files(str(tmp_path), "orders/**/*.parquet")


def test_a_log_that_lacks_commits_is_told(tmp_path: Path) -> None:
    delta(tmp_path)
    (tmp_path / "_delta_log" / f"{0:020}.json").unlink()
    with pytest.raises(IngestError, match="its Delta log lacks commits"):
        LocalLooks(tmp_path)


def test_a_path_tells_values_as_hive_writes_them() -> None:
    assert partition_values("a/day=2024-01-05/shop=k%C3%B6ln/x=1=2.csv") == {"day": "2024-01-05", "shop": "köln"}
    assert partition_values("day=__HIVE_DEFAULT_PARTITION__/p.csv") == {"day": None}
    assert hash_with_path("h", "day=1/p.csv", {"user"}) == "h"
    assert hash_with_path("h", "day=1/p.csv", {"day"}) != hash_with_path("h", "day=2/p.csv", {"day"})
