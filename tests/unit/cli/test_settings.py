"""Settings: layers, overrides, and words for what is wrong."""

from __future__ import annotations

import datetime as dt

import pytest

from fuserank.config.settings import SettingsError, load
from fuserank.jobs._main import guarded


def test_an_override_reaches_its_section_with_its_type() -> None:
    settings = load("local", ["ranking.k=7", "as_of=2017-10-02", "train.use_gpu=false"])
    assert (settings.ranking.k, settings.as_of, settings.train.use_gpu) == (7, dt.date(2017, 10, 2), False)


@pytest.mark.parametrize("env", ["local", "cluster", "databricks"])
def test_every_environment_loads(env: str) -> None:
    assert load(env).env == env


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("ranking.kk=7", "ranking.kk: Extra inputs are not permitted"),
        ("nonsense=1", "nonsense: Extra inputs are not permitted"),
        ("ranking.k=many", "ranking.k: Input should be a valid integer"),
        ("as_of=soon", "as_of:"),
        ("ranking.k", "write section.key=value"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(override: str, words: str, capsys) -> None:
    assert guarded(lambda: load("local", [override])) == 2
    assert words in capsys.readouterr().err


def test_an_unknown_environment_names_the_ones_there_are() -> None:
    with pytest.raises(SettingsError, match=r"local\.yaml"):
        load("moon")
