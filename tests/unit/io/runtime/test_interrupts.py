"""Ctrl-C ends a run in order, wherever its main thread is."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fuserank.common.guarded import guarded
from fuserank.io.runtime.interrupts import Interrupted, interruptible

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

LONG = 60


def slow(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    time.sleep(LONG)
    yield from batches


def job(spark: SparkSession) -> None:
    spark.range(1, numPartitions=1).mapInArrow(slow, "id long").collect()


def in_threads(spark: SparkSession) -> None:
    """Three jobs, one after another: the later ones are started after the signal."""
    with ThreadPoolExecutor(1) as pool:
        for future in [pool.submit(job, spark) for _ in range(3)]:
            future.result()


@pytest.mark.parametrize("work", [job, in_threads])
def test_a_signal_ends_jobs_and_leaves_a_session_that_works(
    spark: SparkSession, work: Callable[[SparkSession], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def body() -> None:
        with interruptible(spark):
            work(spark)

    begun, before = time.monotonic(), signal.getsignal(signal.SIGINT)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert guarded(body) == Interrupted.exit_code == 130
    assert time.monotonic() - begun < LONG / 2
    assert "ended by Ctrl-C; what was committed stands" in capsys.readouterr().err
    assert spark.range(3).count() == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_without_a_signal_stays_as_it_is(spark: SparkSession) -> None:
    with pytest.raises(ZeroDivisionError), interruptible(spark):
        _ = 1 / 0
