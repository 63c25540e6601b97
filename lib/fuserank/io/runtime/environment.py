"""What Spark would die of in hundreds of lines, asked of this machine before it starts: a line each, with the cure."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from fuserank.common.errors import FuserankError
from fuserank.io.lake import survey

JAVAS = ("17", "21")
_FREE = 64 << 20  # bytes: with less Spark cannot even spill
_PROBE = (
    "import sys,importlib.util as u;print('%d.%d' % sys.version_info[:2], *[m for m in {names!r} if u.find_spec(m) is"
    " None])"
)
_NEEDED = ("pyarrow", "pandas", "numpy", "fuserank")


class EnvironmentProblem(FuserankError):
    """This machine is not set up for Spark; the message says what is wrong and how to fix it."""


def refuse_wrong_environment() -> None:
    """Raise EnvironmentProblem where the Spark, Java, Python or disk that this process would start with cannot do.

    For a process that starts its own JVM: what spark-submit started is there already.
    """
    for problem in (spark_problem(), java_problem(), python_problem(), setup_problem()):
        if problem:
            raise EnvironmentProblem(problem)
    for folder in survey.local_dirs({}):
        refuse_full(folder, "Spark's local folder", "name another by SPARK_LOCAL_DIRS")
    refuse_full(Path(os.environ.get("TMPDIR") or "/tmp"), "the temporary folder", "name another by TMPDIR")


def use_utf8() -> None:
    """Let a JVM that starts from here write every path: under LANG=C it knows no ü."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "C"
    if not re.search(r"utf-?8", locale, re.IGNORECASE):
        os.environ["LC_ALL"] = "C.UTF-8"


def spark_problem() -> str | None:
    """What is wrong with SPARK_HOME; None where it is not set, or fits."""
    from pyspark.version import __version__ as ours

    home = os.environ.get("SPARK_HOME")
    if not home:
        return None
    cure = f"unset SPARK_HOME (pyspark brings Spark {ours}), or name a folder of Spark {ours}"
    if not (Path(home) / "bin" / "spark-submit").is_file():
        return f"SPARK_HOME={home} holds no Spark: bin/spark-submit is not there; {cure}"
    theirs = spark_version(Path(home))
    if theirs and theirs.split(".")[:2] != ours.split(".")[:2]:
        return f"SPARK_HOME={home} is Spark {theirs}, and pyspark here is {ours}; {cure}"
    return None


def spark_version(home: Path) -> str | None:
    """By the name of spark-core's jar, else by the file RELEASE; None where neither tells."""
    for jar in (home / "jars").glob("spark-core_*.jar"):
        if found := re.fullmatch(r"spark-core_[\d.]+-(\d+\.\d+\.\d+\S*)\.jar", jar.name):
            return found[1]
    release = home / "RELEASE"
    found = re.match(r"Spark (\d+\.\d+\.\d+)", release.read_text(errors="replace")) if release.is_file() else None
    return found[1] if found else None


def java_problem() -> str | None:
    """What is wrong with the Java that Spark would start; None where it fits."""
    home, found = os.environ.get("JAVA_HOME"), java()
    named = f"JAVA_HOME={home}" if home else "the java on PATH"
    cure = f"install a JRE of {' or '.join(JAVAS)}, or name its folder by JAVA_HOME"
    if found == "missing":
        return f"{named} holds no bin/java; {cure}" if home else f"Java is missing; {cure}"
    if found.split(".")[0] not in JAVAS:
        return f"{named} is Java {found}, and Spark needs {' or '.join(JAVAS)}; {cure}"
    return None


def java() -> str:
    """The version of the Java that Spark would start, ``missing`` or ``unknown``."""
    home = os.environ.get("JAVA_HOME")
    named = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if named is None or not os.access(named, os.X_OK):
        return "missing"
    release = Path(named).resolve().parents[1] / "release"  # to read it takes no time, to start a JVM does
    text = release.read_text(errors="replace") if release.is_file() else ""
    found = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    if not found:
        printed = subprocess.run([named, "-version"], capture_output=True, text=True, check=False).stderr
        found = re.search(r'version "([^"]+)"', printed)
    return found[1] if found else "unknown"


def python_problem() -> str | None:
    """What is wrong with the Python that Spark would start its workers by on this
    machine; None where it fits, or others start it.
    """
    named = os.environ.get("PYSPARK_PYTHON")
    if not named or named.startswith("./") or not _is_local():  # an executor's own, or of an archive
        return None
    found = shutil.which(named)
    cure = f"unset PYSPARK_PYTHON, or name {sys.executable}"
    if found is None:
        return f"PYSPARK_PYTHON={named} is no program that can be started; {cure}"
    if Path(found).absolute() == Path(sys.executable).absolute():
        return None
    names = [n for n in _NEEDED if importlib.util.find_spec(n) is not None]
    answer = subprocess.run([found, "-c", _PROBE.format(names=names)], capture_output=True, text=True, check=False)
    if answer.returncode != 0 or not answer.stdout.strip():
        return f"PYSPARK_PYTHON={named} starts no Python; {cure}"
    (version, *lacking), own = answer.stdout.split(), "{}.{}".format(*sys.version_info[:2])
    if version != own:
        return f"PYSPARK_PYTHON={named} is Python {version}, and this one is {own}: Spark needs the same; {cure}"
    return f"PYSPARK_PYTHON={named} has no {', '.join(lacking)}; {cure}" if lacking else None


def setup_problem() -> str | None:
    """What is said where this environment was never set up for Spark; None where it
    was, or somebody else says what counts.
    """
    args = os.environ.get("PYSPARK_SUBMIT_ARGS", "")
    named = ("SPARK_HOME", "SPARK_CONF_DIR", "DATABRICKS_RUNTIME_VERSION")
    found = importlib.util.find_spec("pyspark")
    if any(map(os.environ.get, named)) or "--conf" in args or "--properties-file" in args or found is None:
        return None
    file = Path(found.origin or "").parent / "conf" / "spark-defaults.conf"
    return None if file.is_file() else "this environment was never set up for Spark; run `fuserank setup`, once"


def refuse_full(folder: Path, role: str, cure: str) -> None:
    """Raise EnvironmentProblem where a folder of this machine, or the nearest one above it, takes no more files."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    status = os.statvfs(there)
    free = status.f_bavail * status.f_frsize
    if free < _FREE or (status.f_files and not status.f_favail):
        raise EnvironmentProblem(
            f"the disk of {role} {folder} is full ({free >> 20} MB are free); free some, or {cure}"
        )
    if not os.access(there, os.W_OK):
        raise EnvironmentProblem(f"{role} {folder} cannot be written; fix its rights, or {cure}")


def _is_local() -> bool:
    """Whether Spark will run in one process on this machine, by what is said before it starts."""
    option = re.search(r"--master\s+(\S+)", os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    master = option[1] if option else survey.default_of("spark.master") or "local[*]"
    return master.startswith("local")
