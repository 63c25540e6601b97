"""Parquet as pandas, numpy and others write it: what init takes a column for, and what the chain reads, agree."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.sources.files.read import FoundFile, hashed, read_file
from fuserank.sources.onboarding.scan.folder import LocalLooks
from fuserank.spellings.casting import accepts, typed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

N = 40
TIMES = [dt.datetime(2023, 1, 1, 6) + dt.timedelta(hours=7 * k, seconds=k) for k in range(N)]  # noqa: DTZ001  # as a column without a zone holds them
IDS = [100 + k % 7 for k in range(N)]
UUIDS = [uuid.UUID(int=7 + k % 7) for k in range(N)]


def nanoseconds(zone: str | None) -> pa.Array:
    return pa.array(TIMES, pa.timestamp("us")).cast(pa.timestamp("ns", zone))


# name: cells, the type that a mapping declares, what the chain makes of the second row
CASES: dict[str, tuple[pa.Array, str, Any]] = {
    "ids_as_float": (
        pa.array([None if k % 9 == 0 else float(i) for k, i in enumerate(IDS)], pa.float64()),
        "long",
        101,
    ),
    "ids_as_float32": (pa.array([float(i) for i in IDS], pa.float32()), "long", 101),
    "ids_with_nan": (
        pa.array([float("nan") if k % 9 == 0 else float(i) for k, i in enumerate(IDS)], pa.float64()),
        "long",
        101,
    ),
    "bytes": (pa.array([f"ü{i}".encode() for i in IDS], pa.binary()), "string", "ü101"),
    "large_bytes": (pa.array([f"u{i}".encode() for i in IDS], pa.large_binary()), "string", "u101"),
    "fixed_bytes": (pa.array([f"u{i}".encode() for i in IDS], pa.binary(4)), "string", "u101"),
    "large_text": (pa.array([f"u{i}" for i in IDS], pa.large_string()), "string", "u101"),
    "category": (pa.array([f"u{i}" for i in IDS]).dictionary_encode(), "string", "u101"),
    "decimal": (pa.array([decimal.Decimal(i) for i in IDS], pa.decimal128(20, 0)), "string", "101"),
    "uint8": (pa.array(IDS, pa.uint8()), "string", "101"),
    "uint64": (pa.array(IDS, pa.uint64()), "string", "101"),
    "uuid": (pa.array([u.hex for u in UUIDS]), "string", UUIDS[1].hex),
    "date32": (pa.array([t.date() for t in TIMES], pa.date32()), "date", TIMES[1].date()),
    "nanoseconds": (nanoseconds(None), "timestamp", TIMES[1]),
    "nanoseconds_utc": (nanoseconds("UTC"), "timestamp", TIMES[1]),
    "nanoseconds_berlin": (nanoseconds("Europe/Berlin"), "timestamp", TIMES[1]),
    "milliseconds": (pa.array(TIMES, pa.timestamp("ms")), "timestamp", TIMES[1].replace(microsecond=0)),
    "epoch_as_float": (
        pa.array([t.replace(tzinfo=dt.UTC).timestamp() for t in TIMES], pa.float64()),
        "epoch_seconds",
        TIMES[1],
    ),
    "clock": (pa.array([t.time() for t in TIMES], pa.time64("us")), "string", "13:00:01"),
    "clock_millis": (pa.array([t.time() for t in TIMES], pa.time32("ms")), "string", "13:00:01"),
}
INIT_TAKES = {
    "string": {"text", "integer", "number"},
    "long": {"integer"},
    "date": {"date"},
    "timestamp": {"timestamp"},
    "epoch_seconds": {"integer"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parquet")
    more = {
        "__index_level_0__": pa.array(range(N)),
        "nothing": pa.nulls(N),
        "took": pa.array(range(N), pa.duration("ns")),
    }
    pq.write_table(pa.table({n: c for n, (c, *_) in CASES.items()} | more), made / "events.parquet", version="2.6")
    return made


def test_init_takes_each_type_for_what_the_mapping_declares(folder: Path) -> None:
    (table,) = LocalLooks(folder).tables
    for name, (_, declared, _) in CASES.items():
        column = table.column(name)
        assert column.found in INIT_TAKES[declared], name
        if declared == "long":
            assert column.whole_floats, name
            assert {"101", "106"} <= {v for v, _ in column.samples}, name
    assert {v for v, _ in table.column("bytes").samples} == {f"ü{i}" for i in IDS}
    assert table.column("ids_with_nan").filled == sum(k % 9 != 0 for k in range(N))


def test_the_chain_reads_each_type_as_declared(folder: Path, spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    found: dict[str, str] = {}
    file = hashed(spark, FoundFile(str(folder / "events.parquet"), "events.parquet"))
    frame = read_file(spark, file, "parquet", {}, found.update, declared=set(CASES))
    assert {"nothing", "took", "__index_level_0__"} <= set(found)
    for name, (_, declared, _) in CASES.items():
        assert accepts(found[name], declared), (name, found[name])
    cells = [typed(F.col(n), found[n], declared).alias(n) for n, (_, declared, _) in CASES.items()]
    rows = frame.orderBy("_row").select(*cells).collect()
    assert rows[1].asDict() == {n: value for n, (*_, value) in CASES.items()}
    assert rows[0]["ids_as_float"] is rows[0]["ids_with_nan"] is None
