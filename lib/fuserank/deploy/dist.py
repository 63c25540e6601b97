"""What lies in dist/ beside the archives: Delta's jars, the settings as an archive,
the jobs' shims, the wheel's constraints.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from pathlib import Path

from fuserank.deploy.archive import PackageError


def copy_jars(lock: Path, installed: Path, to: Path) -> list[str]:
    """The jars of ``requirements/jars.lock`` from the folder of `make setup`, as
    ``name-version.jar``; gives their names.

    :raises PackageError: a jar is not there, or its SHA-256 is not the lock's
    """
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    rows = [line.split() for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    for coordinate, want in rows:
        group, name, version = coordinate.split(":")
        jar = installed / f"{group}_{name}-{version}.jar"
        cure = ".venv/bin/fuserank setup --again fetches it again"
        if not jar.is_file():
            raise PackageError(f"{jar.name} of requirements/jars.lock is not in {installed}; {cure}")
        if (have := hashlib.sha256(jar.read_bytes()).hexdigest()) != want:
            raise PackageError(f"{jar.name} has SHA-256 {have}, requirements/jars.lock says {want}; {cure}")
        shutil.copyfile(jar, to / f"{name}-{version}.jar")
    return sorted(p.name for p in to.iterdir())


def write_conf(conf: Path, to: Path) -> None:
    """conf/ as an archive whose root is its inside: ``<to>#conf`` unpacks it as conf/ beside a driver on a cluster."""
    with tarfile.open(to, "w:gz") as tar:
        for file in sorted(conf.rglob("*.yaml")):
            tar.add(file, str(file.relative_to(conf)), filter=_nobodys)


def copy_jobs(jobs: Path, to: Path) -> None:
    """The shims for spark-submit."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for shim in sorted(jobs.glob("*.py")):
        shutil.copyfile(shim, to / shim.name)


def copy_constraints(wheel: Path, to: Path) -> Path:
    """The constraints that ride in a wheel, beside it: who installs the wheel needs them before."""
    with zipfile.ZipFile(wheel) as packed:
        (to / "constraints.txt").write_bytes(packed.read("fuserank/defaults/requirements/constraints.txt"))
    return to / "constraints.txt"


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Readable for all, owned by root: not by whoever made it."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o644
    return member
