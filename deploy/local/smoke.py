"""`make smoke`: a tiny shop through spark-submit jobs/refresh.py in a lake of its own; ranked twice, with equal rows.

Usage: .venv/bin/python deploy/local/smoke.py [section.key=value …]

It runs in the environment whose Python starts it; settings lie over SMALL of
tests/support/tinyshop.py. Tests copy the lake of the first run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
sys.path.insert(0, str(ROOT))

from tests.support.jvm import SHORT_LIVED  # noqa: E402
from tests.support.tinyshop import AS_OF, SMALL, chain_of_smoke, write_shop  # noqa: E402

from fuserank.io.lake.rows import FolderRows  # noqa: E402
from fuserank.tables.results import RANKING  # noqa: E402


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fuserank-smoke-") as place:
        folder = Path(place)
        write_shop(folder)
        env = {
            **os.environ,
            "FUSERANK_CONF": str(folder / "conf"),
            "TZ": "UTC",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_SUBMIT_OPTS": SHORT_LIVED,
        }
        lake = ["--env", "local", "--dataset", "tinyshop", "--as-of", AS_OF, "--lake", str(folder / "lake")]
        small = [part for setting in (*SMALL, *sys.argv[1:]) for part in ("--set", setting)]
        target = chain_of_smoke()  # of the code as it is now: what is edited during the run is not in the lake
        found = []
        for job in ("refresh", "ranking"):
            call([str(BIN / "spark-submit"), str(ROOT / f"jobs/{job}.py"), *lake, *small], env)
            found.append(digest_of_ranking(folder / "lake"))
            if job == "refresh" and not sys.argv[1:]:
                leave(folder / "lake", target)
        if found[0] != found[1]:
            print(f"smoke: a rerun changed the ranking: {found[0]} then {found[1]}", file=sys.stderr)
            return 1
        print(f"smoke: ranking {found[0]}, the same when ranked again")
    return 0


def digest_of_ranking(lake: Path) -> str:
    """SHA-256 of the rows but for what names the run, read without a JVM: `fuserank digest` is another test's."""
    columns = [c for c in RANKING.column_names if c not in RANKING.not_in_digest]
    rows = FolderRows(str(lake)).rows(RANKING, {}, columns, RANKING.keys)
    return hashlib.sha256(repr([list(row.values()) for row in rows]).encode()).hexdigest()


def leave(lake: Path, target: Path) -> None:
    """Copy the lake to ``target``, for the tests that start from it; lakes of other states of the code are removed."""
    shutil.rmtree(target.parent, ignore_errors=True)
    shutil.copytree(lake, target.with_suffix(".part"))
    target.with_suffix(".part").rename(target)


def call(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(done.stdout[-3000:], file=sys.stderr)
        raise SystemExit(f"smoke: {Path(command[0]).name} {Path(command[1]).name} ended with {done.returncode}")
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
