"""What spark-submit was told that cannot work, judged before Spark starts."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark import SparkConf

# Lists of files that Spark takes to the nodes, and the option of spark-submit that fills each.
_CARRIED = {"spark.archives": "--archives", "spark.jars": "--jars", "spark.files": "--files"}
_DELTA_JAR = re.compile(r"^(?:[\w.]+_)?(delta-[a-z-]+?)(?:_(\d+\.\d+))?-(\d+\.\d+\.\d+)\.jar$")


class SubmittedError(FuserankError):
    """What was submitted cannot work; the message names it and the cure."""


def refuse_bad_submission(conf: SparkConf, scala: str) -> None:
    """Raises SubmittedError where a file that shall go to the nodes is not there, or Delta's jars don't fit this Spark.

    :param scala: version of Scala that this Spark runs on, such as ``2.13.16``
    """
    for key, option in _CARRIED.items():
        refuse_missing(key, option, _listed(conf.get(key, "")))
    refuse_unfit_delta([_name(url) for url in _listed(conf.get("spark.jars", ""))], scala, _delta_of_python())


def refuse_missing(key: str, option: str, urls: Sequence[str]) -> None:
    """Files of this machine only: what is elsewhere, Spark itself looks for."""
    for url in urls:
        parts = urlsplit(url)
        path = unquote(parts.path) if parts.scheme == "file" else url.split("#")[0]
        if parts.scheme not in {"", "file"} or re.search(r"[*?\[{]", path) or Path(path).exists():
            continue
        cure = (
            "`make package` makes archives and jars in dist/" if key != "spark.files" else "name a file that is there"
        )
        raise SubmittedError(f"{path} of {option} ({key}) is not there; {cure}")


def refuse_unfit_delta(jars: Sequence[str], scala: str, python: str | None) -> None:
    """By the names of the jars: one version of Delta, for this Scala, and the one that Python's delta-spark calls."""
    found = [(name, *match.groups()) for name in jars if (match := _DELTA_JAR.match(name))]
    cure = f"take the jars of dist/jars by `make package`{f', delta-spark {python}' if python else ''}"
    for name, _, of_scala, of_delta in found:
        if of_scala and not scala.startswith(f"{of_scala}."):
            raise SubmittedError(f"{name} is for Scala {of_scala}, and this Spark runs on {scala}; {cure}")
        if python and of_delta.split(".")[:2] != python.split(".")[:2]:
            raise SubmittedError(f"{name} is Delta {of_delta}, and the installed delta-spark is {python}; {cure}")
    versions = sorted({of_delta for *_, of_delta in found})
    if len(versions) > 1:
        raise SubmittedError(
            f"{', '.join(name for name, *_ in found)} are of versions {' and '.join(versions)}; {cure}"
        )


def refuse_nameless_machine() -> None:
    """Java asks for the address of this machine's own name, and Spark dies where the network that knew it is gone."""
    if os.environ.get("SPARK_LOCAL_IP"):
        return
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError as problem:
        raise SubmittedError(
            f"this machine's own name {name} has no address ({problem.strerror}), and Spark asks for it; is the network"
            f" down? add `127.0.1.1 {name}` to /etc/hosts, or set SPARK_LOCAL_IP to an address (127.0.0.1 without a"
            " cluster)"
        ) from None


def _listed(value: str | None) -> list[str]:
    return [url.strip() for url in (value or "").split(",") if url.strip()]


def _name(url: str) -> str:
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]


def _delta_of_python() -> str | None:
    try:
        return version("delta-spark")
    except PackageNotFoundError:
        return None
