"""Rules of the house that an import rule alone cannot keep."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lib" / "fuserank"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = (
    "sources",
    "bronze",
    "silver",
    "quality",
    "features",
    "candidates",
    "samples",
    "models",
    "scores",
    "fusion",
    "ranking",
    "serving",
    "evaluation",
    "planning",
    "insight",
)


def imports(tree: ast.AST, top_only: bool) -> set[str]:
    nodes = tree.body if top_only and isinstance(tree, ast.Module) else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_import_rules_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_torch_is_imported_at_module_level_in_models_alone(module: Path) -> None:
    if module.relative_to(PACKAGE).parts[0] != "models":
        top = imports(ast.parse(module.read_text(encoding="utf-8")), top_only=True)
        assert not {m for m in top if m.split(".")[0] in {"torch", "petastorm"}}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_open_no_session_clock_or_environment(room: str) -> None:
    for module in sorted((PACKAGE / room).rglob("*.py")):
        text = module.read_text(encoding="utf-8")
        for word in (
            "SparkSession.builder",
            "getOrCreate(",
            "datetime.now(",
            "time.time(",
            "os.environ",
            "F.rand(",
            "current_timestamp(",
        ):
            assert word not in text, f"{module.relative_to(ROOT)} has {word}"


def test_no_model_is_named_but_by_its_declaration_its_module_and_its_settings() -> None:
    from fuserank.registry.models import MODELS

    owned = {PACKAGE / "registry" / "models.py"}
    for model in MODELS:
        own = (model.build.partition(":")[0], model.settings.__module__)
        owned |= {PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in own}
    assert all(path.is_file() for path in owned)
    named = [
        f"{module.relative_to(ROOT)}:{node.lineno}"
        for module in MODULES
        if module not in owned
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in MODELS.names
    ]
    assert not named
    classes = {model.build.partition(":")[0] for model in MODELS}
    users = [
        p for p in MODULES if p not in owned and imports(ast.parse(p.read_text(encoding="utf-8")), False) & classes
    ]
    assert not users


def test_files_and_functions_stay_small() -> None:
    long = []
    for module in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]:
        text = module.read_text(encoding="utf-8")
        if len(text.splitlines()) > 400:
            long.append(f"{module.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 60:
                long.append(f"{module.relative_to(ROOT)}:{node.name}")
    assert not long


def test_every_stage_has_its_shim_and_says_how_to_submit_it() -> None:
    stages = {p.stem for p in (PACKAGE / "jobs").glob("[a-z]*.py")}
    shims = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "jobs").glob("*.py")}
    assert set(shims) == stages
    for stage, text in shims.items():
        assert f"spark-submit jobs/{stage}.py --env local --as-of" in text
        assert f"spark-submit jobs/{stage}.py" in (PACKAGE / "jobs" / f"{stage}.py").read_text(encoding="utf-8")


def test_public_functions_have_docstrings() -> None:
    bare = []
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        if ast.get_docstring(tree) is None:
            bare.append(str(module.relative_to(ROOT)))
    assert not bare
