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
        ("train.reader=arrow", "train.reader: Input should be 'petastorm' or 'pyarrow'"),
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


def test_today_is_the_utc_day_on_which_it_runs() -> None:
    from fuserank.cli.options import settings

    before = dt.datetime.now(dt.UTC).date()
    found = settings("local", "today", None, None).as_of
    assert before <= found <= dt.datetime.now(dt.UTC).date()


def test_days_before_is_counted_from_as_of_given_or_not() -> None:
    from fuserank.jobs._main import parser, settings_from

    def as_of(*words: str) -> dt.date:
        return settings_from(parser("job", None).parse_args(list(words))).as_of

    assert as_of("--as-of", "2017-12-04", "--days-before", "28") == dt.date(2017, 11, 6)
    assert as_of("--days-before", "1") == load("local").as_of - dt.timedelta(days=1)
