"""Make .venv: an environment with the locked packages; `fuserank setup` in it does the rest.

Standard library only; run by `make setup`.

Usage: python deploy/local/setup.py run|dev|modern

`modern` is an environment of its own, .venv-modern: current pyarrow, pandas and numpy, no Petastorm.
Done work is not done again: each step keeps a stamp of what it was made from in the environment's stamps/.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

# what pip and uv say then
NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|NewConnectionError|dns error|client error \(Connect\)|Network is unreachable"
)
ROOT = Path(__file__).resolve().parents[2]
KIND = sys.argv[1] if len(sys.argv) > 1 else "run"
VENV = ROOT / (".venv-modern" if KIND == "modern" else ".venv")
STAMPS = VENV / "stamps"
MINOR_VERSION = "import sys; print(sys.version_info[1])"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"


def main() -> int:
    if sys.version_info[:2] != (3, 11) and not (KIND == "modern" and sys.version_info[:2] == (3, 12)):
        return fail(
            f"Python 3.11 is needed, this is {sys.version.split()[0]}; install python3.11 or call make"
            " PYTHON=/path/to/python3.11"
        )
    java = java_version()
    if java not in {17, 21}:
        found = f"Java {java} was found" if java else "no Java was found"
        return fail(
            f"Java 17 (or 21) is needed, {found}; on Debian: apt-get install openjdk-17-jre-headless, or set JAVA_HOME"
        )
    if KIND == "modern" and PYTHON.exists() and call([PYTHON, "-c", MINOR_VERSION]).strip() != f"{sys.version_info[1]}":
        shutil.rmtree(VENV)  # made by another Python than was asked for now
    if not PYTHON.exists():
        say(f"making {VENV.name}")
        venv.create(VENV, with_pip=True)
    STAMPS.mkdir(exist_ok=True)
    install_packages(KIND)
    # Delta's jars, spark-defaults.conf, the archive of Spark's classes: as in any environment
    environment = {**os.environ, "PYSPARK_PYTHON": str(PYTHON)}
    return subprocess.run([VENV / "bin" / "fuserank", "setup"], cwd=ROOT, env=environment, check=False).returncode


def java_version() -> int | None:
    """The major version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return None
    found = re.search(r'version "(\d+)', java_text(java))
    return int(found.group(1)) if found else None


def java_text(java: str | None = None) -> str:
    """What Java says of its version."""
    home = os.environ.get("JAVA_HOME")
    java = java or (str(Path(home) / "bin" / "java") if home else "java")
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr


def install_packages(kind: str) -> None:
    lock = REQUIREMENTS / f"{kind}.txt"
    stamp = digest(REQUIREMENTS / "uv.txt", lock, ROOT / "pyproject.toml")
    if is_done(f"packages-{kind}", stamp) or (
        kind == "run"
        and is_done("packages-dev", digest(REQUIREMENTS / "uv.txt", REQUIREMENTS / "dev.txt", ROOT / "pyproject.toml"))
    ):
        return
    say(f"installing locked packages ({lock.name}; torch with its CUDA libraries is about 5 GB)")
    call([PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", REQUIREMENTS / "uv.txt"])
    uv = [PYTHON, "-m", "uv", "pip", "install", "--python", PYTHON, "-q"]
    call([*uv, "--require-hashes", "--no-deps", "-r", lock])
    call([*uv, "--no-deps", "-e", ROOT])
    done(f"packages-{kind}", stamp)


def digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()


def is_done(step: str, stamp: str) -> bool:
    file = STAMPS / step
    return file.exists() and file.read_text() == stamp


def done(step: str, stamp: str) -> None:
    (STAMPS / step).write_text(stamp)


def call(command: list[object]) -> str:
    """Run it and give its output; where it fails, show that and stop."""
    finished = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True)
    if finished.returncode != 0:
        if NO_NETWORK.search(finished.stdout + finished.stderr):
            raise SystemExit(
                "setup: no network: packages are missing here and no registry answers; run it where registries are "
                "reached (mirrors: PIP_INDEX_URL, UV_DEFAULT_INDEX)"
            )
        sys.stderr.write(finished.stdout[-4000:] + finished.stderr[-8000:])
        raise SystemExit(f"setup: {' '.join(Path(str(c)).name for c in command[:4])} … failed; its output is above")
    return finished.stdout


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)


def fail(line: str) -> int:
    print(f"setup: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
