"""Two runs on one lake: the second waits, or says who holds it; a dead holder holds nothing."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from fuserank.io.lake.lock import LakeHeld, LakeReadOnly, exclusive

HOLD = """
import sys, time
from fuserank.io.lake.lock import exclusive
with exclusive(sys.argv[1], "refresh run A", "2017-12-04T00:00:00", 0, print):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    yield process
    process.kill()
    process.wait()


def test_the_second_run_says_who_holds_the_lake(tmp_path, holder) -> None:
    with (
        pytest.raises(LakeHeld, match=rf"refresh run A \(pid {holder.pid}, since 2017"),
        exclusive(str(tmp_path), "B", "now", 0, print),
    ):
        pass


def test_a_killed_holder_frees_the_lake_for_a_run_that_waits(tmp_path, holder) -> None:
    messages: list[str] = []
    holder.kill()
    started = time.monotonic()
    with exclusive(str(tmp_path), "B", "now", 20, messages.append):
        assert time.monotonic() - started < 20


def test_a_root_that_cannot_be_written_is_told_with_what_the_system_says(tmp_path) -> None:
    (tmp_path / "file").touch()
    for root, words in ((f"{tmp_path}/file/lake", "Not a directory"), ("/proc/lake", "No such file")):
        with (
            pytest.raises(LakeReadOnly, match=rf"cannot be written \({words}.*--lake"),
            exclusive(root, "B", "now", 0, print),
        ):
            pass


def test_what_has_no_scheme_is_a_folder_and_is_locked() -> None:
    from fuserank.io.lake.places import is_local

    assert all(map(is_local, ("lake", "/data/a:b/lake", "file:/lake", "file:///lake")))
    assert not any(map(is_local, ("s3a://shop/lake", "dbfs:/lake", "catalog:main.shop")))
