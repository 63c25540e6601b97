"""Executors: slots counted, addresses and Pythons judged before a job waits for ever."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fuserank.io.runtime.executors import (
    ClusterError,
    await_slots,
    python_problem,
    refuse_bad_addresses,
    root_cause,
    slots,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_local_mode_has_as_many_slots_as_cores_and_all_are_free(spark: SparkSession) -> None:
    found = slots(spark)
    assert (found.total, found.executors) == (spark.sparkContext.defaultParallelism, 1)
    await_slots(spark, found.total, 5, "a test")


def test_slots_that_are_not_there_are_told_with_numbers_and_not_waited_for(spark: SparkSession) -> None:
    with pytest.raises(ClusterError, match=r"a test needs 99 free task slots at once; \d+ of \d+ on 1 executors"):
        await_slots(spark, 99, 0, "a test")


def own_address() -> str:
    """An address of this machine that is not the loopback; the datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(
    ("master_on", "driver_host", "words"),
    [
        ("127.0.0.1", "no-such-host.invalid", "is no known host; give a name or address that every worker reaches"),
        ("own", "127.0.0.1", "means this machine alone"),
        ("own", "localhost", "means this machine alone"),
        ("127.0.0.1", "127.0.0.1", ""),
        ("127.0.0.1", "", ""),
        ("nowhere", "", "no Spark master answers at spark://127.0.0.1:1; start it, or fix --master"),
    ],
)
def test_addresses_that_cannot_work_are_refused_before_spark_starts(
    spark: SparkSession, master_on: str, driver_host: str, words: str
) -> None:
    from pyspark import SparkConf

    try:
        address = own_address() if master_on == "own" else "127.0.0.1"
    except OSError:
        pytest.skip("this machine has no address but the loopback")
    with socket.create_server((address, 0)) as master:
        port = 1 if master_on == "nowhere" else master.getsockname()[1]
        conf = (
            SparkConf(loadDefaults=False).setMaster(f"spark://{address}:{port}").set("spark.driver.host", driver_host)
        )
        if not words:
            refuse_bad_addresses(conf)
            return
        with pytest.raises(ClusterError, match=words):
            refuse_bad_addresses(conf)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ('java.io.IOException: Cannot run program "/opt/py": error=2, No such file', "an executor can't start /opt/py"),
        (
            (
                "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in worker has"
                " different version: 3.10 than that in driver: 3.11, PySpark cannot run with different minor versions."
            ),
            "an executor's py is 3.10, the driver's 3.11",
        ),
        ("ModuleNotFoundError: No module named 'fuserank'", "an executor's py has no module fuserank"),
        (
            "Job aborted\nCaused by: java.io.EOFException: gone\n\tat x",
            "an executor's py can't work: java.io.EOFException: gone",
        ),
    ],
)
def test_what_is_wrong_with_an_executors_python_is_one_line(error: str, words: str) -> None:
    line = python_problem(error, "py")
    assert line.startswith(words)
    assert "name it by spark.pyspark.python" in line
    assert "\n" not in line


def test_the_root_cause_of_a_python_task_is_the_last_line_of_its_traceback() -> None:
    assert root_cause("Job aborted.\nTraceback\n  File x\nValueError: a: b\n\tat java") == "ValueError: a: b"
