"""Where settings come from: what ships, over it a project's conf/ that says only what differs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fuserank.config import places
from fuserank.config.mapping.load import load_dataset
from fuserank.config.places import SettingsError, conf_dir, defaults, own_conf
from fuserank.config.settings import load
from tests.support.golden import ROOT


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that a shell stands in."""
    monkeypatch.delenv("FUSERANK_CONF", raising=False)
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.fixture
def installed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """fuserank as if from a wheel, with its defaults inside."""
    package = tmp_path / "site-packages" / "fuserank"
    shutil.copytree(ROOT / "conf", package / "defaults" / "conf")
    monkeypatch.setattr(places, "_PACKAGE", package)
    return package


def test_in_a_checkout_the_defaults_are_the_checkouts() -> None:
    assert defaults() == ROOT
    assert conf_dir().resolve() == ROOT / "conf"
    assert own_conf().resolve() == ROOT / "conf"


def test_a_package_without_its_defaults_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_PACKAGE", tmp_path / "lib" / "fuserank")
    with pytest.raises(
        SettingsError, match=r"no conf/base\.yaml in .*/lib/fuserank/defaults or .*; install fuserank again"
    ):
        defaults()


def test_without_a_project_all_is_as_it_ships_and_commands_write_beside_the_shell(
    installed: Path, project: Path
) -> None:
    assert load("cluster").candidates.max_rows is None
    assert conf_dir() == installed / "defaults" / "conf"
    assert own_conf() == project / "conf"
    assert load_dataset("completejourney").name == "completejourney"


def test_a_project_says_what_differs_and_counts_before_all_that_ships(installed: Path, project: Path) -> None:
    written(
        project / "conf",
        {
            "base.yaml": "lake: of-the-base\nout: of-the-base\nranking: {k: 7}\n",
            "env/local.yaml": "out: of-the-env\nsubmit: {spark.driver.memory: 9g}\n",
        },
    )
    found = load("local", ["ranking.k=8"])
    assert (found.lake, found.out, found.ranking.k) == ("of-the-base", "of-the-env", 8)
    assert found.seed == load("cluster").seed == 20171204
    assert found.submit["spark.driver.memory"] == "9g"
    assert found.submit["spark.sql.session.timeZone"] == "UTC"
    assert load("cluster").submit["spark.driver.memory"] == "4g"
    assert own_conf() == project / "conf"


@pytest.mark.parametrize("file", ["base.yaml", "env/local.yaml", "datasets/shop.yaml", "tuned/shop.yaml"])
def test_one_file_makes_a_conf_of_a_folder(file: str, installed: Path, project: Path) -> None:
    written(project / "conf", {file: ""})
    assert conf_dir() == project / "conf"


def test_another_tools_conf_folder_is_none(installed: Path, project: Path) -> None:
    written(project / "conf", {"nginx.conf": ""})
    assert conf_dir() == installed / "defaults" / "conf"


@pytest.mark.parametrize("folder", ["jobs", "notebooks"])
def test_jobs_and_notebooks_find_the_conf_beside_them(
    folder: str, installed: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(project, {"conf/base.yaml": "ranking: {k: 7}\n", f"{folder}/x.py": ""})
    monkeypatch.chdir(project / folder)
    assert load().ranking.k == 7


def test_a_projects_mapping_counts_before_the_one_that_ships(installed: Path, project: Path) -> None:
    text = (ROOT / "conf" / "datasets" / "completejourney.yaml").read_text(encoding="utf-8")
    written(
        project / "conf",
        {
            "datasets/completejourney.yaml": text.replace("time_zone: ", "time_zone: Europe/Berlin  # "),
            "datasets/mine.yaml": text.replace("name: completejourney", "name: mine") + "\nas_of: 2017-11-01\n",
        },
    )
    assert load_dataset("completejourney").time_zone == "Europe/Berlin"
    assert str(load("local", ["dataset=mine"]).as_of) == "2017-11-01"
    (project / "conf" / "datasets" / "completejourney.yaml").unlink()
    assert load_dataset("completejourney").time_zone != "Europe/Berlin"


def test_what_is_not_there_is_told_with_the_places_and_what_is(installed: Path, project: Path) -> None:
    written(project / "conf", {"datasets/mine.yaml": "", "env/night.yaml": ""})
    own, shipped = project / "conf", installed / "defaults" / "conf"
    with pytest.raises(SettingsError) as refused:
        load_dataset("yours")
    assert (
        str(refused.value)
        == f"datasets/yours.yaml is not in {own} nor in {shipped}; there are: completejourney.yaml, mine.yaml;"
        " `fuserank init FOLDER` makes one"
    )
    with pytest.raises(SettingsError) as refused:
        load("day")
    assert (
        str(refused.value)
        == f"env/day.yaml is not in {own} nor in {shipped}; there are: cluster.yaml, databricks.yaml, local.yaml,"
        " night.yaml"
    )


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_named_conf_that_is_none_is_refused(name: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "empty").mkdir()
    monkeypatch.setenv("FUSERANK_CONF", name)
    with pytest.raises(SettingsError, match=rf"FUSERANK_CONF={name} holds no base\.yaml, env/ or datasets/"):
        load()
