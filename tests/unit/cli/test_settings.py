"""Settings: layers, overrides, and words for what is wrong."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from fuserank.config.settings import SettingsError, changed, load
from fuserank.jobs.inputs.command import guarded


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
        ("candidates.als.factors=yes", "candidates.als: Value error, factors is a number, not true"),
        ("candidates.members.ials.settings.factors=on", "factors is a number, not true"),
        ("ranking.k", "write section.key=value"),
        ("as_of=2024-13-01", "--set as_of: a value is a date that no calendar has"),
        ("spark={a: [", "--set spark: not YAML: expected the node content"),
        ("spark={a: x, a: y}", "--set spark: the key 'a' is there twice, lines 1 and 1; take one out"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(override: str, words: str, capsys) -> None:
    assert guarded(lambda: load("local", [override])) == 2
    assert words in capsys.readouterr().err


def test_settings_are_changed_by_path_and_checked_again() -> None:
    before = load("local")
    after = changed(before, {"train.epochs": 1, "model.hidden": [8], "seed": 5})
    assert (after.train.epochs, after.model.hidden, after.seed) == (1, (8,), 5)
    assert after.train.batch == before.train.batch
    assert changed(before, {}) == before
    with pytest.raises(ValidationError, match=r"train\.epochs"):
        changed(before, {"train.epochs": 0})


def test_an_unknown_environment_names_the_ones_there_are() -> None:
    with pytest.raises(SettingsError, match=r"local\.yaml"):
        load("moon")


def test_today_is_the_utc_day_on_which_it_runs() -> None:
    from fuserank.cli.options import settings

    before = dt.datetime.now(dt.UTC).date()
    found = settings("local", "today", None, None).as_of
    assert before <= found <= dt.datetime.now(dt.UTC).date()


def test_days_before_is_counted_from_as_of_given_or_not() -> None:
    from fuserank.jobs.inputs.command import parser, settings_from

    def as_of(*words: str) -> dt.date:
        return settings_from(parser("job", None).parse_args(list(words))).as_of

    assert as_of("--as-of", "2017-12-04", "--days-before", "28") == dt.date(2017, 11, 6)
    assert as_of("--days-before", "1") == load("local").as_of - dt.timedelta(days=1)
