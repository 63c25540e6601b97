"""docs/faults.md: each row names a test that is there."""

from __future__ import annotations

import ast
import re

from tests.support.pages import DOCS, ROOT

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (DOCS / "faults.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| case |")
]


def test_every_row_has_its_test_and_every_test_of_a_fault_its_row() -> None:
    named: set[tuple[str, str]] = set()
    assert len(ROWS) > 15
    for row in ROWS:
        assert len(row) == 4, row
        found = re.findall(r"`(\w+\.py)::(\w+)`", row[3])
        assert found or (named and row[3].rstrip(" |") == "the same"), row
        named |= set(found)
    there = set()
    folders = [ROOT / "tests" / folder for folder in ("unit/serving", "jobs", "kafka")]
    for file in sorted(file for folder in folders for file in folder.rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
        there |= {(file.name, name) for name in tests}
    assert named <= there
    assert {(file, name) for file, name in there if file.startswith("test_faults")} <= named
