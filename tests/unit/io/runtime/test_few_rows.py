"""A JVM and plans for few rows: what the environment and the session say is there again afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fuserank.io.runtime.few_rows import FEW_ROWS, SHORT_LIVED, for_few_rows, plain_plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OPTIONS = "SPARK_SUBMIT_OPTS"


def test_what_the_environment_asks_of_a_jvm_comes_last_and_so_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_OPTIONS, "-Dmine=1")
    with for_few_rows():
        words = os.environ[_OPTIONS].split()
    assert words == [*SHORT_LIVED.split(), *(f"-D{key}={value}" for key, value in FEW_ROWS.items()), "-Dmine=1"]
    assert os.environ[_OPTIONS] == "-Dmine=1"


def test_a_variable_that_was_not_there_goes_again_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_OPTIONS, raising=False)
    with pytest.raises(OSError, match="no Java"), for_few_rows():
        raise OSError("no Java")
    assert _OPTIONS not in os.environ


def test_a_session_plans_for_many_rows_again_afterwards(spark: SparkSession) -> None:
    names = ("spark.sql.adaptive.enabled", "spark.sql.shuffle.partitions")
    before = [spark.conf.get(name) for name in names]
    with plain_plans(spark):
        assert [spark.conf.get(name) for name in names] == ["false", "1"]
    assert [spark.conf.get(name) for name in names] == before
