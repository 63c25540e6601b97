"""Commands run as people type them, in this process."""

from __future__ import annotations

from functools import cache

import typer.main
import typer.testing
from click.testing import Result
from typer.testing import CliRunner

from fuserank.cli.main import app

# The tree of all commands is made once a process, not again for each of hundreds of tests.
typer.testing._get_command = cache(typer.main.get_command)


def ran(*words: str) -> Result:
    """The output of a command; raises what the command raised."""
    done = CliRunner().invoke(app, list(words))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done
