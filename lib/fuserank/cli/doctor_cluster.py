"""`fuserank doctor --cluster`: what every executor of a cluster has, in a table, and how to fix it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.console import Console
from rich.table import Table

from fuserank.common.errors import FuserankError
from fuserank.io.runtime import executor_check, session
from fuserank.io.runtime.executors import await_executors, own_address

INSIDE = "./environment/bin/python"  # where submit lines unpack an archive
_COLUMNS = ("executor", "python", "version", "fuserank", "pyarrow", "java")


def doctor_cluster(
    url: str, archive: str | None, python: str | None, confs: Sequence[str], as_json: bool, wait_seconds: float
) -> None:
    """Ask every executor; raises typer.Exit(1) where something is wrong.

    :param python: what executors shall run; with an archive the one in it, else this one's path
    :param confs: more for spark-submit, ``key=value``
    """
    python = python or (INSIDE if archive else sys.executable)
    os.environ["PYSPARK_PYTHON"] = python
    os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join(submit_args(url, archive, confs))
    spark = session.bare("fuserank doctor")
    try:
        await_executors(spark, wait_seconds)
        executor_check.settled(spark, wait_seconds)
        answers = executor_check.ask_executors(spark, python)
    finally:
        spark.stop()
    driver = {"python": platform.python_version(), **{name: _version(name) for name in executor_check.PACKAGES}}
    problems = executor_check.problems_of(answers, driver, python)
    if as_json:
        result = {"driver": driver, "executors": [a.row() for a in answers], "problems": problems}
        typer.echo(json.dumps(result))
    else:
        _print(answers, driver)
        typer.echo("\n".join(f"wrong: {p}" for p in problems) if problems else "all is well")
    if problems:
        raise typer.Exit(1)


def submit_args(url: str, archive: str | None, confs: Sequence[str]) -> list[str]:
    """What the JVM is started with: a standalone cluster's driver is called at the address that its master sees."""
    if any("=" not in conf for conf in confs):
        raise FuserankError(f"--conf {next(c for c in confs if '=' not in c)!r}: write key=value")
    pairs = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    if url.startswith("spark://"):
        mine = own_address(url)
        pairs |= {"spark.driver.host": mine, "spark.driver.bindAddress": mine}
    pairs |= dict(conf.split("=", 1) for conf in confs)
    conf_options = [word for key, value in pairs.items() for word in ("--conf", f"{key}={value}")]
    unpacked = ["--archives", f"{archive}#environment"] if archive else []
    return ["--master", url, *unpacked, *conf_options, "pyspark-shell"]


def _print(answers: Sequence[executor_check.Answer], driver: dict[str, str | None]) -> None:
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    table.add_row("(driver)", sys.executable, *(driver[k] or "none" for k in ("python", *executor_check.PACKAGES)), "")
    for a in answers:
        packages = [(a.packages or {}).get(name) or "none" for name in executor_check.PACKAGES]
        table.add_row(f"{a.host} {a.folder}", a.path or "does not start", a.version, *packages, a.java)
    Console(width=max(200, Console().width)).print(table)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
