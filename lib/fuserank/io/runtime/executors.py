"""The executors of this application: whether they come, can work, and have slots free."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

T = TypeVar("T")
_POLL_SECONDS = 0.2
_ENDED = 6  # executors that were lost before the first task: no chance, a cluster would start again and again
_CONNECT_SECONDS = 5.0
_STANDALONE = "spark://"


class ClusterError(FuserankError):
    """The cluster gives no executors, or they can't work; the message names the cause and the cure."""


@dataclass(frozen=True)
class Slots:
    """Task slots of the executors that are alive now; in local mode of the driver (count)."""

    total: int
    free: int
    executors: int


def slots(spark: SparkSession) -> Slots:
    """What Spark's own status store says; it lags by some .1 s."""
    alive = _executors(spark, active_only=True)
    working = [(int(e.maxTasks()), int(e.activeTasks())) for e in alive if e.maxTasks() > 0]  # the driver may have none
    return Slots(sum(most for most, _ in working), sum(max(most - busy, 0) for most, busy in working), len(working))


def _executors(spark: SparkSession, active_only: bool) -> list[Any]:
    """Spark's ExecutorSummary of each, the driver among them."""
    context: Any = spark.sparkContext._jsc
    listed = context.sc().statusStore().executorList(active_only)
    return [listed.apply(k) for k in range(listed.size())]


def refuse_dynamic_allocation(spark: SparkSession, what: str) -> None:
    """A barrier stage takes its slots at once; Spark has none of them while executors come and go."""
    if spark.sparkContext.getConf().get("spark.dynamicAllocation.enabled", "false") == "true":
        raise ClusterError(
            f"{what} starts all its tasks at once, which Spark refuses with spark.dynamicAllocation.enabled=true; "
            "submit with --conf spark.dynamicAllocation.enabled=false"
        )


def await_slots(spark: SparkSession, wanted: int, seconds: float, what: str) -> None:
    """Return as soon as ``wanted`` slots are free; raises ClusterError with the numbers after ``seconds``."""
    refuse_dynamic_allocation(spark, what)
    until = time.monotonic() + seconds
    while (found := slots(spark)).free < wanted:
        if time.monotonic() >= until:
            raise ClusterError(
                f"{what} needs {wanted} free task slots at once; {found.free} of {found.total} on {found.executors} "
                f"executors are free after {seconds:.0f} s; add executors or cores (spark.cores.max, "
                "spark.executor.instances, spark.executor.cores), end what else runs in this application, or lower "
                "train.ranks"
            )
        time.sleep(_POLL_SECONDS)


def refuse_bad_addresses(conf: SparkConf) -> None:
    """What can be known of a standalone cluster before Spark starts: the master
    answers, and workers may reach the driver.
    """
    url, host = conf.get("spark.master", "") or "", conf.get("spark.driver.host", "") or ""
    if not url.startswith(_STANDALONE):
        return
    answering = _first_answering(url)
    if host and not (found := _addresses(host)):
        raise ClusterError(
            f"spark.driver.host={host} is no known host; give a name or address that every worker reaches"
        )
    if host and all(a.startswith("127.") or a == "::1" for a in found) and not answering.startswith("127."):
        raise ClusterError(
            f"spark.driver.host={host} means this machine alone, and the master {url} is on {answering}: its workers "
            "could not call the driver; give an address of this machine that they reach"
        )


def own_address(url: str) -> str:
    """The address of this machine that a standalone master sees; raises ClusterError where no master answers."""
    return _first_answering(url, own=True)


def _first_answering(url: str, own: bool = False) -> str:
    """The address of the first master of ``spark://host:port,host:port`` that takes a connection, or ours to it."""
    for place in url.removeprefix(_STANDALONE).split(","):
        host, _, port = place.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), _CONNECT_SECONDS) as link:
                return str((link.getsockname() if own else link.getpeername())[0])
        except (OSError, ValueError):
            continue
    raise ClusterError(f"no Spark master answers at {url}; start it, or fix --master")


def _addresses(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]
    except OSError:
        return []


def await_executors(spark: SparkSession, seconds: float) -> None:
    """Wait for the first executor; nothing of it in local mode.

    Raises ClusterError after ``seconds`` without an executor, or as soon as the
    cluster manager gives the application up.
    """
    master = spark.sparkContext.master or ""
    if master.startswith("local"):
        return
    until, java = time.monotonic() + seconds, spark.sparkContext._jsc.sc()
    while not java.isStopped() and slots(spark).total == 0:
        if time.monotonic() >= until:
            raise _nobody_came(spark, master, seconds)
        _refuse_dying(spark)
        time.sleep(_POLL_SECONDS)
    if java.isStopped():
        raise ClusterError(
            f"every executor that {master} started ended at once, so it gave the application up: "
            f"{_unreachable(java)}; an executor's stderr in its worker's work folder says which"
        )


def unless_they_die(spark: SparkSession, work: Callable[[], T]) -> T:
    """What ``work``, the first Spark job of a session, returns; raises ClusterError
    where executors come and end instead.

    A cluster manager starts them again and again, and a job whose tasks never begin never fails: it would hang.
    """
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(work)
        while not wait([job], timeout=_POLL_SECONDS).done:
            try:
                _refuse_dying(spark)
            except ClusterError:
                spark.sparkContext.cancelAllJobs()
                raise
        return job.result()


def _refuse_dying(spark: SparkSession) -> None:
    ended = [e for e in _executors(spark, active_only=False) if not e.isActive()]
    if len(ended) < _ENDED:
        return
    newest = max(ended, key=lambda e: int(e.id()))
    why = newest.removeReason().get() if newest.removeReason().isDefined() else ""
    raise ClusterError(
        f"{len(ended)} executors came and ended before they did anything, the last one of: {root_cause(why)}; fix it"
        " on the nodes (an executor's stderr in its worker's work folder says more), and submit again"
    )


def _nobody_came(spark: SparkSession, master: str, seconds: float) -> ClusterError:
    conf = spark.sparkContext.getConf()
    host, port = conf.get("spark.driver.host", "") or "", conf.get("spark.driver.port", "") or "0"
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as problem:
        return ClusterError(
            f"no executor came within {seconds:.0f} s, and nobody can: the driver does not answer at "
            f"spark.driver.host={host} ({problem}); give an address of this machine that every worker reaches"
        )
    size = f"{conf.get('spark.executor.memory', '1g')} of memory and {conf.get('spark.executor.cores', '1')} core(s)"
    return ClusterError(
        f"no executor came within {seconds:.0f} s: {master} has no worker with {size} free, or its executors can't"
        f" reach the driver at {host}:{port}; add workers, end other applications, ask for less (spark.executor.memory,"
        " spark.executor.cores), or fix spark.driver.host"
    )


def _unreachable(java: Any) -> str:
    conf = java.conf()
    host, memory = conf.get("spark.driver.host", "?"), conf.get("spark.executor.memory", "1g")
    return (
        f"either they can't reach the driver at spark.driver.host={host} (give an address of this machine that every "
        f"worker reaches), or a JVM of {memory} does not start there (lower spark.executor.memory)"
    )


def refuse_bad_python(spark: SparkSession) -> None:
    """One small task a slot; raises ClusterError where an executor's Python does
    not start, is another, or lacks fuserank.

    Nothing in local mode, where it is the driver's.
    """
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    context = spark.sparkContext
    if (context.master or "").startswith("local"):
        return
    count = max(slots(spark).total, 1)
    try:
        unless_they_die(spark, context.parallelize(range(count), count).mapPartitions(_imports).collect)
    except (PySparkException, Py4JJavaError) as problem:
        raise ClusterError(python_problem(str(problem), context.pythonExec)) from None


def _imports(_: Iterable[int]) -> Iterator[str]:
    """What all kernels need, tried on the executor."""
    import fuserank.io.batches.arrow

    yield fuserank.io.batches.arrow.__name__


def python_problem(message: str, python: str) -> str:
    """One line for what a Python task of an executor died of."""
    cure = (
        "every node needs one Python of the driver's minor version with fuserank installed; "
        "name it by spark.pyspark.python"
    )
    if python.startswith("./"):  # in an archive, which links to an interpreter
        cure += (
            "; an archive's bin/python is a link to the path that `make package` printed: `fuserank doctor --cluster`"
        )
    for pattern, text in (
        (r'Cannot run program "([^"]+)"', "an executor can't start {0}"),
        (
            r"Python in worker[^.]*? different version:? ?\(?([\d.]+).*?driver:? ?([\d.]+)",
            "an executor's {python} is {0}, the driver's {1}",
        ),
        (r"No module named '?([\w.]+)'?", "an executor's {python} has no module {0}"),
    ):
        if found := re.search(pattern, message, re.DOTALL):
            return f"{text.format(*found.groups(), python=python)}; {cure}"
    return f"an executor's {python} can't work: {root_cause(message)}; {cure}"


def refuse_unshared(spark: SparkSession, folder: Path, tasks: int) -> None:
    """Raises ClusterError with the hosts of those of ``tasks`` simultaneous tasks
    that don't see the driver's ``folder``.
    """
    context, path = spark.sparkContext, str(folder)

    def blind(_: Iterable[int]) -> Iterator[str]:
        if not Path(path).is_dir():
            yield socket.gethostname()

    hosts = sorted(set(context.parallelize(range(tasks), tasks).barrier().mapPartitions(blind).collect()))
    if hosts:
        raise ClusterError(
            f"the executors on {', '.join(hosts)} do not see {folder}, which the driver has made; put the lake on a"
            " file system that all nodes share, or name a folder on one in ranks.shared_dir"
        )


def root_cause(message: str) -> str:
    """The innermost cause of a JVM error, or the last line of a Python traceback in it, on one line."""
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    python = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Failure)\b.*:", line)]
    found = causes[-1:] or python[-1:] or lines[:1] or ["Spark gives no reason"]
    return found[0][:300]
