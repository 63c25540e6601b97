"""What is known of a run before it: sizes of files, the ledger read without Spark, what is in already."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import IngestError
from fuserank.history.recurrence import Recurrence
from fuserank.io.lake import survey
from fuserank.pipeline.plan import last_counted
from fuserank.sources.files import sizes
from tests.support.tinyshop import AS_OF, purchases, write_shop

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake


def test_parquet_rows_come_from_the_footer_and_text_rows_from_the_length_of_lines(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": list(range(123))}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("n\n" + "12345\n" * 300_000, encoding="utf-8")
    (size,) = sizes.source_sizes(str(tmp_path), "*.parquet", "parquet")
    assert (size.name, size.rows, size.bytes) == ("a.parquet", 123, (tmp_path / "a.parquet").stat().st_size)
    (text,) = sizes.source_sizes(f"file://{tmp_path}", "b.csv", "csv")
    assert text.rows == pytest.approx(300_001, rel=0.001)


def test_a_file_that_is_not_there_or_not_parquet_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no", encoding="utf-8")
    for pattern, message in (("b.parquet", "not there"), ("a.parquet", "cannot be read")):
        with pytest.raises(IngestError, match=message):
            sizes.source_sizes(str(tmp_path), pattern, "parquet")


def test_files_elsewhere_are_listed_by_hadoop(spark: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": list(range(7))}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("n\n1\n2\n", encoding="utf-8")
    found = [sizes._remote_sizes(spark, f"file:{tmp_path}", f"*.{form}", form) for form in ("parquet", "csv")]
    assert [(f.name, f.rows) for (f,) in found] == [("a.parquet", 7), ("a.csv", 3)]


def test_the_ledger_is_read_without_spark_past_a_checkpoint_of_its_log(delta_lake: Lake) -> None:
    from fuserank.tables.ops import INGESTED
    from fuserank.tables.spark import schema

    for n in range(5):
        row = (
            "bronze",
            "shop",
            "sales",
            "silver.events",
            f"{n:02}",
            "1",
            f"sales-{n % 3}.csv",
            1,
            dt.datetime(2024, 1, 1 + n, tzinfo=dt.UTC),
            "r",
        )
        delta_lake.append(INGESTED, delta_lake.spark.createDataFrame([row], schema(INGESTED)).coalesce(1))
        if n == 0:  # Delta would write one every ten commits
            often = "SET TBLPROPERTIES (delta.checkpointInterval = 4)"
            delta_lake.spark.sql(f"ALTER TABLE {delta_lake.name(INGESTED)} {often}")
    folder = Path(delta_lake.root) / "ops" / "ingested"
    assert list((folder / "_delta_log").glob("*.checkpoint.parquet"))
    (folder / "left-behind.parquet").write_bytes(b"of a write that never ended")
    assert {p.name for p in survey.live_files(folder)} == {Path(f).name for f in delta_lake.files(INGESTED)}
    taken = survey.ingested(delta_lake.root, "shop")
    assert taken["sales", "sales-1.csv"] == dt.datetime(2024, 1, 5, tzinfo=dt.UTC)  # it came on the second, too
    assert survey.ingested(delta_lake.root, "another shop") == {}


def test_a_lake_that_is_not_there_has_no_former_runs(tmp_path: Path) -> None:
    assert survey.runs(str(tmp_path / "nowhere")) == []


def test_spark_puts_its_shuffles_where_environment_and_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_LOCAL_DIRS", raising=False)
    assert survey.local_dirs({"spark.local.dir": "/a,/b"}) == [Path("/a"), Path("/b")]
    monkeypatch.setenv("SPARK_LOCAL_DIRS", "/c")
    assert survey.local_dirs({"spark.local.dir": "/a"}) == [Path("/c")]


def test_plan_tells_of_every_step_in_plain_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fuserank.cli.plan import plan

    write_shop(tmp_path / "shop")
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "shop" / "conf"))
    arguments: dict[str, Any] = {"dataset": "tinyshop", "as_of": AS_OF, "lake": str(tmp_path / "lake"), "as_json": True}
    plan(**arguments)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "dataset",
        "as_of",
        "lake",
        "shop",
        "machine",
        "stages",
        "tables",
        "total",
        "disks",
        "repeats",
        "auto",
    }
    assert found["auto"] == {"als": "the data decides, in the run: weight"}  # there is no lake yet
    assert set(found["stages"][0]) == {
        "stage",
        "rows",
        "bytes",
        "memory_bytes",
        "shuffle_bytes",
        "seconds",
        "minutes",
        "ledger_factor",
    }
    assert [s["stage"] for s in found["stages"]][:3] == ["bronze", "silver", "quality"]
    assert found["shop"]["events"] == pytest.approx(len(purchases()), rel=0.01)
    assert found["shop"]["said_by"] == {"users": "the coefficients", "items": "the coefficients"}
    assert found["total"]["seconds"] <= sum(s["seconds"] for s in found["stages"])
    plan(**arguments, overrides=["run.check_disk=false"], events=10**9, users=10**6, items=10**5, cores=64)
    large = json.loads(capsys.readouterr().out)
    plan(**arguments, overrides=["candidates.sources=[repeat,item_cf]"])  # of a lake that is not there yet
    assert json.loads(capsys.readouterr().out)["auto"]["item_cf"].startswith("the data decides, in the run: ")
    assert large["shop"] | {"input_bytes": 0} == {
        "events": 10**9,
        "users": 10**6,
        "items": 10**5,
        "promotions": 0,
        "input_bytes": 0,
        "said_by": {"users": "you", "items": "you"},
    }
    assert large["tables"]["silver.events"] == pytest.approx(10**9, rel=0.001)
    assert large["machine"]["cores"] == 64


def test_the_last_run_that_counted_pairs_tells_of_a_lake_that_lies_elsewhere() -> None:
    def ranked(state: str, pairs: int) -> dict[str, Any]:
        return {"state": state, "metrics": {"ranking.pairs": float(pairs), "ranking.recurring_pairs": 3.0}}

    other = {"state": "succeeded", "metrics": {"ranking.k": 10.0}}
    assert last_counted([ranked("succeeded", 5), ranked("succeeded", 9), ranked("failed", 11), other]) == Recurrence(
        9, 3
    )
    assert last_counted([other]) is None
