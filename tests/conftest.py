"""One lazily started Spark session for the whole run; a fresh lake for every test that asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.jvm import OF_TESTS, TWO_SLOTS
from tests.support.lakes import fresh
from tests.support.tinychain import made

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from fuserank.io.lake import Lake

# Where this is set, each of the hundreds of processes that tests start compiles all that it imports: torch alone takes 3 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("SPARK_SUBMIT_OPTS", OF_TESTS)  # of this session's JVM, and of every one that a test starts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share their fixtures, so a worker gets it whole; files of the tiny chain go together, and first."""
    fixtures = {item: set(getattr(item, "fixturenames", ())) for item in items}
    chain = {item.path for item, names in fixtures.items() if "tiny_chain" in names}
    jvm = {item.path for item, names in fixtures.items() if "spark" in names}
    for item in items:
        group = "tiny chain" if item.path in chain else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: 0 if item.path in chain else 1 if item.path in jvm else 2)  # what is short fills gaps


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from fuserank.config.settings import load
    from fuserank.io.session import apply_runtime, start

    with pytest.MonkeyPatch.context() as patch:  # of this JVM alone: what tests start says its own
        patch.setenv("PYSPARK_SUBMIT_ARGS", TWO_SLOTS)
        session = start("fuserank-tests")
    apply_runtime(session, load("local", ["dataset=completejourney"]).spark)  # as every run does
    yield session
    session.stop()


@pytest.fixture(scope="session")
def tiny_chain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop with the lake and the report of a whole run; the files that use it go to one worker."""
    return made(tmp_path_factory.mktemp("tiny-chain"))


@pytest.fixture
def lake(spark: SparkSession) -> Lake:
    """An empty lake in memory: for what is not about files."""
    return fresh(spark)


@pytest.fixture
def delta_lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty lake in a folder, of Delta tables."""
    from fuserank.io.lake import Lake

    return Lake(spark, str(tmp_path / "lake"), run_id="test-run")
