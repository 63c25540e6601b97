"""What executors answer, and what is made of it: each thing that is wrong in one line with its cure."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.io.runtime.executor_check import Answer, ask_executors, problems_of, read_answer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DRIVER = {"python": "3.11.9", "fuserank": "0.2.0", "pyarrow": "12.0.1"}
GOOD = Answer(
    "node1",
    "/scratch/0",
    "17.0.9",
    "/usr/bin/python3.11",
    path="/usr/bin/python3.11",
    prefix="/scratch/0/environment",
    version="3.11.2",
    packages={"fuserank": "0.2.0", "pyarrow": "12.0.1"},
)
PYTHON = "./environment/bin/python"


def test_an_executor_that_has_all_is_not_complained_of() -> None:
    assert problems_of([GOOD], DRIVER, PYTHON) == []  # only the minor version counts


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"java": "11.0.2"}, "node1: its executor runs on Java 11.0.2; 17 or 21 is needed"),
        (
            {"failure": "sh: 1: ./environment/bin/python: not found"},
            "a link to /usr/bin/python3.11, does not start (sh: 1: ./env",
        ),
        ({"version": "3.10.4"}, "is Python 3.10.4, and the driver's is 3.11.9"),
        ({"packages": {"fuserank": None, "pyarrow": "12.0.1"}}, "has no fuserank; bring it by --archive"),
        ({"packages": {"fuserank": "0.0.9", "pyarrow": "12.0.1"}}, "has fuserank 0.0.9, and the driver has 0.2.0"),
        ({"packages": {"fuserank": "0.2.0", "pyarrow": "17.0.0"}}, "has pyarrow 17.0.0, and the driver has 12.0.1"),
        ({"broken": "ImportError: libz.so.1"}, "can't import fuserank (ImportError: libz.so.1)"),
    ],
)
def test_what_is_wrong_with_an_executor_is_one_line(change: dict[str, Any], words: str) -> None:
    found = problems_of([GOOD, replace(GOOD, **change)], DRIVER, PYTHON)
    assert len(found) == 1
    assert words in found[0]
    assert "\n" not in found[0]


def test_words_before_the_answer_and_a_python_that_does_not_start_are_read() -> None:
    answer = json.dumps({"path": "/p", "prefix": "/x", "version": "3.11.1", "packages": {}, "broken": None})
    assert read_answer(f"h\t/w\t[17.0.9]\t/p\tDeprecationWarning: x {answer} ").java == "17.0.9"
    assert read_answer("h\t/w\t[17.0.9]\t\tsh: 1: /no/python: not found ").failure == "sh: 1: /no/python: not found"


def test_the_executor_of_local_mode_answers(spark: SparkSession) -> None:
    (mine,) = ask_executors(spark, sys.executable)
    assert (mine.version, mine.failure, mine.broken) == (platform.python_version(), None, None)
    assert mine.packages == {"fuserank": version("fuserank"), "pyarrow": version("pyarrow")}
    (lost,) = ask_executors(spark, "/no/such/python")
    assert "/no/such/python" in (lost.failure or "")
    assert problems_of([lost], DRIVER, "/no/such/python")
