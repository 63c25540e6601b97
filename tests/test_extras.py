"""What an extra installs is asked for where it is used: all else works without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# All but pyarrow_hotfix, which the pyarrow of these locks wants.
EXTRAS = """
import importlib, pkgutil, sys
import tomllib
from importlib.metadata import packages_distributions

extras = tomllib.load(open("pyproject.toml", "rb"))["project"]
mine = lambda lines: {line.split("[")[0].split(">")[0].split("=")[0].split("<")[0].strip().lower() for line in lines}
wanted = set().union(*map(mine, extras["optional-dependencies"].values())) - mine(extras["dependencies"])
names = {n for n, of in packages_distributions().items() if wanted & {d.lower() for d in of}} - {"pyarrow_hotfix"}

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in names:
            raise ModuleNotFoundError(f"No module named {name!r}, which an extra installs")

sys.meta_path.insert(0, Blocked())
import fuserank.cli, fuserank.jobs, fuserank.usecases
for package in (fuserank.jobs, fuserank.usecases, fuserank.cli):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
print(len(names))
"""


def test_jobs_and_commands_load_where_no_extra_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXTRAS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
