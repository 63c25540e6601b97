"""`make wheel-test`: the wheel alone, in an empty folder with an empty HOME, from the install to a tiny shop's ranking.

Usage: .venv/bin/python deploy/local/wheel_test.py [--versions locked|newest] [--folder EMPTY]
           [--until STEP] [--hold "torch<2.13"]

locked: by the constraints that ship, with Petastorm. newest: what the metadata allows today, on the plain reader.
Packages come from uv's cache where it has them; nothing of the checkout is on the path of what is tested.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.tinyshop import AS_OF, SMALL, write_shop  # noqa: E402

from fuserank.deploy.dist import copy_constraints  # noqa: E402

EXTRAS = {"locked": "train,petastorm,init,report", "newest": "train,init,report"}
READER = {"locked": "petastorm", "newest": "pyarrow"}
OURS = ("PYTHON", "PYSPARK", "SPARK", "FUSERANK", "VIRTUAL_ENV")  # variables that a clean shell has not
USER = "ü003"
NOT_SET_UP = "fuserank: this environment was never set up for Spark; run `fuserank setup`, once\n"


def main() -> int:
    p = argparse.ArgumentParser(description="The wheel alone, from an empty folder to a ranking.")
    p.add_argument("--versions", choices=tuple(EXTRAS), default="locked", help="of the packages")
    p.add_argument("--folder", type=Path, help="where; default: a temporary one, which is dropped")
    p.add_argument(
        "--hold", nargs="*", default=[], metavar="NAME<VERSION", help="these are no newer, to spare a download"
    )
    p.add_argument("--until", default="doctor", help="the last step")
    args = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuserank-wheel-") as folder:
        place = (args.folder or Path(folder)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            print(f"wheel-test: {place} is not empty", file=sys.stderr)
            return 2
        walk(place, args.versions, args.until, args.hold)
    return 0


def walk(place: Path, versions: str, until: str, hold: list[str]) -> None:
    """Every step in turn; one that fails ends it."""
    write_shop(place / "made")  # of it the files alone are used
    (place / "made" / "files").rename(place / "files")
    wheel = build(place)
    env, bin_ = clean(place), place / "venv" / "bin"
    fuserank, shop = str(bin_ / "fuserank"), place / "shop"
    uv = [sys.executable, "-m", "uv"]
    locked = ["--constraint", str(place / "constraints.txt")] if versions == "locked" else []
    small = [s for s in SMALL if not s.startswith("train.reader=")] + [f"train.reader={READER[versions]}"]
    overrides = [word for setting in small for word in ("--set", setting)]
    steps: dict[str, tuple[list[str], Path]] = {
        "venv": ([*uv, "venv", "-q", "--python", sys.executable, str(place / "venv")], place),
        "install": (
            [
                *uv,
                "pip",
                "install",
                "-q",
                "--python",
                str(bin_ / "python"),
                *locked,
                *hold,
                f"fuserank[{EXTRAS[versions]}] @ {wheel.as_uri()}",
            ],
            place,
        ),
        "where": ([str(bin_ / "python"), "-c", "import fuserank; print(fuserank.__file__)"], place),
        "not-set-up": ([fuserank, "check", "completejourney"], place),
        "new": ([fuserank, "new", "shop"], place),
        "init": (
            [
                fuserank,
                "init",
                str(place / "files"),
                "--name",
                "shop",
                "--zone",
                "Europe/Berlin",
                "--currency",
                "EUR",
                "--as-of",
                AS_OF,
                "--yes",
            ],
            shop,
        ),
        "setup": ([fuserank, "setup"], shop),
        "setup-again": ([fuserank, "setup"], shop),
        "check": ([fuserank, "check", "shop"], shop),
        "refresh": ([fuserank, "refresh", "--report", *overrides], shop),
        "recommend": ([fuserank, "recommend", USER, "--json", *overrides], shop),
        "doctor": ([fuserank, "doctor", *overrides], shop),
    }
    for name, (command, at) in steps.items():
        out = step(name, command, at, env)
        if name == "where" and not out.startswith(str(place)):
            raise SystemExit(f"wheel-test: fuserank is of {out}, not of the wheel")
        if name == "recommend" and not json.loads(out)["recommendations"]:
            raise SystemExit(f"wheel-test: nothing is recommended to {USER}: {out[:300]}")
        if name == until:
            break
    stray = [p.name for p in (place / "home").iterdir()]
    print(f"wheel-test: {versions}: passed; HOME holds {', '.join(stray) or 'nothing'}", flush=True)


def build(place: Path) -> Path:
    """The wheel, and beside it the constraints that ride in it."""
    subprocess.run([sys.executable, "-m", "uv", "build", "-q", "--wheel", "--out-dir", place, ROOT], check=True)
    wheel = next(place.glob("fuserank-*.whl"))
    copy_constraints(wheel, place)
    return wheel


def clean(place: Path) -> dict[str, str]:
    """Variables of a shell that does not know this checkout: HOME is empty, uv's cache is the machine's."""
    cache = subprocess.run([sys.executable, "-m", "uv", "cache", "dir"], capture_output=True, text=True, check=True)
    (place / "home").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    return environment | {"HOME": str(place / "home"), "UV_CACHE_DIR": cache.stdout.strip()}


def step(name: str, command: list[str], at: Path, env: dict[str, str]) -> str:
    """Run it, say how long it took; where it fails, what it said last.

    What is not set up has to be refused in one line.
    """
    started = time.monotonic()
    done = subprocess.run(command, cwd=at, env=env, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if name == "not-set-up" and (done.returncode, done.stderr) == (2, NOT_SET_UP):
        done.returncode = 0
    if done.returncode:
        print(done.stdout[-4000:] + done.stderr[-8000:], file=sys.stderr)
        raise SystemExit(f"wheel-test: {name} ended with {done.returncode} after {seconds:.0f} s")
    print(f"wheel-test: {name:12s} {seconds:6.1f} s", flush=True)
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
