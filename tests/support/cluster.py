"""A real Spark standalone cluster on the loopback: one master and its workers, each a JVM of its own.

    with standalone(tmp_path) as cluster:
        cluster.submit(["jobs/refresh.py", "--env", "cluster", …], {"FUSERANK_CONF": …})

Executors get nothing from the driver's environment: what they need comes by ``--conf``, as on a cluster of strangers.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from fuserank.io.runtime.few_rows import SHORT_LIVED

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
START_SECONDS = 60.0
_LOG4J = """rootLogger.level = info
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""
# An executor for each worker; small, as all of it shares one machine with the tests, and few tasks over tiny tables.
_SIZES = {
    "spark.driver.memory": "1g",
    "spark.executor.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.driver.extraJavaOptions": SHORT_LIVED,
    "spark.executor.extraJavaOptions": SHORT_LIVED,
}


@dataclass
class Cluster:
    """A standalone cluster that runs: where it is, and how to give it work."""

    url: str
    page: str
    folder: Path
    master: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """What the master says of itself: aliveworkers, cores, coresused, activeapps …"""
        with urllib.request.urlopen(f"{self.page}/json/", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def conf(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """conf/env/cluster.yaml's settings, the jars and Python of this environment, this driver; then ``changes``."""
        from fuserank.config.settings import load

        jars = ",".join(sorted(map(str, (Path(sys.prefix) / "jars").glob("*.jar"))))
        own = {
            "spark.jars": jars,
            "spark.pyspark.python": sys.executable,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(self.folder / "local"),
        }
        return {**load("cluster").submit, **_SIZES, **own, **(changes or {})}

    def command(self, job: Sequence[str], conf: Mapping[str, str] | None = None) -> list[str]:
        """The spark-submit line of a job in client mode; ``job`` is the script and its arguments."""
        pairs = [part for key, value in self.conf(conf).items() for part in ("--conf", f"{key}={value}")]
        return [str(BIN / "spark-submit"), "--master", self.url, "--deploy-mode", "client", *pairs, *job]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The driver's: an empty SPARK_CONF_DIR, so that no spark-defaults.conf of a laptop helps."""
        return {**_clean(), "SPARK_CONF_DIR": str(self.folder / "driver-conf"), "TZ": "UTC", **(more or {})}

    def submit(
        self,
        job: Sequence[str],
        env: Mapping[str, str] | None = None,
        conf: Mapping[str, str] | None = None,
        seconds: float = 1500,
    ) -> subprocess.CompletedProcess[str]:
        """Run a job to its end: all output as ``stdout``, and the exit code; raises
        where it takes longer than ``seconds``.
        """
        return subprocess.run(
            self.command(job, conf),
            env=self.environment(env),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # spark-submit itself puts all that Python says into stdout
            text=True,
            check=False,
            timeout=seconds,
        )


@contextmanager
def standalone(folder: Path, workers: int = 2, cores: int = 1, memory_mib: int = 2048) -> Iterator[Cluster]:
    """Start a master and ``workers`` workers, wait until all have registered;
    everything is ended and reaped at the end.

    ``folder`` takes logs, work folders and local folders. Raises RuntimeError with the log of what did not start.
    """
    for name, level in (("conf", "info"), ("driver-conf", "error")):
        (folder / name).mkdir(parents=True)
        (folder / name / "log4j2.properties").write_text(_LOG4J.replace("info", level), encoding="utf-8")
    with ExitStack() as stack:
        log = folder / "master.log"
        master = stack.enter_context(_daemon(["master.Master", "--port", "0", "--webui-port", "0"], log, folder))
        url = _found_in_log(log, r"Starting Spark master at (spark://\S+)", master)
        page = _found_in_log(log, r"and started at (http://\S+)", master)
        cluster = Cluster(url, page, folder, master)
        for n in range(workers):
            sizes = ["--cores", str(cores), "--memory", f"{memory_mib}M", "--work-dir", str(folder / f"work-{n}")]
            args = ["worker.Worker", "--port", "0", "--webui-port", "0", *sizes, url]
            cluster.workers.append(stack.enter_context(_daemon(args, folder / f"worker-{n}.log", folder)))
        until = time.monotonic() + START_SECONDS
        while cluster.state()["aliveworkers"] < workers:
            if time.monotonic() > until:
                raise RuntimeError(f"{workers} workers did not register with {url}:\n{_logs(folder)}")
            time.sleep(0.2)
        yield cluster


def _clean() -> dict[str, str]:
    """This environment without what would tell Spark's processes where and how to run."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "PYTHONPATH"))}


@contextmanager
def _daemon(args: list[str], log: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Spark daemon in a session of its own; at the end it and all that it started are gone."""
    import pyspark

    home = Path(pyspark.__file__).parent
    env = {
        **_clean(),
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "TZ": "UTC",
    }
    command = [
        str(home / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{args[0]}",
        "--host",
        "127.0.0.1",
        *args[1:],
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_dies_with_its_parent,
        )
    try:
        yield process
    finally:
        _end(process)


def _dies_with_its_parent() -> None:
    """prctl(PR_SET_PDEATHSIG): a test run that is killed itself leaves no cluster behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the daemon, which ends its executors; SIGKILL to what is left of its tree, all of it waited for."""
    try:
        tree = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        tree = []
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(tree, timeout=5)
    for left in alive:
        left.kill()
    psutil.wait_procs(alive, timeout=10)


def _found_in_log(log: Path, pattern: str, process: subprocess.Popen[bytes]) -> str:
    """The first group of ``pattern`` as soon as it stands in the log; raises where the process ends before."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        ended = process.poll() is not None
        found = re.search(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if found:
            return found[1]
        if ended:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{log.stem} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def _logs(folder: Path) -> str:
    return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in sorted(folder.glob("*.log")))
