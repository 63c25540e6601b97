"""An option that a variable of the shell left empty is refused, by every command and every job."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from fuserank import jobs
from fuserank.cli.main import app
from fuserank.common.errors import FuserankError
from fuserank.config.settings import SettingsError, load
from fuserank.jobs.inputs import command
from tests.support.cli import ran

_JOBS = sorted(p.stem for p in Path(jobs.__file__ or "").parent.glob("[a-z]*.py"))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("refresh", "--lake", "", "--dry-run"), "--lake"),
        (("refresh", "--lake=", "--dry-run"), "--lake"),
        (("refresh", "--dry-run", "--dataset", "  "), "--dataset"),
        (("refresh", "--lake", "--dry-run"), "--lake"),  # unset, and without quotes
        (("refresh", "--dry-run", "--set", ""), "--set"),
        (("recommend", "u1", "--as-of="), "--as-of"),
        (("check", ""), "a word of the command"),
        (("init", "folder", "--zone", "", "--yes"), "--zone"),
        (("quarantine", "list", "--lake", ""), "--lake"),
        (("leaderboard", "run", "--models", ""), "--models"),
        (("doctor", "--cluster", "", "--json"), "--cluster"),
    ],
)
def test_a_command_refuses_an_option_without_a_value(words: tuple[str, ...], named: str) -> None:
    with pytest.raises(FuserankError, match=rf"^{named} is empty: is a variable in it not set\?"):
        ran(*words)


@pytest.mark.parametrize("job", _JOBS)
@pytest.mark.parametrize("option", ["--lake", "--as-of", "--dataset", "--env", "--set"])
def test_a_job_refuses_an_option_without_a_value(job: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"fuserank.jobs.{job}")
    for words in ([option, ""], [f"{option}="]):
        assert module.main(words) == 2
        assert f"{option} is empty" in capsys.readouterr().err


def test_a_setting_without_a_value_is_refused_and_null_is_one() -> None:
    with pytest.raises(SettingsError, match=r"--set lake is empty.*lake=null"):
        load("local", ["lake="])
    assert load("local", ["samples.users=null"]).samples.users is None


def test_values_that_are_there_pass() -> None:
    assert "refresh" in ran("--help").output
    command.refuse_blank(["--lake", "-", "--set", "a.b=x", "--as-of", "2020-01-01", "--report"], {"--lake", "--set"})
    assert app.info.cls is not None
