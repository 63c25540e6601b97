"""What every benchmark's result says of how it came about."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.cli import ran


def test_a_result_names_its_command_and_the_commit_that_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "count_lines.py").write_text("def run(data=None):\n    return {'ours': 3, 'seed': 7}\n")
    monkeypatch.chdir(tmp_path)
    result = json.loads(ran("bench", "count-lines", "--data", f"{tmp_path}/gowalla", "--json").stdout)
    assert re.fullmatch(r"[0-9a-f]{40}\+?", result.pop("commit"))
    assert result == {"ours": 3, "seed": 7, "command": "fuserank bench count-lines --data gowalla --json"}
