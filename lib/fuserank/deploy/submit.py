"""The exact spark-submit line of a job, for each kind of cluster."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.config.secrets import SCOPE
from fuserank.config.settings import Settings
from fuserank.deploy.graph import environment_of, job_names

IMAGE_HOME = "/opt/fuserank"  # where deploy/docker/ puts environment, conf and jobs
UNPACKED = "environment"  # the folder in a container's working directory that an archive is unpacked to


class SubmitError(FuserankError):
    """A job cannot be submitted so; the message says why and what to do."""


@dataclass(frozen=True)
class Target:
    """A cluster manager and where the driver runs: ``client``, the submitting machine, or ``cluster``."""

    manager: str
    mode: str
    master: str

    @property
    def name(self) -> str:
        """As files and ``--target`` name it, such as yarn-cluster."""
        return f"{self.manager}-{self.mode}"


TARGETS = {
    t.name: t
    for t in (
        Target("standalone", "client", "spark://master:7077"),
        Target("yarn", "client", "yarn"),
        Target("yarn", "cluster", "yarn"),
        Target("kubernetes", "client", ""),
        Target("kubernetes", "cluster", ""),
    )
}


def target_of(name: str) -> Target:
    """The target of that name; raises SubmitError with those that there are."""
    if name == "standalone-cluster":
        raise SubmitError(
            "Spark takes no Python application in cluster mode on a standalone cluster; submit from a machine that "
            "its workers reach, as standalone-client"
        )
    if name not in TARGETS:
        raise SubmitError(f"no target {name!r}; there are: {', '.join(TARGETS)}")
    return TARGETS[name]


def submit_lines(
    target: str,
    job: str,
    settings: Settings,
    archive: str | None,
    jars: Sequence[str],
    *,
    master: str | None = None,
    jobs: str = "jobs",
    conf: str | None = None,
    as_of: str | None = None,
    args: Sequence[str] = (),
) -> list[str]:
    """The command of a job, a part a line, quoted for a shell; join with `` \\\\\\n  ``.

    :param settings: of the job's environment; ``submit`` and ``deploy`` are rendered, lake and as_of passed on
    :param archive: path or URL of the packed environment; None on Kubernetes, where the image carries it
    :param jars: paths or URLs of Delta's jars; none where the image carries them
    :param conf: path or URL of conf/ as an archive: a driver on a YARN cluster has no other way to its settings
    :param as_of: instead of the settings' date, a day or a scheduler's expression, which stays unquoted
    :param args: more arguments of the job, as ``--set files=…``
    :raises SubmitError: target or job unknown, or something that this target needs is missing
    """
    to = target_of(target)
    if job not in job_names():
        raise SubmitError(f"no job {job!r}; there are: {', '.join(job_names())}")
    _check(to, job, settings, archive, conf)
    default_master = settings.deploy.kubernetes.master if to.manager == "kubernetes" else to.master
    parts = [f"--master {_quoted(master or default_master)}", f"--deploy-mode {to.mode}"]
    parts += [f"--name {_quoted(f'fuserank-{job}')}"]
    unpacked = [f"{archive}#{UNPACKED}"] if archive else []
    unpacked += [f"{conf}#conf"] if conf and to.mode == "cluster" and archive else []
    parts += [f"--archives {_quoted(','.join(unpacked))}"] if unpacked else []
    parts += [f"--jars {_quoted(','.join(jars))}"] if jars else []
    confs = confs_of(to, job, settings, archive)
    parts += [f"--conf {_quoted(f'{key}={value}')}" for key, value in confs.items()]
    folder = f"local://{IMAGE_HOME}/jobs" if target == "kubernetes-cluster" else jobs
    job_args = [*arguments(settings, as_of), *args]
    return ["spark-submit", *parts, " ".join([_quoted(f"{folder}/{job}.py"), *map(_quoted, job_args)])]


def confs_of(to: Target, job: str, settings: Settings, archive: str | None) -> dict[str, str]:
    """All of Spark's settings that the target needs before the JVM starts; secrets in them stay references."""
    for key, value in settings.submit.items():
        if SCOPE.search(value):
            raise SubmitError(f"{key}: only Databricks fills {value}; write '${{env.NAME}}' for {to.name}")
    return {**settings.submit, **_python(to, settings, archive), **_of_manager(to, job, settings)}


def arguments(settings: Settings, as_of: str | None = None) -> list[str]:
    """What every job is told."""
    day = as_of or str(settings.as_of)
    files = ["--set", f"files={settings.files}"] if settings.files else []
    return ["--env", settings.env, "--dataset", settings.dataset, "--as-of", day, "--lake", settings.lake, *files]


def command(lines: Sequence[str]) -> str:
    """The lines as one command that a shell takes."""
    return " \\\n  ".join(lines)


def packed(settings: Settings, job: str) -> tuple[str, list[str]]:
    """Archive and jars of a job, as they lie in ``deploy.dist``."""
    dist = settings.deploy.dist.rstrip("/")
    return f"{dist}/fuserank-{environment_of(job, settings)}.tar.gz", [
        f"{dist}/jars/{jar}" for jar in settings.deploy.jars
    ]


def job_lines(
    target: str, job: str, settings: Settings, as_of: str | None = None, args: Sequence[str] = ()
) -> list[str]:
    """``submit_lines`` of a job by the settings alone: on Kubernetes from the image, elsewhere from ``deploy.dist``."""
    to, (archive, jars) = target_of(target), packed(settings, job)
    dist = settings.deploy.dist.rstrip("/")
    common: dict[str, Any] = {"jobs": f"{dist}/jobs", "as_of": as_of, "args": args}
    if to.manager == "kubernetes":  # the image has the jars too, but a driver outside of it has not
        return submit_lines(target, job, settings, None, jars if to.mode == "client" else [], **common)
    return submit_lines(target, job, settings, archive, jars, conf=f"{dist}/conf.tar.gz", **common)


def files(settings: Settings) -> dict[str, str]:
    """One shell script a target, with the command of every job."""
    head = (
        "# rendered by `fuserank render submit`; in client mode conf/ is beside the shell, or FUSERANK_CONF names it\n"
    )
    return {
        f"{name}.sh": head + "".join(f"\n# {job}\n{command(job_lines(name, job, settings))}\n" for job in job_names())
        for name in TARGETS
    }


def _check(to: Target, job: str, settings: Settings, archive: str | None, conf: str | None) -> None:
    if archive is None and to.manager != "kubernetes":
        raise SubmitError(
            f"{to.name} needs the packed environment of {job}: dist/fuserank-{environment_of(job, settings)}.tar.gz by"
            " `make package`"
        )
    lake = settings.lake
    if to.mode != "cluster":
        return
    if "://" not in lake and not lake.startswith(("/", "catalog:")):
        raise SubmitError(
            f"{to.name}: lake {lake!r} is a folder beside this shell, and the driver runs elsewhere; pass --lake URL"
        )
    if to.manager == "kubernetes" and archive is not None and "://" not in archive:
        raise SubmitError(
            f"{to.name}: no pod sees {archive}; upload it and give its URL, or leave it out and use an image"
        )
    if to.manager == "yarn" and conf is None:
        raise SubmitError(f"{to.name}: the driver needs the settings too; give dist/conf.tar.gz by `make package`")


def _python(to: Target, settings: Settings, archive: str | None) -> dict[str, str]:
    inside = f"./{UNPACKED}/bin/python" if archive else f"{IMAGE_HOME}/bin/python"
    driver = {"spark.pyspark.driver.python": settings.deploy.python} if to.mode == "client" else {}
    return {"spark.pyspark.python": inside, **driver}


def _of_manager(to: Target, job: str, settings: Settings) -> dict[str, str]:
    if to.manager == "standalone":
        return {}
    sizes = {
        "spark.executor.instances": str(settings.deploy.executors),
        "spark.executor.cores": str(settings.deploy.executor_cores),
        "spark.executor.memory": settings.deploy.executor_memory,
        "spark.executor.memoryOverhead": settings.deploy.executor_overhead,
    }
    if to.mode == "cluster":
        sizes |= {
            "spark.driver.cores": str(settings.deploy.driver_cores),
            "spark.driver.memoryOverhead": settings.deploy.driver_overhead,
        }
    return sizes | (_of_yarn(to) if to.manager == "yarn" else _of_kubernetes(to, job, settings))


def _of_yarn(to: Target) -> dict[str, str]:
    if to.mode == "client":
        return {}
    # one attempt: a second one by YARN would look like the first to the scheduler, which has its own retries
    return {"spark.yarn.appMasterEnv.TZ": "UTC", "spark.yarn.maxAppAttempts": "1"}


def _of_kubernetes(to: Target, job: str, settings: Settings) -> dict[str, str]:
    k = settings.deploy.kubernetes
    template = "deploy/kubernetes/pod-template.yaml"
    confs = {
        "spark.kubernetes.namespace": k.namespace,
        "spark.kubernetes.container.image": k.train_image if environment_of(job, settings) == "train" else k.data_image,
        "spark.kubernetes.executor.podTemplateFile": template,
    }
    if to.mode == "cluster":
        confs |= {
            "spark.kubernetes.driver.podTemplateFile": template,
            "spark.kubernetes.authenticate.driver.serviceAccountName": k.service_account,
            "spark.kubernetes.driverEnv.TZ": "UTC",
            "spark.kubernetes.driverEnv.FUSERANK_CONF": f"{IMAGE_HOME}/conf",
        }
    return confs


def _quoted(text: str) -> str:
    return text if "{{" in text else shlex.quote(text)
