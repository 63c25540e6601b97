"""One lazily started Spark session for the whole run; a fresh lake for every test that asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.jvm import OF_TESTS

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.io.lake import Lake

os.environ.setdefault("SPARK_SUBMIT_OPTS", OF_TESTS)  # of this session's JVM, and of every one that a test starts


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from fuserank.config.settings import load
    from fuserank.io.session import apply_runtime, start

    session = start("fuserank-tests")
    apply_runtime(session, load("local", ["dataset=completejourney"]).spark)  # as every run does
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    from fuserank.io.lake import Lake

    return Lake(spark, str(tmp_path / "lake"), run_id="test-run")
