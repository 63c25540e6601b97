"""`make notebooks`: every notebook in a fresh kernel, on a tiny shop's lake; executed copies in out/notebooks/.

Usage: .venv/bin/python deploy/local/notebooks.py [--lake DIR --as-of DATE] [NAME …]

With --lake they look at a lake that is there. Ends with 1 where a notebook raises, or changes the lake.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.tinyshop import AS_OF, write_shop  # noqa: E402

HEAD, BETWEEN, MAGIC = "# Databricks notebook source", "# COMMAND ----------", "# MAGIC"
CELL_SECONDS = 600
SMALL = (
    "train.epochs=2",
    "train.batch=1024",
    "candidates.als.factors=16",
    "candidates.als.iterations=3",
    "ranking.k=10",
)


class NotebookError(Exception):
    """A notebook that cannot be read, raises, or changes the lake; names it and its cell."""


def read(path: Path) -> nbformat.NotebookNode:
    """A Databricks source notebook as a Jupyter notebook; raises NotebookError where
    it is none, or has other magics than %md.
    """
    head, _, rest = path.read_text(encoding="utf-8").partition("\n")
    if head.strip() != HEAD:
        raise NotebookError(f"{path.name}: the first line is not {HEAD!r}")
    cells, chunks = [], f"\n{rest}".split(f"\n{BETWEEN}\n")
    for number, chunk in enumerate(chunks, start=1):
        lines = chunk.strip("\n").splitlines()
        marked = [line.startswith(MAGIC) for line in lines]
        if not lines:
            continue
        if not any(marked):
            cells.append(nbformat.v4.new_code_cell("\n".join(lines), id=f"cell-{number}"))
            continue
        text = [line.removeprefix(MAGIC).removeprefix(" ") for line in lines]
        if not all(marked) or text[0].split() != ["%md"]:
            raise NotebookError(f"{path.name}, cell {number}: only whole cells of %md are known, found {lines[0]!r}")
        cells.append(nbformat.v4.new_markdown_cell("\n".join(text[1:]), id=f"cell-{number}"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def execute(path: Path, env: dict[str, str], out: Path) -> str:
    """Run a notebook in its own kernel and save its outputs, also if it fails; returns one line of summary."""
    notebook, started = read(path), time.monotonic()
    saved = out / f"{path.stem}.ipynb"
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(out)}})
    log = saved.with_suffix(".log")  # what kernel and JVM say beside the cells
    try:
        with log.open("w", encoding="utf-8") as stream:
            client.execute(env=env, stderr=stream)
    except CellExecutionError as problem:
        raise NotebookError(f"{path.name}: {problem}") from None
    except (CellTimeoutError, DeadKernelError) as problem:
        raise NotebookError(f"{path.name}: {problem}; a cell may take {CELL_SECONDS} s; see {log}") from None
    finally:
        nbformat.write(notebook, saved)
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    plots = sum("application/vnd.plotly.v1+json" in o.get("data", {}) for o in outputs)
    return (
        f"{path.name}: {len(notebook.cells)} cells, {plots} plots, {time.monotonic() - started:.0f} s, "
        f"{saved.stat().st_size / 1024:.0f} KiB"
    )


def held(lake: str) -> dict[str, tuple[int, int]]:
    """The size and time of every file of a lake on this machine; empty for a lake elsewhere."""
    return {str(f): (f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(Path(lake).rglob("*")) if f.is_file()}


@contextlib.contextmanager
def tiny_lake() -> Iterator[dict[str, str]]:
    """The environment variables of a tiny shop's lake, after the whole chain and evaluation; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="fuserank-notebooks-") as place:
        folder = Path(place)
        write_shop(folder)
        env = {"FUSERANK_CONF": f"{folder}/conf", "FUSERANK_LAKE": f"{folder}/lake", "FUSERANK_AS_OF": AS_OF}
        small = [part for setting in (*SMALL, f"out={folder}/out") for part in ("--set", setting)]
        command = [str(Path(sys.executable).parent / "fuserank"), "refresh", "--dataset", "tinyshop", "--as-of", AS_OF]
        done = subprocess.run(
            [*command, "--lake", env["FUSERANK_LAKE"], *small, "--report"],
            check=False,
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NotebookError(f"no lake to look at: refresh ended with {done.returncode}\n{done.stderr[-3000:]}")
        yield env


@contextlib.contextmanager
def lake_there(lake: str, as_of: str | None) -> Iterator[dict[str, str]]:
    """The environment variables of a lake that exists already."""
    at = lake if ":" in lake else str(Path(lake).absolute())
    yield {"FUSERANK_LAKE": at, **({"FUSERANK_AS_OF": as_of} if as_of else {})}


def run_all(paths: list[Path], lake_env: dict[str, str], out: Path) -> None:
    """Each notebook in turn; raises NotebookError at the first that fails or leaves the lake other than it found it."""
    out.mkdir(parents=True, exist_ok=True)
    # one form of a plot in the files: all that shows notebooks draws it, and plotly.js is not kept in each of them
    env = {
        **os.environ,
        "TZ": "UTC",
        "PYSPARK_PYTHON": sys.executable,
        "PLOTLY_RENDERER": "plotly_mimetype",
        **lake_env,
    }
    for path in paths:
        before = held(lake_env["FUSERANK_LAKE"])
        print(execute(path, env, out), flush=True)
        if changed := {f for f, seen in held(lake_env["FUSERANK_LAKE"]).items() ^ before.items()}:
            raise NotebookError(f"{path.name} changed the lake: {', '.join(sorted(changed)[:3])} …")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--lake", metavar="DIR", help="look at this lake (default: a tiny shop's, made for the purpose)"
    )
    arguments.add_argument("--as-of", metavar="DATE", help="of that lake (default: the settings')")
    arguments.add_argument("names", nargs="*", metavar="NAME", help="01_lake … (default: all)")
    options = arguments.parse_args()
    paths = sorted((ROOT / "notebooks").glob("*.py"))
    paths = [p for p in paths if not options.names or p.stem in options.names]
    started = time.monotonic()
    try:
        with lake_there(options.lake, options.as_of) if options.lake else tiny_lake() as env:
            print(f"lake ready after {time.monotonic() - started:.0f} s", flush=True)
            run_all(paths, env, ROOT / "out" / "notebooks")
    except NotebookError as problem:
        print(f"notebooks: {problem}", file=sys.stderr)
        return 1
    print(f"{len(paths)} notebooks ran in {time.monotonic() - started:.0f} s; look at them in out/notebooks/")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
