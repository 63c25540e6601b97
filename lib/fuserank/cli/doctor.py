"""What is installed, what is wrong, and how to fix it."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

from fuserank.cli import options as o

PACKAGES = ("pyspark", "delta-spark", "pyarrow", "numpy", "pandas", "torch", "numba")


def doctor(
    env: o.Env = "local",
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    start: Annotated[bool, typer.Option("--start/--no-start", help="start Spark and write a Delta table too")] = True,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="URL", help="ask every executor of this master instead: spark://host:port, yarn, k8s://…"),
    ] = None,
    archive: Annotated[
        str | None, typer.Option(metavar="FILE", help="with --cluster: the packed environment that executors shall use")
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="with --cluster: the Python that executors shall run (default: the archive's, else this one's path)",
        ),
    ] = None,
    conf: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="with --cluster: a setting for spark-submit; may be given again"),
    ] = None,
) -> None:
    """Versions of Spark, Scala, Delta, Java, Python, pyarrow, torch; what is wrong and how to fix it."""
    from fuserank.cli.doctor_cluster import doctor_cluster
    from fuserank.config.secrets import unset
    from fuserank.config.settings import load
    from fuserank.io.runtime.environment import java, java_problem, python_problem, spark_problem

    if cluster is not None:
        doctor_cluster(cluster, archive, python, conf or [], as_json, load(env).run.executors_wait_seconds)
        return
    found: dict[str, Any] = {"python": platform.python_version(), "java": java()}
    problems: list[str] = []
    settings = load(env, overrides)
    petastorm = any(settings.training_of(name).reader == "petastorm" for name in settings.models.use)
    if not found["python"].startswith(("3.11.",) if petastorm else ("3.11.", "3.12.")):
        problems.append(
            f"Python {found['python']}: 3.11 is needed (or 3.12 with train.reader pyarrow); make the environment by"
            " python3.11"
        )
    if env == "local":
        problems += [p for p in (java_problem(), spark_problem(), python_problem()) if p]
    for name in (*PACKAGES, *(["petastorm"] if petastorm else [])):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
            problems.append(
                f"{name} is not installed; `make setup` in a checkout, else `pip install 'fuserank[train,petastorm]'`"
            )
    settings = load(env)
    if env == "local":  # elsewhere Spark's processes may have what this shell lacks
        problems += unset({**settings.submit, **settings.spark}, os.environ)
        problems += defaults_problems()
    if start and not problems:
        found.update(spark_versions(problems))
    lines = [f"--conf {shlex.quote(f'{k}={v}')}" for k, v in settings.submit.items()]
    if as_json:
        typer.echo(json.dumps({"versions": found, "problems": problems, "submit_lines": lines}))
    else:
        for key, value in found.items():
            typer.echo(f"{key:<16} {value}")
        if env != "local":
            typer.echo("\nspark-submit needs these before the JVM starts:\n  " + " \\\n  ".join(lines))
        typer.echo("\n".join(f"wrong: {p}" for p in problems) if problems else "all is well")
    if problems:
        raise typer.Exit(1)


def defaults_problems() -> list[str]:
    """What SPARK_HOME/conf/spark-defaults.conf lacks."""
    import pyspark

    from fuserank.io.runtime.session import REQUIRED

    file = Path(pyspark.__file__).parent / "conf" / "spark-defaults.conf"
    if not file.is_file():
        return [f"{file.name} is missing in SPARK_HOME/conf; `fuserank setup` renders it"]
    text = file.read_text(encoding="utf-8")
    lacking = [
        f"spark-defaults.conf lacks `{k} {v}`; `fuserank setup` renders it"
        for k, v in REQUIRED.items()
        if f"{k} {v}" not in text
    ]
    jars = re.search(r"^spark\.jars (.+)$", text, re.MULTILINE)
    for jar in jars.group(1).split(",") if jars else []:
        if not Path(jar).is_file():
            lacking.append(f"jar {Path(jar).name} is not where spark-defaults.conf says; `fuserank setup --again`")
    return lacking


def spark_versions(problems: list[str]) -> dict[str, str]:
    """Versions that only a started session knows; a Delta table is written and read back."""
    import tempfile

    from fuserank.io.runtime import session

    spark = session.start("fuserank doctor")
    jvm = spark.sparkContext._jvm
    scala = str(jvm.scala.util.Properties.versionNumberString()) if jvm is not None else "unknown"
    with tempfile.TemporaryDirectory() as folder:
        spark.range(3).write.format("delta").save(f"{folder}/t")
        if spark.read.format("delta").load(f"{folder}/t").count() != 3:
            problems.append("a Delta table was written and did not read back whole")
    return {"spark": spark.version, "scala": scala, "master": spark.sparkContext.master or ""}
