"""One lazily started Spark session for the whole run; a fresh lake for every test that asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.support.jvm import OF_TESTS, TWO_SLOTS
from tests.support.lakes import fresh
from tests.support.tinychain import made

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

# Where this is set, each of the hundreds of processes that tests start compiles all
# that it imports: torch alone takes 3 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("SPARK_SUBMIT_OPTS", OF_TESTS)  # of this session's JVM, and of every one that a test starts


hypothesis.settings.register_profile("busy", deadline=None)  # other work beside a test is no fault of its own
hypothesis.settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of the tiny chain first, then those that need a JVM; what is short fills gaps at the end."""
    jvm = {item.path for item in items if "spark" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: 0 if needs_the_chain(item.path) else 1 if item.path in jvm else 2)


@cache
def needs_the_chain(file: Path) -> bool:
    """Whether tests of a file start from the tiny chain, which takes minutes to make."""
    return "tiny_chain" in file.read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests share their fixtures, so a worker gets it whole; and one
    worker all that start from the tiny chain.
    """
    from xdist.scheduler import LoadFileScheduling

    class Whole(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "tiny chain" if needs_the_chain(config.rootpath / file) else file

    return Whole(config, log)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from fuserank.config.settings import load
    from fuserank.io.runtime.session import apply_runtime, start

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
    from fuserank.io.lake.lake import Lake

    return Lake(spark, str(tmp_path / "lake"), run_id="test-run")
