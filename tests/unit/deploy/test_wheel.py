"""What rides in the wheel: all that an installed package finds as its defaults, and nothing of it in git twice."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.golden import ROOT

INSIDE = "fuserank/defaults/"
PARTS = ("conf/**/*.yaml", "jobs/*.py", "notebooks/*.py", "requirements/*jars.lock")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The checkout's, built without a network."""
    to = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "uv", "build", "-q", "--wheel", "--offline", "--out-dir", str(to), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and re.search(r"hatchling|editables|No module named uv", done.stderr):
        pytest.skip("hatchling is not in uv's cache")
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(next(to.glob("*.whl")))


def test_defaults_are_the_checkouts_files_byte_for_byte(wheel: zipfile.ZipFile) -> None:
    inside = {name.removeprefix(INSIDE) for name in wheel.namelist() if name.startswith(INSIDE)}
    here = {str(file.relative_to(ROOT)) for part in PARTS for file in ROOT.glob(part)}
    assert inside == here | {"requirements/constraints.txt", "requirements/constraints-modern.txt"}
    assert {name for name in here if wheel.read(INSIDE + name) != (ROOT / name).read_bytes()} == set()


@pytest.mark.parametrize(("name", "lock"), [("constraints", "run"), ("constraints-modern", "modern")])
def test_constraints_are_the_locks_names_and_versions(name: str, lock: str, wheel: zipfile.ZipFile) -> None:
    lines = wheel.read(f"{INSIDE}requirements/{name}.txt").decode().splitlines()
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    assert len(lines) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)) > 50
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", line) for line in lines)


def test_the_package_is_whole_and_nothing_else_is_there(wheel: zipfile.ZipFile) -> None:
    code = {str(file.relative_to(ROOT / "lib")) for file in (ROOT / "lib" / "fuserank").rglob("*.py")}
    names = {name for name in wheel.namelist() if not name.startswith(INSIDE) and ".dist-info/" not in name}
    assert code <= names
    assert {Path(name).suffix for name in names - code} <= {".css", ".html", ".svg", ".typed", ".js"}


def test_a_checkout_keeps_no_copy() -> None:
    assert not (ROOT / "lib" / INSIDE).exists()
