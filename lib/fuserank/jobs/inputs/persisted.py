"""Rows that a job reads more than once, persisted until its block ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Keep = Callable[["DataFrame"], "DataFrame"]  # persists a frame that is read more than once


def held(stack: ExitStack, rows: DataFrame) -> DataFrame:
    """``rows`` persisted; ``stack`` lets go of them when it closes, however it does."""
    persisted = rows.persist()
    stack.callback(persisted.unpersist)
    return persisted
