"""Other checkouts of this repository, run as peers by the Python and packages of this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The command line from a checkout's own lib: `fuserank` on the PATH is the code that is installed.
ENTRY = "import sys; from fuserank.cli.main import run; sys.argv[0] = 'fuserank'; run()"
# Where the daemon of Python workers lies, newest house first. spark-defaults.conf names this checkout's.
_DAEMONS = ("fuserank.io.runtime.daemon", "fuserank.io.daemon", "pyspark.daemon")


def taken_out(revision: str, folder: Path) -> Path:
    """The files of a ``revision``, in ``folder``, which is made."""
    folder.mkdir()
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", revision], check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def environment(checkout: Path) -> dict[str, str]:
    """Variables by which a process runs a checkout's code and settings, also in Spark's Python workers."""
    lib = checkout / "lib"
    daemon = next(d for d in _DAEMONS if d == _DAEMONS[-1] or (lib / f"{d.replace('.', '/')}.py").is_file())
    return {
        **os.environ,
        "PYTHONPATH": str(lib),
        "FUSERANK_CONF": str(checkout / "conf"),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"--conf spark.python.daemon.module={daemon} pyspark-shell",
        "TZ": "UTC",
    }


def revision(checkout: Path) -> str:
    """The short name of the commit that is checked out."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
