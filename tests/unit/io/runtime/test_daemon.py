"""The warm parent of Python workers: used by the session, and harmless."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def evaluated(spark: SparkSession, *questions: str) -> list[Any]:
    """What Python expressions give in a worker, one after the other."""

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            pass
        names: dict[str, Any] = {}
        for question in questions[:-1]:
            exec(question, names)
        yield pa.RecordBatch.from_arrays([pa.array([str(eval(questions[-1], names))])], names=["answer"])

    return [row["answer"] for row in spark.range(0, 4, 1, 2).mapInArrow(answer, "answer string").collect()]


def test_workers_come_from_it_with_their_imports_frozen(spark: SparkSession) -> None:
    parents = evaluated(spark, "import sys", "sys.modules['__main__'].__spec__.name")
    assert parents == ["fuserank.io.runtime.daemon"] * 2
    frozen = evaluated(spark, "import gc", "gc.get_freeze_count()")
    assert all(int(count) > 50_000 for count in frozen)  # pandas alone is more


def test_reading_the_zip_of_pyspark_again_costs_nothing(spark: SparkSession) -> None:
    seconds = evaluated(
        spark,
        "import importlib, time",
        "t = time.process_time(); importlib.invalidate_caches()",
        "time.process_time() - t",
    )
    assert all(float(s) < 0.02 for s in seconds)  # 65 ms and more with pyspark's own


def test_a_module_added_while_the_workers_live_is_found(spark: SparkSession, tmp_path: Path) -> None:
    evaluated(spark, "import os", "os.getpid()")
    for number in (1, 2):
        place = tmp_path / f"added_{number}.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr(f"fuserank_added_{number}.py", f"VALUE = {number}")
        spark.sparkContext.addPyFile(str(place))
        assert evaluated(spark, f"import fuserank_added_{number} as m", "m.VALUE") == [str(number)] * 2
