"""A disk that is too small is refused before anything starts, in one line with cause and cure."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fuserank.common.errors import FuserankError
from fuserank.pipeline.disk import Place, refuse_short
from tests.support.tinyshop import AS_OF, write_shop


def place(role: str = "the lake", device: int = 1, free: int = 100, needed: float = 60.0) -> Place:
    return Place(role, f"/{role[-4:]}", device, free, needed)


def test_places_on_disks_of_their_own_each_need_their_own_room() -> None:
    refuse_short([place(), place("Spark's local folder", device=2)])


def test_places_on_one_disk_need_room_for_both() -> None:
    with pytest.raises(FuserankError, match="too small") as caught:
        refuse_short([place(), place("Spark's local folder")])
    message = str(caught.value)
    assert "\n" not in message
    assert "--lake" in message
    assert "spark.local.dir" in message


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 256 kB: a real one where this user may mount it, else one that says so of itself."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=256 << 10))
    yield folder
    if not mounted.returncode:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shop(tmp_path / "shop")
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "shop" / "conf"))


@pytest.mark.usefixtures("shop")
def test_refresh_begins_nothing_where_the_lake_does_not_fit(
    small_disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fuserank.io.runtime import session
    from fuserank.jobs.refresh import main

    def started(*_: object) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr(session, "start", started)
    line = ["--dataset", "tinyshop", "--as-of", AS_OF, "--lake", str(small_disk / "lake")]
    assert main(line) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "the disk is too small: the run needs about" in message
    assert str(small_disk) in message
    assert not (small_disk / "lake").exists()
    with pytest.raises(AssertionError, match="was started"):
        main([*line, "--set", "run.check_disk=false"])


@pytest.mark.usefixtures("shop")
def test_plan_shows_the_numbers_and_then_refuses_where_the_disk_is_too_small(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from fuserank.cli.plan import plan

    with pytest.raises(FuserankError, match="too small"):
        plan(dataset="tinyshop", as_of=AS_OF, lake=str(small_disk / "lake"), as_json=True)
    found = json.loads(capsys.readouterr().out)
    lake = next(d for d in found["disks"] if d["role"] == "the lake")
    assert lake["needed_bytes"] > 256 << 10 >= lake["free_bytes"]
