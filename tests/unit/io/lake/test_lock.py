"""Two runs on one lake: the second waits, or says who holds it; a dead holder holds nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from fuserank.io.lake.lock import STREAM, LakeHeld, LakeReadOnly, commits, exclusive

HOLD = """
import sys, time
from fuserank.io.lake.lock import commits, exclusive
with exclusive(sys.argv[1], "refresh run A", "2017-12-04T00:00:00", 0, print), commits(sys.argv[1]):
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


def test_a_stream_goes_on_beside_a_batch_run_and_waits_for_its_commits_alone(tmp_path, holder) -> None:
    root = str(tmp_path)
    with exclusive(root, "stream", "now", 0, print, STREAM):
        with pytest.raises(LakeHeld, match="is held by"), exclusive(root, "another stream", "now", 0, print, STREAM):
            pass
        with pytest.raises(LakeHeld, match=rf"is held by a write \(pid {holder.pid}"), commits(root, 0.1):
            pass
        holder.kill()
        with commits(root, 20), commits(root, 0):  # again within, as writes are in what holds them together
            pass


def test_threads_of_one_process_share_its_hold_of_commits(tmp_path) -> None:
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with commits(str(tmp_path)):
            inside.set()
            leave.wait(20)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    with commits(str(tmp_path), 0):
        leave.set()
        thread.join()
        code = "import sys; from fuserank.io.lake.lock import commits; commits(sys.argv[1], 0).__enter__()"
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True, text=True)
        assert "LakeHeld" in done.stderr  # though the thread that took it is gone
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
