"""Lakes to start a test from, in memory: what a rule gives needs no files, where commits take most of a write."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fuserank.io.lake import memory_place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

_NUMBERS = itertools.count()


def fresh_root() -> str:
    """The root of a lake in memory that no other test has."""
    return f"memory:test-{next(_NUMBERS)}"


def fresh(spark: SparkSession, run_id: str = "test-run") -> Lake:
    """An empty lake in memory."""
    from fuserank.io.lake.lake import Lake

    return Lake(spark, fresh_root(), run_id)


def copied(root: str) -> str:
    """The root of a lake in memory with all that ``root`` has; what is written to one is not in the other."""
    source, to = memory_place.LAKES[root], fresh_root()
    memory_place.LAKES[to].transactions.update(source.transactions)
    memory_place.LAKES[to].commits.update({name: list(commits) for name, commits in source.commits.items()})
    return to
