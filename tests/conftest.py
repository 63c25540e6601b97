"""One lazily started Spark session for the whole run; a fresh lake for every test that asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.jvm import SHORT_LIVED

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.io.lake import Lake

os.environ.setdefault("SPARK_SUBMIT_OPTS", SHORT_LIVED)  # of this session's JVM, and of every one that a test starts


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from fuserank.io.session import start

    session = start("fuserank-tests")
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    from fuserank.io.lake import Lake

    return Lake(spark, str(tmp_path / "lake"), run_id="test-run")
