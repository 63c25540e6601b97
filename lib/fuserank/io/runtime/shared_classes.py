"""An archive of Spark's classes that every JVM of this environment maps instead of loading and checking
20,000 of them: half of what a start takes.

`make setup` leaves it beside the environment; where it is missing, or of another Java or other jars, a JVM starts as
it would without it. Class data sharing takes no class path with a folder that holds files, so these JVMs read
spark-defaults.conf by --properties-file.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"  # whether it fits is nobody's business: without it all works alike
_TOUCHED = ("SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "SPARK_SUBMIT_OPTS")


def archive() -> Path:
    """Where this environment keeps it."""
    return Path(sys.prefix) / "spark-classes.jsa"


@contextmanager
def sharing(option: str = "SharedArchiveFile", file: Path | None = None) -> Iterator[None]:
    """A JVM that this process starts within it maps the archive; the environment variables are as before when it ends.

    Where another Spark or its settings are named by variables, or there is no archive, nothing changes.
    """
    file, conf = file or archive(), _conf()
    args = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    own = conf is None or "SPARK_HOME" in os.environ or "SPARK_CONF_DIR" in os.environ or "--properties-file" in args
    if own or (option == "SharedArchiveFile" and not file.is_file()):
        yield
        return
    before = {name: os.environ.get(name) for name in _TOUCHED}
    empty = archive().with_name("spark-no-conf")  # of one name: it is part of the class path that an archive fits
    empty.mkdir(exist_ok=True)
    log4j = f"-Dlog4j2.configurationFile=file:{conf}/log4j2.properties"
    os.environ["SPARK_CONF_DIR"] = str(empty)
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {conf}/spark-defaults.conf {args}"
    os.environ["SPARK_SUBMIT_OPTS"] = (
        f"{before['SPARK_SUBMIT_OPTS'] or ''} -XX:{option}={file} {_QUIET} {log4j}".strip()
    )
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _conf() -> Path | None:
    """The folder of the settings that `make setup` rendered; None where there are none, or its path has a blank."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        return None
    conf = Path(found.origin).parent / "conf"
    whole = (conf / "spark-defaults.conf").is_file() and (conf / "log4j2.properties").is_file()
    return conf if whole and not any(c.isspace() for c in f"{conf}{archive()}") else None
