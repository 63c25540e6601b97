"""What runs the chain elsewhere, rendered from the settings and the table contracts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

SURFACES = ("submit", "kubernetes", "airflow", "databricks")  # modules of fuserank.deploy, each with ``files``


def render(
    surface: Annotated[str, typer.Argument(help=" or ".join(SURFACES))],
    file: Annotated[str | None, typer.Argument(help="only this file of it")] = None,
    env: Annotated[
        str | None,
        typer.Option(
            "--env", help="which conf/env/<env>.yaml; without it databricks for the bundle, cluster for all else"
        ),
    ] = None,
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="DIR", help="print nothing; fail where a file in DIR is out of date"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="write the files into DIR instead of printing them")
    ] = None,
) -> None:
    """Submit commands, Kubernetes manifests, the Airflow DAG, the Databricks bundle: printed, written, or compared."""
    if surface not in SURFACES:
        raise FuserankError(f"nothing called {surface!r} to render; there are: {', '.join(SURFACES)}")
    env = env or ("databricks" if surface == "databricks" else "cluster")
    files = rendered(surface, o.settings(env, as_of, lake, overrides, dataset))
    if file is not None and file not in files:
        raise FuserankError(f"{surface} has no file {file!r}; it has {', '.join(files)}")
    chosen = files if file is None else {file: files[file]}
    if check is not None:
        _compare(chosen, check, surface)
    elif to is not None:
        for name, text in chosen.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_text(text, encoding="utf-8")
    else:
        typer.echo("\n".join(text if file else f"# {name}\n{text}" for name, text in chosen.items()), nl=False)


def rendered(surface: str, settings: Settings) -> dict[str, str]:
    """The files of a surface: name → text."""
    made: dict[str, str] = import_module(f"fuserank.deploy.{surface}").files(settings)
    return made


def _compare(files: dict[str, str], folder: Path, surface: str) -> None:
    old = [
        n for n, text in files.items() if not (folder / n).is_file() or (folder / n).read_text(encoding="utf-8") != text
    ]
    if old:
        raise FuserankError(
            f"{folder}: {', '.join(old)} out of date; `fuserank render {surface} --to {folder}` with the same settings"
        )
