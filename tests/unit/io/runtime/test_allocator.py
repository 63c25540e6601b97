"""Freed memory that a process keeps is not mapped again; what another one gives back leaves it small."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from fuserank.io.runtime.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    np.ones(8_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(8_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


GIVEN_BACK = """
import numpy as np
import pyarrow as pa
from fuserank.io.runtime.allocator import give_freed_memory_back, resident_bytes

small = resident_bytes()
parts, rows = [np.ones(1_000) for _ in range(20_000)], pa.array(range(10_000_000))
parts, rows = parts[-1:], None  # what stays lies behind what is freed
large = resident_bytes()
give_freed_memory_back()
print(large - small, resident_bytes() - small)
"""


def faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_memory_that_is_kept_is_not_mapped_again() -> None:
    assert faults("keep") < 100
    assert faults("as it comes") > 100


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_memory_that_is_given_back_leaves_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=True)
    large, left = map(int, done.stdout.split())
    assert large > 50_000_000
    assert left < large / 2
