"""`make package`: what a cluster is handed, into dist/: wheel, packed environments, Delta's jars, settings, jobs.

Usage: .venv/bin/python deploy/local/package.py [--node-python PATH] [--only KIND] [--lake URL] [--dist DIR]
Kinds: data, train, serve; wheel: none of them.

An archive's environment is made for it, from requirements/<kind>.txt with fuserank from the wheel, and dropped when
it is packed.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.deploy import archive, dist, submit
from fuserank.deploy.archive import NodePython, PackageError

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30
ROOM = {
    "data": 3 * GIB,
    "train": 14 * GIB,
    "serve": GIB,
}  # the environment, the archive, and the archive while it is made
LEVEL = {
    "data": 6,
    "train": 1,
    "serve": 6,
}  # of gzip: CUDA's libraries are packed in minutes instead of an hour, a tenth larger
EXAMPLE_LAKE = "hdfs:///shop/lake"


def main() -> int:
    p = argparse.ArgumentParser(description="What a cluster is handed, into dist/.")
    p.add_argument(
        "--node-python", default=os.path.realpath(sys._base_executable), help="the Python that every node has"
    )
    p.add_argument("--only", choices=(*ROOM, "wheel"), help="make this archive alone, or none")
    p.add_argument("--lake", default=EXAMPLE_LAKE, help="the lake that the printed lines name")
    p.add_argument("--dist", type=Path, default=ROOT / "dist", help="where it goes")
    args = p.parse_args()
    try:
        if args.only == "wheel":
            wheel_alone(args.dist.absolute())
        else:
            package(args.node_python, [args.only] if args.only else list(ROOM), args.lake, args.dist.absolute())
    except FuserankError as problem:
        print(f"package: {problem}", file=sys.stderr)
        return 2
    return 0


def wheel_alone(to: Path) -> None:
    wheel = build_wheel(to)
    say(
        f"pip install '{wheel}[train,petastorm]' --constraint {to / 'constraints.txt'}, then fuserank setup"
        " (docs/install.md)"
    )


def package(named: str, kinds: list[str], lake: str, to: Path) -> None:
    python = archive.node_python(named, ROOT)
    to.mkdir(parents=True, exist_ok=True)
    refuse_little_room(to, sum(ROOM[kind] for kind in kinds))
    wheel = build_wheel(to)
    say(f"{wheel.name}, {', '.join(dist.copy_jars(ROOT / 'requirements/jars.lock', ROOT / '.venv/jars', to / 'jars'))}")
    dist.write_conf(ROOT / "conf", to / "conf.tar.gz")
    dist.copy_jobs(ROOT / "jobs", to / "jobs")
    for kind in kinds:
        make_archive(kind, wheel, python, to)
    if kinds == ["serve"]:  # for an image: no node, no Spark
        say("docker build -f deploy/docker/Dockerfile.serve -t fuserank-serve:0.2.0 . (docs/deploy.md)")
        return
    say_nodes(python)
    say_lines(kinds, lake, to)


def refuse_little_room(to: Path, needed: int) -> None:
    free = shutil.disk_usage(to).free
    if free < needed:
        raise PackageError(
            f"{to} has {free / GIB:.1f} GiB free and {needed / GIB:.0f} are needed; make room, or ONLY=data for 3"
        )


def build_wheel(to: Path) -> Path:
    for old in to.glob("fuserank-*.whl"):
        old.unlink()
    call([sys.executable, "-m", "uv", "build", "-q", "--wheel", "--out-dir", to, ROOT])
    wheel = next(to.glob("fuserank-*.whl"))
    dist.copy_constraints(wheel, to)
    return wheel


def make_archive(kind: str, wheel: Path, python: NodePython, to: Path) -> None:
    """Environment, archive, and the look into it; an archive that is refused is not kept."""
    started, made = time.monotonic(), to / f"fuserank-{kind}.tar.gz"
    made.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=to, prefix=f".{kind}-") as folder:
        environment, part = Path(folder) / "environment", Path(folder) / made.name
        say(f"{kind}: locked packages")
        install(environment, kind, wheel)
        size = sum(p.lstat().st_size for p in environment.rglob("*") if not p.is_dir())
        say(f"{kind}: packing {size / GIB:.2f} GiB")
        tempfile.tempdir = folder  # where venv-pack2 writes: /tmp may be small, or in memory
        try:
            archive.relink(environment, python)
            archive.pack(environment, part, LEVEL[kind])
        finally:
            tempfile.tempdir = None
        archive.refuse_leads(part, ROOT)
        part.rename(made)
    say(f"{made.name}: {made.stat().st_size / GIB:.2f} GiB after {time.monotonic() - started:.0f} s")


def install(environment: Path, kind: str, wheel: Path) -> None:
    """A virtual environment by the lock, fuserank from the wheel; compiled, as nodes may not write into it."""
    venv.create(environment, symlinks=True)
    pip = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", environment / "bin" / "python", "--no-deps"]
    call([*pip, "--require-hashes", "-r", ROOT / "requirements" / f"{kind}.txt"])
    # by name and not by path: a path would be written into the environment
    version = wheel.name.split("-")[1]
    call([*pip, "--no-index", "--no-cache", "--find-links", wheel.parent, f"fuserank=={version}"])
    packages = next(environment.glob("lib/python*/site-packages"))
    # Files that are no Python of this version, such as templates, stay as they are: nobody imports them.
    compileall.compile_dir(
        packages,
        quiet=2,
        workers=0,
        stripdir=str(environment),
        legacy=False,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def say_nodes(python: NodePython) -> None:
    here = (
        f"this machine's is {python.version}" if python.version else "this machine has none there, so it was not asked"
    )
    say(
        f"every node needs Python {archive.MINOR} as {python.path} ({here}), as an archive carries no interpreter, and"
        " Java 17 or 21"
    )
    say("`fuserank doctor --cluster URL --archive FILE` asks every executor")


def say_lines(kinds: list[str], lake: str, to: Path) -> None:
    """The exact submit lines, for the checkout as working folder: the chain, or a data job where only data was made."""
    job = "refresh" if "train" in kinds else "candidates"
    folder = str(to.relative_to(ROOT)) if to.is_relative_to(ROOT) else str(to)
    settings = load("cluster", [f"lake={lake}", f"deploy.dist={folder}"])
    if lake == EXAMPLE_LAKE:
        say("the lake below is an example: make package LAKE=URL names another")
    for target, title in (
        ("standalone-client", "Standalone (fix --master)"),
        ("yarn-cluster", "YARN (HADOOP_CONF_DIR set)"),
        ("kubernetes-cluster", "Kubernetes (the image is built from dist/: docs/deploy.md)"),
    ):
        print(f"\n# {title}\n{submit.command(submit.job_lines(target, job, settings))}")
    print("\n# every job and target: fuserank render submit --lake URL --set deploy.dist=FOLDER_OR_URL")


def call(command: list[object]) -> None:
    """Run it; where it fails, one line: what uv said last, or that the network is missing."""
    done = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return
    output = done.stdout + done.stderr
    if re.search(r"dns error|client error \(Connect\)|Network is unreachable", output):
        raise PackageError(
            "no network: a package is not in uv's cache and its registry does not answer; run it where the registry is "
            "reached (an index in between: UV_DEFAULT_INDEX), or bring the cache of such a machine (UV_CACHE_DIR)"
        )
    sys.stderr.write(output[-8000:])
    raise PackageError(f"uv {' '.join(str(c) for c in command[3:5])} failed; its output is above")


def say(line: str) -> None:
    print(f"package: {line}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
