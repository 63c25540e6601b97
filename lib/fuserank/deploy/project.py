"""The folder of a shop that uses an installed fuserank: its own settings and what
starts jobs; all else rides in the package.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from fuserank import __version__
from fuserank.common.errors import FuserankError
from fuserank.config.places import defaults

_BASE = """# What differs from what ships, everywhere; conf/env/<env>.yaml says what differs in one
# environment. `fuserank settings` prints every key.
dataset: {dataset}
# ranking:
#   k: 20
"""
_DATASETS = (
    "A mapping a data set: `fuserank init FOLDER --name {dataset}` looks at a shop's files and writes {dataset}.yaml"
    " here.\n"
)
_IGNORED = """__pycache__/
.venv/
/lake/
/out/
spark-warehouse/
metastore_db/
derby.log
"""
_MAKEFILE = """# `make recs` makes the ranking; FUSERANK=.venv/bin/fuserank where that is not on the PATH
FUSERANK ?= fuserank
LAKE ?= lake
.PHONY: setup check recs report

setup: ## once for each environment: Delta's jars, Spark's settings
\t$(FUSERANK) setup

check: ## what of the files would go to quarantine
\t$(FUSERANK) check {dataset}

recs: ## events in, fused ranking out, then out/report.html
\t$(FUSERANK) refresh --lake $(LAKE) --report

report: ## out/report.html again
\t$(FUSERANK) report --lake $(LAKE)
"""
_CI = """#!/usr/bin/env bash
# An example for any CI: install what the shop runs by, look at settings and mapping.
set -euo pipefail
cd "$(dirname "$0")/.."
python3.11 -m venv .venv
.venv/bin/pip install 'fuserank[train,petastorm]=={version}'{constraint}
make setup FUSERANK=.venv/bin/fuserank
.venv/bin/fuserank refresh --dry-run
"""
_README = """# {dataset}
Settings and jobs of one shop, by fuserank {version}. conf/ says what differs from what ships;
conf/env/local.yaml may be added, for one environment.

    fuserank setup                               # once for each environment; needs Java 17 or 21
{init}    fuserank check {dataset}
    fuserank refresh --report                    # into lake/, then out/report.html
    fuserank recommend USER
    spark-submit jobs/ranking.py --lake lake     # one stage alone

{versions}.ci/run: an example for CI.
"""
_VERSIONS = "constraints.txt: the versions that this release was tested with, for `pip install --constraint`. "
_INIT = (
    "    fuserank init FILES --name {dataset}      # writes conf/datasets/{dataset}.yaml; FILES is the folder of"
    " exports\n"
)


class ProjectError(FuserankError):
    """The folder cannot be made; the message says why."""


def make(folder: Path, dataset: str, mapping: bool = False) -> list[str]:
    """Write the project; gives the names of its files.

    :param folder: made where it is not there; must be empty
    :param dataset: the name of the one data set
    :param mapping: begin with the mapping of ``dataset`` that ships
    :raises ProjectError: the folder holds something, or no such mapping ships
    """
    ship = defaults()
    shipped = ship / "conf" / "datasets" / f"{dataset}.yaml"
    if mapping and not shipped.is_file():
        there = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.yaml")))
        raise ProjectError(f"no mapping of {dataset!r} ships; there are: {there}")
    if file := next((place for place in folder.parents if place.is_file()), None):
        raise ProjectError(f"{file} is a file, so {folder} cannot be made; name another folder")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ProjectError(f"{folder} is there already, and not empty; name another folder")
    constraints = ship / "requirements" / "constraints.txt"  # a checkout has its lock instead
    for name, text in _texts(dataset, mapping, constraints.is_file()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / ".ci" / "run").chmod(0o755)
    copied = [file for part in ("jobs", "notebooks") for file in sorted((ship / part).glob("*.py"))]
    copied += [shipped] if mapping else []
    for file in copied:
        (folder / file.relative_to(ship)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / file.relative_to(ship))
    if constraints.is_file():
        shutil.copyfile(constraints, folder / constraints.name)
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def _texts(dataset: str, mapping: bool, constrained: bool) -> dict[str, str]:
    words = {"dataset": dataset, "version": __version__}
    words["constraint"] = " --constraint constraints.txt" if constrained else ""
    words["versions"] = _VERSIONS if constrained else ""
    init = "" if mapping else _INIT.format(**words)
    texts = {
        "conf/base.yaml": _BASE,
        "conf/datasets/README.md": _DATASETS,
        ".gitignore": _IGNORED,
        "Makefile": _MAKEFILE,
        ".ci/run": _CI,
        "README.md": _README,
    }
    return {name: text.format(**words, init=init) for name, text in texts.items()}
