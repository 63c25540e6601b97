"""What the cluster tests share: the tiny shop, the cluster, the archives, and the
refresh on local[2] and on the cluster.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cluster import BIN, ROOT, Cluster, standalone
from tests.support.tinyshop import AS_OF, write_shop

SMALL = (
    "train.epochs=1",
    "train.threads=1",
    "candidates.als.factors=16",
    "candidates.als.iterations=3",
    "ranking.k=5",
    "samples.negative_rate=1.0",
)
ON_EXECUTORS = "ranks.place=executors"


def say(line: str) -> None:
    """To whoever watches `make cluster-test`, without where this machine keeps its Python."""
    print(f"\n  {line.replace(sys.base_prefix, '…')}", flush=True)


@dataclass
class Shop:
    """The tiny shop and its lakes."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        return {"FUSERANK_CONF": str(self.folder / "conf"), "TZ": "UTC"}

    def lake(self, name: str) -> Path:
        return self.folder / name

    def job(self, name: str, lake: str, *settings: str, env: str = "cluster") -> list[str]:
        """A job's script and arguments, for spark-submit."""
        pairs = [part for setting in (*SMALL, *settings) for part in ("--set", setting)]
        where = ["--env", env, "--dataset", "tinyshop", "--as-of", AS_OF, "--lake", str(self.lake(lake))]
        return [str(ROOT / "jobs" / f"{name}.py"), *where, *pairs]

    def copy(self, source: str, name: str) -> str:
        """A lake of its own with the tables of another: paths in a Delta log are relative."""
        shutil.copytree(self.lake(source), self.lake(name))
        return name

    def fuserank(self, *args: str) -> str:
        """The output of a command of this machine's own session."""
        done = subprocess.run(
            [str(BIN / "fuserank"), *args],
            env={**os.environ, **self.env},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def digests(self, lake: str, *tables: str) -> dict[str, str]:
        """Of several tables, by name: one session for all."""
        output = self.fuserank("digest", *tables, "--lake", str(self.lake(lake)))
        return {table: value for value, table in (line.split() for line in output.splitlines())}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    return Shop(folder)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = time.monotonic()
    with standalone(tmp_path_factory.mktemp("cluster") / "standalone") as found:
        state = found.state()
        say(
            f"{found.url}: {state['aliveworkers']} workers, {state['cores']} cores, up in"
            f" {time.monotonic() - started:.0f} s"
        )
        yield found
    say("cluster stopped")


def submitted(
    cluster: Cluster, shop: Shop, job: list[str], conf: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished job; prints a line about it."""
    started = time.monotonic()
    done = cluster.submit(job, shop.env, conf)
    changed = "".join(f" {s}" for s in job[job.index("--set") :] if "=" in s and s not in SMALL)
    say(f"{Path(job[0]).stem}{changed}: exit code {done.returncode} after {time.monotonic() - started:.0f} s")
    return done


def last_line(output: str) -> str:
    """The last line that fuserank prints: the one that a person reads."""
    found: list[str] = re.findall(r"^fuserank: .*$", output, re.MULTILINE)
    assert found, output[-4000:]
    return found[-1]


def made(kind: str, to: Path) -> Path:
    """An archive by `make package`'s own script, and a line about it."""
    started = time.monotonic()
    command = [sys.executable, str(ROOT / "deploy" / "local" / "package.py"), "--only", kind, "--dist", str(to)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    archive = to / f"fuserank-{kind}.tar.gz"
    say(f"{archive.name}: {archive.stat().st_size / 2**20:.0f} MiB after {time.monotonic() - started:.0f} s")
    assert not list(to.glob(f".{kind}-*"))  # the environment that it was made of is gone
    return archive


@pytest.fixture(scope="session")
def data_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("data", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def train_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("train", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def on_local(shop: Shop) -> str:
    """The lake of the refresh by local[2]."""
    started = time.monotonic()
    command = [str(BIN / "spark-submit"), "--master", "local[2]", *shop.job("refresh", "local", env="local")]
    done = subprocess.run(
        command, env={**os.environ, **shop.env}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    say(f"refresh on local[2]: exit code {done.returncode} after {time.monotonic() - started:.0f} s")
    assert done.returncode == 0, done.stdout[-4000:]
    return "local"


@pytest.fixture(scope="session")
def on_cluster(shop: Shop, cluster: Cluster, train_archive: Path) -> str:
    """The lake of the refresh on two workers, its ranks on the executors: one
    application, Python from the archive alone.
    """
    conf = {
        "spark.archives": f"{train_archive}#environment",
        "spark.pyspark.python": "./environment/bin/python",
        "spark.pyspark.driver.python": sys.executable,
    }
    done = submitted(cluster, shop, shop.job("refresh", "cluster", ON_EXECUTORS), conf)
    assert done.returncode == 0, done.stdout[-4000:]
    return "cluster"
