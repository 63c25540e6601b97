"""docs/api.md, written from the docstrings of what programs and notebooks may import. Nothing is imported for it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import fuserank

# By what somebody wants to do. What stands in no other module may change without a word.
MODULES = (
    (
        "Open a lake",
        (
            "io.runtime.notebook",
            "io.runtime.open_lake",
            "io.lake.lake",
            "io.lake.rows",
            "config.settings",
            "config.mapping.load",
        ),
    ),
    ("Tables and features", ("tables.contract", "tables.features.declare", "stages.features.compute")),
    ("What a user took", ("history.events", "history.baskets", "history.labels", "history.windows")),
    (
        "Declare a source, a model, a connector",
        ("registry", "registry.sources", "registry.models", "registry.connectors"),
    ),
    (
        "Learn",
        (
            "learning.recommenders.contract",
            "learning.recommenders.interactions",
            "learning.recommenders.state",
            "learning.models.contract",
            "learning.models.base",
            "learning.training.source",
        ),
    ),
    (
        "Ask the service",
        ("serving.requests", "client", "client.methods", "client.blocking", "client.awaiting", "client.replies"),
    ),
    ("Judge", ("evaluation.metrics", "evaluation.protocols", "evaluation.tracks")),
)
_HEAD = """# Python interface
What notebooks and programs may import; all else of `lib/fuserank/` may change from one version to the next. Generated
from the docstrings by `make docs`; `make lint` fails when it is out of date. A first look:

    from fuserank.io.runtime.notebook import look, open_notebook
    from fuserank.tables.results import RANKING

    settings, lake = open_notebook()                    # the lake that FUSERANK_LAKE names, or the settings
    look(lake.read(RANKING, as_of_date=settings.as_of).where("user_id = '900'").orderBy("rank"))

Names of arrays end in their shape where that helps (`x_BD`: batch times depth).
"""


def markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for title, names in MODULES for line in _group(title, names))]).rstrip() + "\n"


def _group(title: str, names: tuple[str, ...]) -> Iterator[str]:
    yield f"## {title}"
    for name in names:
        tree = ast.parse(_file(name).read_text(encoding="utf-8"))
        yield f"### fuserank.{name}\n{_text(tree)}\n"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield from _entry(node)


def _file(name: str) -> Path:
    path = Path(fuserank.__file__).parent / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _entry(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    yield f"```python\n{_signature(node)}\n```\n{_text(node)}\n"
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    methods = [n for n in node.body if isinstance(n, functions) and not n.name.startswith("_")]
    if isinstance(node, ast.ClassDef) and methods:
        yield "| | |\n|---|---|"
        yield from (f"| `{_cell(_signature(m))}` | {_cell(_text(m))} |" for m in methods)
        yield ""


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}({', '.join(map(ast.unparse, node.bases))})".replace("()", "")
    arguments = ast.unparse(node.args).removeprefix("self, ").removeprefix("self")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{'async ' * isinstance(node, ast.AsyncFunctionDef)}{node.name}({arguments}){returns}"


def _text(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "").replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
