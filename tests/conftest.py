"""One lazily started Spark session for the whole run; a fresh lake for every test that asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.io.lake import Lake


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
