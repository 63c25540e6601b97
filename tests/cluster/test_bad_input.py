"""What a person reads where the cluster cannot do what is asked: one line, cause and cure, and no wait for ever."""

from __future__ import annotations

import sys
import time
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.cluster.conftest import ON_EXECUTORS, Shop, last_line, say
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster
WAIT = "run.executors_wait_seconds=12"
OLD_DELTA = "delta-spark_2.12-3.2.0.jar"


@dataclass(frozen=True)
class Case:
    """A mistake in the input, and words of the error message."""

    name: str
    words: tuple[str, ...]
    settings: tuple[str, ...] = ()
    conf: dict[str, str] = field(default_factory=dict)
    master: str = ""
    lake: str = ""


BEFORE = (  # found while the application starts: no lake is needed
    Case("no master", ("no Spark master answers at spark://127.0.0.1:1", "fix --master"), master="spark://127.0.0.1:1"),
    Case(
        "no room",
        ("no executor came within 12 s", "no worker with 9g of memory", "ask for less"),
        (WAIT,),
        {"spark.executor.memory": "9g"},
    ),
    Case(
        "unknown driver host",
        ("spark.driver.host=driver.invalid is no known host", "give a name or address"),
        (),
        {"spark.driver.host": "driver.invalid"},
    ),
    Case(
        "driver host of another machine",
        ("spark.driver.host=192.0.2.1", "it is no address of this machine; give one"),
        (),
        {"spark.driver.host": "192.0.2.1", "spark.driver.bindAddress": "192.0.2.1"},
    ),
    Case(
        "driver host out of reach",
        ("spark.driver.host=192.0.2.1", "give an address of this machine"),
        (WAIT,),
        {"spark.driver.host": "192.0.2.1"},
    ),
    Case(
        "no such Python",
        ("an executor can't start /no/such/python", "spark.pyspark.python"),
        (),
        {"spark.pyspark.python": "/no/such/python"},
    ),
    Case(
        "a Python without fuserank",
        ("has no module fuserank", "spark.pyspark.python"),
        (),
        {"spark.pyspark.python": str(Path(sys.base_prefix) / "bin" / "python3")},
    ),
    Case(
        "executors that end at once",
        ("executors came and ended before they did anything", "no.such.Plugin", "stderr"),
        (),
        {"spark.executorEnv.JAVA_TOOL_OPTIONS": "-Dspark.plugins=no.such.Plugin"},
    ),
    Case(
        "no archive",
        ("/no/such/fuserank-data.tar.gz of --archives (spark.archives) is not there", "`make package`"),
        (),
        {"spark.archives": "/no/such/fuserank-data.tar.gz#environment"},
    ),
    Case(
        "no such jar",
        ("/no/such/delta.jar of --jars (spark.jars) is not there",),
        (),
        {"spark.jars": "/no/such/delta.jar"},
    ),
    Case(
        "a Delta jar for another Scala",
        (f"{OLD_DELTA} is for Scala 2.12, and this Spark runs on 2.13", "dist/jars"),
        (),
        {"spark.jars": f"{{folder}}/{OLD_DELTA}"},
    ),
    Case("no Delta jar", ("Delta's jars are not on Spark's class path", "--jars"), (), {"spark.jars": ""}),
    Case("a lake that cannot be written", ("lake /proc/lake cannot be written", "--lake"), lake="/proc/lake"),
)
WITH_A_LAKE = (
    Case(
        "no free slots",
        (
            "training on 3 executors' slots needs 3 free task slots at once; 2 of 2",
            "spark.cores.max",
            "lower train.ranks",
        ),
        (ON_EXECUTORS, "train.ranks=3", "train.batch=96", "ranks.slots_seconds=3"),
    ),
    Case(
        "a folder that is not shared",
        ("do not see /proc/self/cwd/", "file system that all nodes share", "ranks.shared_dir"),
        (ON_EXECUTORS, "ranks.shared_dir=/proc/self/cwd/out/not-shared"),
    ),
    Case(
        "executors that come and go",
        ("spark.dynamicAllocation.enabled=true", "--conf spark.dynamicAllocation.enabled=false"),
        (ON_EXECUTORS,),
        {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.initialExecutors": "2"},
    ),
)


@pytest.mark.parametrize("case", BEFORE, ids=lambda c: c.name)
def test_a_cluster_that_cannot_work_is_told_in_one_line(cluster: Cluster, shop: Shop, case: Case) -> None:
    check(cluster, shop, "empty", case)


@pytest.mark.parametrize("case", WITH_A_LAKE, ids=lambda c: c.name)
def test_training_that_cannot_start_is_told_in_one_line(
    cluster: Cluster, shop: Shop, on_cluster: str, case: Case
) -> None:
    check(cluster, shop, on_cluster, case)


def check(cluster: Cluster, shop: Shop, lake: str, case: Case) -> None:
    started = time.monotonic()
    there = replace(cluster, url=case.master or cluster.url)
    conf = {"spark.pyspark.driver.python": sys.executable, **case.conf}
    if (jars := conf.get("spark.jars", "")).startswith("{folder}"):
        conf["spark.jars"] = jars.format(folder=shop.folder)
        zipfile.ZipFile(conf["spark.jars"], "w").close()  # its name is all that is looked at
    done = there.submit(shop.job("train", case.lake or lake, *case.settings), shop.env, conf, seconds=150)
    message = last_line(done.stdout)
    say(f"{case.name}: exit code {done.returncode} after {time.monotonic() - started:.0f} s: {message}")
    assert done.returncode == 2
    assert [word for word in case.words if word not in message] == []
