"""What every executor of a cluster has: Python, fuserank, pyarrow, Java.

Asked by its JVM, so a Python that does not start answers too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from fuserank.io.runtime.executors import ClusterError, slots, unless_they_die

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SETTLED_SECONDS = 6.0
_TRIES = 10  # a second each: tasks go where slots are free, so the second executor may be asked in the second try
PACKAGES = ("fuserank", "pyarrow")
# Run by each executor's shell: the executor's own Java comes as the first line that its JVM writes into the command.
_SHELL = r"""read -r java
printf '%s\t%s\t%s\t%s\t' "$(uname -n)" "$(pwd)" "$java" "$(readlink "$1")"
"$1" -c "$2" 2>&1 | tr '\n\t' '  '; sleep 1"""
# Its import is what kernels need: pyarrow with its hot fix, numpy.
_PYTHON = f"""
import importlib.metadata as m, json, os, platform, sys
found = {{}}
for name in {PACKAGES!r}:
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: found[name] = None
try: import fuserank.io.batches.arrow; broken = None
except Exception as problem: broken = f"{{type(problem).__name__}}: {{problem}}"
print(json.dumps({{"path": os.path.realpath(sys.executable), "prefix": sys.prefix, "version": platform.python_version(),
                   "packages": found, "broken": broken}}))
"""


@dataclass(frozen=True)
class Answer:
    """One executor. ``link`` is where its Python leads to, where it is a link;
    ``failure`` what it died of, where it did.
    """

    host: str
    folder: str
    java: str
    link: str
    path: str = ""
    prefix: str = ""
    version: str = ""
    packages: dict[str, str | None] | None = None
    broken: str | None = None
    failure: str | None = None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def settled(spark: SparkSession, most_seconds: float) -> None:
    """Wait until no executor has come for some seconds, ``most_seconds`` at most: they register one after another."""
    until, seen, since = time.monotonic() + most_seconds, 0, time.monotonic()
    while time.monotonic() < until and time.monotonic() - since < _SETTLED_SECONDS:
        if (count := slots(spark).executors) != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.2)


def ask_executors(spark: SparkSession, python: str) -> list[Answer]:
    """An answer from each executor that is alive, by host and folder; ``python`` is what tasks would be started with.

    :raises ClusterError: an executor runs no task within some seconds, or they end one after another
    """
    found: dict[tuple[str, str], Answer] = {}
    for _ in range(_TRIES):
        for line in _piped(spark, max(slots(spark).total, 1), ["/bin/sh", "-c", _SHELL, "sh", python, _PYTHON]):
            answer = read_answer(line)
            found[answer.host, answer.folder] = answer
        if len(found) >= (there := slots(spark).executors):
            return [found[key] for key in sorted(found)]
        time.sleep(0.2)
    raise ClusterError(
        f"{len(found)} of {there} executors answered ({', '.join(sorted({h for h, _ in found}))}); the others are "
        "busy or gone: ask again when nothing else runs in this application, and look at the master's page"
    )


def read_answer(line: str) -> Answer:
    """What one executor's shell wrote: host, folder, Java, link, then JSON, or the
    words of a Python that did not start.
    """
    host, folder, java, link, output = line.split("\t", 4)
    common: dict[str, Any] = {"host": host, "folder": folder, "java": java.strip("[]"), "link": link}
    try:
        return Answer(**common, **json.loads(output[output.index('{"path"') :]))  # warnings may stand before it
    except ValueError:
        return Answer(**common, failure=output.strip()[-300:] or "it ended without a word")


def _piped(spark: SparkSession, tasks: int, command: Sequence[str]) -> list[str]:
    """A line from each of ``tasks`` tasks, each of which pipes its executor's version of Java through the command."""
    java = "java_method('java.lang.System', 'getProperty', 'java.version')"
    frame: Any = spark.range(0, tasks, 1, tasks).selectExpr(java)
    return [str(line) for line in unless_they_die(spark, frame._jdf.toJavaRDD().pipe(list(command)).collect)]


def problems_of(answers: Sequence[Answer], driver: dict[str, str | None], python: str) -> list[str]:
    """What is wrong, each in one line with its cure; ``driver`` has python, fuserank and pyarrow by version."""
    return [f"{a.host}: {problem}" for a in answers for problem in _of_java(a) + _of_python(a, driver, python)]


def _of_java(a: Answer) -> list[str]:
    if a.java.split(".")[0] in {"17", "21"}:
        return []
    return [f"its executor runs on Java {a.java}; 17 or 21 is needed: install one and set JAVA_HOME for the workers"]


def _of_python(a: Answer, driver: dict[str, str | None], python: str) -> list[str]:
    cure = (
        "name another by --python (spark.pyspark.python), or pack again: make package NODE_PYTHON=/a/path/that/it/has"
    )
    if a.failure is not None:
        leads = f", a link to {a.link}," if a.link else ""
        return [f"{python}{leads} does not start ({a.failure}); put Python {_minor(driver['python'])} there, or {cure}"]
    if _minor(a.version) != _minor(driver["python"]):
        return [f"{a.path} is Python {a.version}, and the driver's is {driver['python']}; {cure}"]
    found = []
    for name, version in (a.packages or {}).items():
        if version is None:
            found.append(
                f"{python} has no {name}; bring it by --archive dist/fuserank-data.tar.gz, or install it there"
            )
        elif version != driver.get(name):
            found.append(
                f"{python} has {name} {version}, and the driver has {driver.get(name)}; bring one archive to all"
            )
    if a.broken and not found:
        found.append(f"{python} can't import fuserank ({a.broken}); pack or install it again from requirements/")
    return found


def _minor(version: str | None) -> str:
    return ".".join((version or "").split(".")[:2])
