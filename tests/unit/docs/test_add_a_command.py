"""docs/add-a-command.md is followed word by word, and the command answers."""

from __future__ import annotations

import datetime as dt
import json
import sys
import types
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from fuserank.cli.tree import filled
from fuserank.tables.results import RANKING
from tests.support.folder_lake import write
from tests.support.pages import blocks

DAY = dt.date(2017, 12, 4)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "add-a-command.md"


def test_the_page_s_command_counts_the_lists_of_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, block in zip(("usecases", "cli"), blocks(PAGE, "python"), strict=True):
        module = types.ModuleType(f"fuserank.{name}.most_listed")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    lists = {"u1": ("i1", "i2"), "u2": ("i2", "i3")}
    rows = [
        {"as_of_date": DAY, "user_index": n, "user_id": user, "item_id": item, "rank": rank + 1}
        for n, (user, items) in enumerate(lists.items())
        for rank, item in enumerate(items)
    ]
    write(tmp_path, RANKING, rows)
    app = typer.Typer()
    command = sys.modules["fuserank.cli.most_listed"].most_listed
    app.command(help=filled(command.__doc__))(command)
    words = ["--lake", str(tmp_path), "--as-of", str(DAY)]
    done = CliRunner().invoke(app, [*words, "--json", "--most", "2"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["items"] == {"i2": 2, "i1": 1}
    assert "       2  i2\n" in CliRunner().invoke(app, words).output
