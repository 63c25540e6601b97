"""A folder that others put files into: every content once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fuserank.config.mapping.connect import FolderConfig
from fuserank.sources.connectors.folder import FolderConnector
from fuserank.sources.connectors.landing import FetchError, land


def test_new_contents_of_a_folder_come_once_whatever_their_name(tmp_path: Path) -> None:
    drop, target = tmp_path / "drop", tmp_path / "landing"
    drop.mkdir()
    for name, text in (
        ("a.csv", "1"),
        ("b.csv", "2"),
        ("again.csv", "1"),
        ("c.txt", "3"),
        (".b.csv", "4"),
        ("_x.csv", "5"),
    ):
        (drop / name).write_text(text)
    config = FolderConfig(kind="folder", path=str(drop), pattern="*.csv", settle_seconds=0)
    assert land(FolderConnector(config), target).files == 2
    (drop / "b.csv").rename(drop / "z.csv")
    (drop / "d.csv").write_text("4")
    assert land(FolderConnector(config), target).files == 1
    assert [(f.name, f.read_text()) for f in sorted(target.glob("*.csv"))] == [
        ("000000001-a.csv", "1"),
        ("000000002-b.csv", "2"),
        ("000000003-d.csv", "4"),
    ]
    assert land(FolderConnector(config), target).files == 0


def test_a_file_that_is_still_being_written_waits_for_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.csv").write_text("1")
    config = FolderConfig(kind="folder", path=str(tmp_path / "drop"))
    assert land(FolderConnector(config), tmp_path / "landing").files == 0
    assert land(FolderConnector(config, now=lambda: time.time() + 60), tmp_path / "landing").files == 1
    with pytest.raises(FetchError, match=r"is not there; fix connect\.path"):
        land(FolderConnector(FolderConfig(kind="folder", path=str(tmp_path / "no"))), tmp_path / "landing")
