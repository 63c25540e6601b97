"""Secrets in settings are references, never values: whoever needs one expands it where it is used.

``${env.NAME}`` is Hadoop's spelling of an environment variable: its Configuration expands it when the value
is read, on the driver and on each executor, so neither Spark's settings nor what is sent to executors holds
it. ``${env:NAME}`` is Spark's own, which it expands for ``spark.ssl.*``. ``{{secrets/SCOPE/KEY}}`` is
filled by Databricks before Spark starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HADOOP_ENV = re.compile(r"\$\{env\.(\w+)\}")
SCOPE = re.compile(r"\{\{secrets/[^/\s]+/[^/\s]+\}\}")
_SPARK_ENV = re.compile(r"\$\{env:(\w+)\}")
_SECRET_KEY = re.compile(
    r"secret|passw|token|access[._-]?key|account\.key(\.|$)|private[._-]?key|encryption\.key$", re.IGNORECASE
)
# Keys that speak of secrets and hold none: classes, addresses, files, switches, times, Kubernetes' own references.
_HARMLESS_KEY = re.compile(
    r"provider|endpoint|(url|file|path|dir|class|type|enabled|regex|id)$|interval|lifetime|renewal|\.secrets\.|secretkeyref",
    re.IGNORECASE,
)
_IN_VALUE = re.compile(
    r"://[^/@\s]*:[^/@\s]*@|\b(s3[an]?|gs)://[^/@\s]*:|[?&;](sig|signature|token|password|secret)=|-D\S*(secret|passw|token|account\.key)\S*=(?!\$\{)\S",
    re.IGNORECASE,
)


def problem(key: str, value: str) -> str | None:
    """What is wrong with a setting of Spark as far as secrets go, in one line
    without its value; None where nothing is.
    """
    if _IN_VALUE.search(value):
        return f"{key} holds a secret inside a URL or an option; take it out and {_cure('spark.hadoop.')}"
    if not value or not _SECRET_KEY.search(key) or _HARMLESS_KEY.search(key) or SCOPE.fullmatch(value):
        return None
    reference = {".": HADOOP_ENV, ":": _SPARK_ENV}.get(_joint(key))
    if reference is not None and reference.fullmatch(value):
        return None
    return f"{key} must not hold the secret itself; {_cure(key)}"


def _joint(key: str) -> str:
    """What stands between ``env`` and the name in a reference that whoever reads the key expands; "": nobody does."""
    return "." if key.startswith(("spark.hadoop.", "fs.")) else ":" if key.startswith("spark.ssl.") else ""


def _cure(key: str) -> str:
    databricks = "on Databricks write {{secrets/SCOPE/KEY}}"
    if not _joint(key):
        return f"leave it out and set it in the environment of Spark's processes; {databricks}"
    return f"write '${{env{_joint(key)}NAME}}' and set the environment variable NAME; {databricks}"


def url_problem(url: str) -> str | None:
    """What is wrong with the URL of a lake or folder, without more of it than its scheme; None where nothing is."""
    if not _IN_VALUE.search(url):
        return None
    scheme = url.partition("://")[0]
    return f"this {scheme} URL holds a password or signature; leave it out, and give the store's key by `submit`"


def unset(values: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Settings that refer to environment variables which are not there, and the cure, a line each."""
    return [
        f"{key} is read from the environment variable {name}, which is not set here; export {name}"
        for key, value in values.items()
        for name in (*HADOOP_ENV.findall(value), *_SPARK_ENV.findall(value))
        if not environment.get(name)
    ]
