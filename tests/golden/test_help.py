"""What every command and every job says of itself, as committed in tests/golden/help/."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fuserank.cli.main import app
from tests.support.golden import ROOT, assert_golden

FOLDER = Path(__file__).parent / "help"
JOBS = sorted(p.stem for p in (ROOT / "lib" / "fuserank" / "jobs").glob("[a-z]*.py"))


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of every command and group below one, itself first."""
    yield words
    for name, below in getattr(command, "commands", {}).items():  # typer may bring a click of its own
        yield from commands(below, *words, name)


def helps(patch: pytest.MonkeyPatch) -> dict[str, str]:
    """File → help, a hundred columns wide and without colours, whatever the
    terminal, CI or shell of whoever runs this says.
    """
    patch.setenv("COLUMNS", "100")
    for name, value in {"MAX_WIDTH": 100, "FORCE_TERMINAL": False, "COLOR_SYSTEM": None}.items():
        patch.setattr(f"typer.rich_utils.{name}", value)
    found, every = {}, typer.main.get_command(app)
    patch.setattr("typer.testing._get_command", lambda _: every)  # not once more for each of them
    for words in commands(every):
        done = CliRunner().invoke(app, [*words, "--help"], prog_name="fuserank")
        assert done.exit_code == 0, done.output
        found["-".join(words or ("fuserank",)) + ".txt"] = done.output
    for job in JOBS:
        with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit, match="0"):
            importlib.import_module(f"fuserank.jobs.{job}").main(["--help"])
        found[f"job-{job}.txt"] = out.getvalue()
    # rich fills lines up to the width, which an editor would take away
    return {name: "".join(f"{line.rstrip()}\n" for line in text.splitlines()) for name, text in found.items()}


def test_help_texts_are_the_committed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = helps(monkeypatch)
    assert len(rendered) > len(JOBS) + 20
    assert_golden(FOLDER, rendered)
    assert {p.name for p in FOLDER.iterdir()} == set(rendered), "a command is gone; take its file away"
    for variable in ("FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("TERM", "dumb")
    assert helps(monkeypatch) == rendered
