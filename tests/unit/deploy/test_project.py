"""`fuserank new`: what a shop's folder holds, that commands work in it, what is refused."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from fuserank.cli.main import app
from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.config.places import conf_dir
from fuserank.config.settings import load
from tests.support.cli import ran
from tests.support.golden import ROOT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FUSERANK_CONF", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "My Shop"


def test_a_new_folder_holds_what_differs_and_what_starts_jobs(folder: Path) -> None:
    assert "next: cd My Shop" in ran("new", "My Shop").stdout
    assert yaml.safe_load((folder / "conf/base.yaml").read_text(encoding="utf-8")) == {"dataset": "my_shop"}
    assert [p.name for p in (folder / "conf/datasets").iterdir()] == ["README.md"]
    for part in ("jobs", "notebooks"):
        assert {p.name for p in (folder / part).iterdir()} == {p.name for p in (ROOT / part).glob("*.py")}
    assert {p.name for p in folder.iterdir()} >= {".ci", ".gitignore", "Makefile", "README.md"}
    assert len((folder / "README.md").read_text(encoding="utf-8").splitlines()) <= 12
    for name in ("README.md", ".ci/run"):  # what they tell is there
        named = "constraints.txt" in (folder / name).read_text(encoding="utf-8")
        assert named == (folder / "constraints.txt").is_file()


def test_a_file_on_the_way_is_named(folder: Path) -> None:
    folder.write_text("", encoding="utf-8")
    with pytest.raises(FuserankError, match="My Shop is a file, so My Shop/x cannot be made"):
        ran("new", "My Shop/x")


def test_settings_there_are_those_that_ship_but_for_the_data_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = load("local", ["as_of=2017-12-04"])
    ran("new", "My Shop")
    monkeypatch.chdir(folder)
    assert conf_dir() == folder / "conf"
    assert load("local", ["as_of=2017-12-04"]) == here.model_copy(update={"dataset": "my_shop"})
    with pytest.raises(FuserankError, match=r"datasets/my_shop\.yaml is not in .*`fuserank init FOLDER` makes one"):
        load_dataset("my_shop")


def test_init_writes_into_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("new", "My Shop")
    (folder / "files").mkdir()
    rows = "".join(f"u{n % 9},i{n % 7},2024-01-{1 + n % 28:02d}\n" for n in range(200))
    (folder / "files" / "sales.csv").write_text(f"user,item,day\n{rows}", encoding="utf-8")
    monkeypatch.chdir(folder)
    ran("init", "files", "--name", "my_shop", "--yes")
    assert load_dataset("my_shop").name == "my_shop"
    assert (folder / "conf/datasets/my_shop.yaml").is_file()


def test_a_mapping_that_ships_is_a_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran("new", "My Shop", "--from", "completejourney")
    monkeypatch.chdir(folder)
    assert load().dataset == "completejourney"
    assert (folder / "conf/datasets/completejourney.yaml").is_file()
    assert "fuserank init" not in (folder / "README.md").read_text(encoding="utf-8")


def test_what_cannot_be_made_is_refused_in_a_line_and_nothing_is_written(folder: Path) -> None:
    with pytest.raises(FuserankError, match=r"no mapping of 'nobodys' ships; there are: completejourney"):
        ran("new", "My Shop", "--from", "nobodys")
    assert not folder.exists()
    folder.mkdir()
    (folder / "mine.txt").write_text("")
    with pytest.raises(FuserankError, match="My Shop is there already, and not empty"):
        ran("new", "My Shop")
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]


def test_every_command_that_the_folder_tells_is_there_with_its_options(folder: Path) -> None:
    ran("new", "My Shop")
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    text = (
        (folder / "Makefile").read_text(encoding="utf-8").replace("$(FUSERANK)", "fuserank").replace("$(LAKE)", "lake")
    )
    text += (folder / "README.md").read_text(encoding="utf-8")
    lines = [
        shlex.split(line, comments=True)
        for line in text.splitlines()
        if line.startswith(("\tfuserank", "    fuserank"))
    ]
    assert len(lines) == 9
    for _, name, *words in lines:
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, name


def test_the_makefile_is_one(folder: Path) -> None:
    ran("new", "My Shop")
    alone = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}  # a make above says where it is
    words = ["make", "-n", "setup", "check", "recs", "report"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True, env=alone)
    assert done.stdout.splitlines() == [
        "fuserank setup",
        "fuserank check my_shop",
        "fuserank refresh --lake lake --report",
        "fuserank report --lake lake",
    ]
