"""Rules of the house that an import rule alone cannot keep."""

from __future__ import annotations

import ast
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from fuserank.registry.sources import SOURCES

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lib" / "fuserank"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = (  # what computes: frames, settings and as_of in, frames out
    "stages",
    "learning",
    "evaluation",
    "insight",
    "history",
    "pipeline",
    "sources/onboarding/guess",
    "privacy/keys.py",
    "privacy/rows.py",
)


@cache
def trees() -> dict[Path, ast.Module]:
    """Every file of Python in the repository, parsed once for all tests."""
    files = (
        p for room in ("lib", "tests", "jobs", "benchmarks", "deploy", "notebooks") for p in (ROOT / room).rglob("*.py")
    )
    gc.disable()  # it would look through a million nodes again and again, of which none is garbage
    try:
        return {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(files)}
    finally:
        gc.enable()


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All of a tree, itself first."""
    return tuple(ast.walk(tree))


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """What was parsed is not held while other files of tests run."""
    yield
    trees.cache_clear()
    nodes.cache_clear()


def imports(tree: ast.AST, top_only: bool) -> set[str]:
    looked_at = tree.body if top_only and isinstance(tree, ast.Module) else nodes(tree)
    found = set()
    for node in looked_at:
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


TORCH_ROOMS = {("learning", "models"), ("learning", "training"), ("learning", "sequences")}


def test_torch_is_imported_at_module_level_where_models_are_made_and_trained_alone() -> None:
    wrong = []
    for module in [m for m in MODULES if m.relative_to(PACKAGE).parts[:2] not in TORCH_ROOMS]:
        top = imports(trees()[module], top_only=True)
        heavy = {name for name in top if name.split(".")[0] in {"torch", "petastorm"}}
        wrong += [f"{module.relative_to(ROOT)}: {name}" for name in heavy]
    assert not wrong


def test_rooms_open_no_session_clock_or_environment() -> None:
    words = (
        "SparkSession.builder",
        "getOrCreate(",
        "datetime.now(",
        "time.time(",
        "os.environ",
        "F.rand(",
        "current_timestamp(",
    )
    wrong = []
    for room in ROOMS:
        modules = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
        assert modules, f"no room {room}"
        for module in modules:
            text = module.read_text(encoding="utf-8")
            wrong += [f"{module.relative_to(ROOT)}: {word}" for word in words if word in text]
    assert not wrong


# Where events get their roles and rewards, and where mappings are written; all others ask ``fuserank.history``.
GIVES_ROLES = (
    *("history/", "config/", "sources/", "stages/silver/events.py", "tables/silver.py", "usecases/check.py"),
    "serving/openapi.py",  # its examples have the field ``exposure`` of an answer
)
ROLES = re.compile(r"exposure|feedback|reversal|.*\brole\s*(=|<>|!=|in\b).*")


def _decides_what_counts(tree: ast.Module) -> list[str]:
    """Texts of a module by which it names a role or the reward of an event."""
    docs = {
        ast.get_docstring(n, clean=False)
        for n in nodes(tree)
        if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef)
    }
    texts = [n.value for n in nodes(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [t for t in texts if t not in docs and (ROLES.fullmatch(t) or re.search(r"\breward_q20\b", t))]


def test_no_other_room_says_which_events_count_as_taken() -> None:
    found = {}
    for module in MODULES:
        name = str(module.relative_to(PACKAGE))
        if not name.startswith(GIVES_ROLES) and (texts := _decides_what_counts(trees()[module])):
            found[name] = texts
    assert not found
    for wrong in (
        "where(\"role = 'feedback' and amount > 0\")",
        'F.col("role") == "reversal"',
        'F.col("reward_q20") > 0',
    ):
        assert _decides_what_counts(ast.parse(wrong))


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
        for node in nodes(trees()[module])
        if isinstance(node, ast.Constant) and node.value in MODELS.names
    ]
    assert not named
    classes = {model.build.partition(":")[0] for model in MODELS}
    users = [p for p in MODULES if p not in owned and imports(trees()[p], False) & classes]
    assert not users


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a body without its docstring; what a literal lists is data, and counts as one line."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    lines = set(range(body[0].lineno, (function.end_lineno or 0) + 1))
    for node in (n for each in body for n in ast.walk(each)):
        if isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set):
            lines -= set(range(node.lineno + 1, (node.end_lineno or 0) + 1))
    return len(lines)


def test_files_and_functions_stay_small() -> None:
    long = []
    for module in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]:
        text = module.read_text(encoding="utf-8")
        if len(text.splitlines()) > 400:
            long.append(f"{module.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in nodes(trees()[module]):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines_of_code(node) > 50:
                long.append(f"{module.relative_to(ROOT)}:{node.name}")
    assert not long


PLAIN = re.compile(r"_?(told|said|asked|given|kept|shown|who)")  # docs/glossary.md: they say nothing of what a value is


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every identifier with its line."""
    for node in nodes(tree):
        for key in ("id", "arg", "attr", "name", "asname"):
            if isinstance(name := getattr(node, key, None), str):
                yield getattr(node, "lineno", 0), name


def test_no_name_says_only_that_something_happened_to_a_value() -> None:
    others = (p for room in ("tests", "jobs", "benchmarks", "deploy", "notebooks") for p in (ROOT / room).rglob("*.py"))
    found = []
    for path in [*MODULES, *sorted(others)]:
        name = path.relative_to(ROOT).as_posix()
        found += [name] if PLAIN.fullmatch(path.stem) else []
        tree = trees()[path]
        theirs = {"given"} if "hypothesis" in imports(tree, top_only=True) else set()
        found += [f"{name}:{n} {word}" for n, word in _names(tree) if PLAIN.fullmatch(word) and word not in theirs]
    assert not found


# Jobs without a transform, for what docs/architecture.md says of them.
NO_TRANSFORM = {"bronze", "candidates", "compare", "demote", "promote", "publish", "publish_store", "stream"} | {
    "refresh",
    "report",
    "rollback",
    "silver",
    "train",
}


def _declared(tree: ast.Module) -> dict[str, ast.AST]:
    """What a module defines at its top, by name."""
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id: node for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)}
    return found


def test_a_job_is_short_and_says_what_it_reads_and_writes_and_has_a_transform() -> None:
    without = set()
    for job in sorted((PACKAGE / "jobs").glob("[a-z]*.py")):
        text = job.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 100, job.name
        declared = _declared(trees()[job])
        assert {"READS", "WRITES", "main"} <= declared.keys(), job.name
        without |= set() if "transform" in declared else {job.stem}
    assert without == NO_TRANSFORM  # one that has got a transform is to be struck off


def _reaches_for(function: ast.FunctionDef) -> set[str]:
    """Names in a function, its parameters among them, by which it could read or write a lake itself."""
    return {word for _, word in _names(function)} & {"run", "lake", "Run", "Lake", "held"}


def test_a_transform_takes_frames_first_and_neither_a_run_nor_a_lake() -> None:
    for job in sorted((PACKAGE / "jobs").glob("[a-z]*.py")):
        function = _declared(trees()[job]).get("transform")
        if isinstance(function, ast.FunctionDef):
            assert function.args.args[0].arg == "frames", job.name
            assert not _reaches_for(function), job.name
    for wrong in ("def transform(frames, run): ...", "def transform(frames, *, lake): ...", "def f(x: Run): x.lake"):
        (made,) = ast.parse(wrong).body
        assert isinstance(made, ast.FunctionDef)
        assert _reaches_for(made)


def test_every_helper_that_all_share_has_two_rooms_that_use_it() -> None:
    users: dict[str, set[str]] = {}
    for module in MODULES:
        room = "/".join(module.relative_to(PACKAGE).parts[:-1][:2])  # two stages are two rooms
        for name in imports(trees()[module], top_only=False):
            if name.startswith("fuserank.common."):
                users.setdefault(name.rpartition(".")[2], set()).add(room)
    alone = {name: rooms for name, rooms in users.items() if len(rooms) < 2 and rooms != {"common"}}
    assert not alone


def test_every_stage_has_its_shim_and_says_how_to_submit_it() -> None:
    stages = {p.stem for p in (PACKAGE / "jobs").glob("[a-z]*.py")}
    shims = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "jobs").glob("*.py")}
    assert set(shims) == stages
    for stage, text in shims.items():
        assert f"spark-submit jobs/{stage}.py --env local --as-of" in text
        assert f"spark-submit jobs/{stage}.py" in (PACKAGE / "jobs" / f"{stage}.py").read_text(encoding="utf-8")


def test_no_one_names_a_connector_but_its_registry() -> None:
    """What one kind does otherwise than another is asked of its declaration; each
    module of a kind is imported by it alone.
    """
    from fuserank.registry.connectors import CONNECTORS

    modules = {each.fetches.partition(":")[0] for each in CONNECTORS}
    own = {PACKAGE / "registry" / "connectors.py", *(PACKAGE / "sources" / "connectors").glob("*.py")}
    wrong = []
    for module in [m for m in MODULES if m not in own]:
        tree = trees()[module]
        wrong += [f"{module.relative_to(ROOT)}: imports {name}" for name in imports(tree, False) & modules]
        for node in nodes(tree):
            if isinstance(node, ast.Compare):
                named = [node.left, *node.comparators]
            elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("CONNECTORS"):
                named = [node.slice]
            else:
                continue
            named += [e for each in named if isinstance(each, ast.Set | ast.Tuple | ast.List) for e in each.elts]
            names = {each.value for each in named if isinstance(each, ast.Constant)} & set(CONNECTORS.names)
            wrong += [f"{module.relative_to(ROOT)}:{node.lineno}: {name}" for name in names]
    assert not wrong


def public(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Classes, functions and methods without an underscore before their name or before that of what they stand in; none
    within a function."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from public(node)
        elif not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_modules_and_what_is_public_in_them_have_docstrings() -> None:
    bare, looked_at = [], 0
    for module in MODULES:
        tree = trees()[module]
        where = str(module.relative_to(ROOT))
        bare += [where] if ast.get_docstring(tree) is None else []
        parts = module.relative_to(PACKAGE).parts
        if any(part.startswith("_") and part != "__init__.py" for part in parts):
            continue
        for node in public(tree):
            looked_at += 1
            bare += [f"{where}:{node.lineno} {node.name}"] if not (ast.get_docstring(node) or "").strip() else []
    assert not bare
    assert looked_at > 1000


# A source's name that is another word where it stands: (module, name) → what it is there.
OTHER_WORDS = {
    ("sources/connectors/product_page.py", "content"): "an attribute of HTML's meta",
    ("jobs/inputs/sources.py", "content"): "a folder of what items are",
    ("learning/recommenders/segments.py", "popular"): "a part of what segment_popularity has learned",
    ("evaluation/leaderboard.py", "repeat"): "a kind of truth: what a user had before",
    ("serving/openapi.py", "content"): "a word of OpenAPI",
    ("serving/requests.py", "trending"): "what the service answers from where it is asked for that",
    ("serving/requests.py", "popular"): "what the service answers from where it knows nothing of a user",
}


def _words(tree: ast.AST) -> set[str]:
    """Every string constant, and every word in quotes within one, as in SQL; without docstrings."""
    docs = {
        id(node.body[0].value)
        for node in nodes(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = {
        n.value for n in nodes(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
    }
    return texts | {word for text in texts for word in re.findall(r"['\"](\w+)['\"]", text)}


def test_no_stage_names_a_source() -> None:
    """Outside of the registry a name stands in the source's own module alone; what
    others need to know of it is declared.
    """
    found = set()
    for module in MODULES:
        name = module.relative_to(PACKAGE)
        if name.parts[0] != "registry":
            own = {s.name for s in SOURCES if s.module == ".".join(("fuserank", *name.with_suffix("").parts))}
            words = _words(trees()[module])
            found |= {(name.as_posix(), word) for word in words & set(SOURCES.names) - own}
    assert found == OTHER_WORDS.keys()  # one that is gone is to be struck off


def test_names_of_sources_are_found_in_code_and_in_sql_and_not_in_docstrings() -> None:
    code = (
        'def f(x):\n    """als"""\n    return x["repeat"].where("source = \'kg\'"), f"{x}popular", {"ease": 1}, x.bpr'
    )
    assert _words(ast.parse(code)) >= {"repeat", "kg", "popular", "ease"}
    assert not _words(ast.parse(code)) & {"als", "bpr"}
