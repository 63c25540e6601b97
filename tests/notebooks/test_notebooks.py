"""Notebooks: read as what they are, run in kernels of their own, refused where they fail or change the lake.

`make notebooks` runs the four themselves.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_notebooks", ROOT / "deploy" / "local" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(folder: Path, *cells: str) -> Path:
    path = folder / "look.py"
    path.write_text(
        "# Databricks notebook source\n" + "\n\n# COMMAND ----------\n\n".join(cells) + "\n", encoding="utf-8"
    )
    return path


def test_there_are_four() -> None:
    assert [p.stem for p in NOTEBOOKS] == ["01_lake", "02_features", "03_training", "04_ranking"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_begins_with_a_heading_explains_itself_and_its_code_is_python(
    path: Path, runner: ModuleType
) -> None:
    cells = runner.read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    code = [c.source for c in cells if c.cell_type == "code"]
    assert len(cells) - len(code) >= len(code) // 2
    names = {node.id for node in ast.walk(ast.parse("\n".join(code))) if isinstance(node, ast.Name)}
    assert not names & {"spark", "sc", "dbutils", "display", "displayHTML", "sqlContext"}  # Databricks alone has them
    assert 'open_notebook(globals().get("dbutils"))' in "\n".join(code)


def test_cells_are_markdown_or_code_as_databricks_writes_them(tmp_path: Path, runner: ModuleType) -> None:
    path = written(
        tmp_path, "# MAGIC %md\n# MAGIC # Title\n# MAGIC\n# MAGIC     code in text", "a = 1\n\nb = 2", "a + b"
    )
    cells = runner.read(path).cells
    assert [c.cell_type for c in cells] == ["markdown", "code", "code"]
    assert [c.source for c in cells] == ["# Title\n\n    code in text", "a = 1\n\nb = 2", "a + b"]


@pytest.mark.parametrize(
    "cell", ["# MAGIC %sql\n# MAGIC SELECT 1", "# MAGIC %md\n# MAGIC text\na = 1", "# MAGIC %md-sandbox"]
)
def test_a_cell_that_jupyter_could_not_run_is_refused(cell: str, tmp_path: Path, runner: ModuleType) -> None:
    with pytest.raises(runner.NotebookError, match=r"look\.py, cell 2: only whole cells of %md are known"):
        runner.read(written(tmp_path, "a = 1", cell))


def test_a_file_without_databricks_first_line_is_refused(tmp_path: Path, runner: ModuleType) -> None:
    path = tmp_path / "look.py"
    path.write_text("a = 1\n", encoding="utf-8")
    with pytest.raises(runner.NotebookError, match="the first line is not"):
        runner.read(path)


@pytest.mark.slow
def test_a_notebook_that_raises_fails_by_name_and_keeps_what_it_had_shown(tmp_path: Path, runner: ModuleType) -> None:
    path = written(tmp_path, "print('so far, so good')", "raise ValueError('the lake is dry')", "print('never')")
    with pytest.raises(runner.NotebookError, match=r"(?s)look\.py: .*the lake is dry"):
        runner.execute(path, dict(os.environ), tmp_path)
    saved = (tmp_path / "look.ipynb").read_text(encoding="utf-8")
    assert "so far, so good" in saved
    assert '"never' not in saved


@pytest.mark.slow
def test_a_notebook_that_changes_the_lake_fails(tmp_path: Path, runner: ModuleType) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    path = written(tmp_path, "import os, pathlib\npathlib.Path(os.environ['FUSERANK_LAKE'], 'mine').write_text('x')")
    with pytest.raises(runner.NotebookError, match=r"look\.py changed the lake: .*/lake/mine"):
        runner.run_all([path], {"FUSERANK_LAKE": str(lake)}, tmp_path / "out")
