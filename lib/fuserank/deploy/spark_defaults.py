"""What counts before the JVM starts, as the spark-defaults.conf that every Spark of an environment
reads: a reference to a secret stays one.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from fuserank.common.errors import FuserankError
from fuserank.config.secrets import problem

LOCAL_FILES = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
LOG4J = """# rendered by fuserank setup: what Spark has to say below an error is not for the people who run a shop
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


class SparkDefaultsError(FuserankError):
    """The settings cannot be rendered; the message says which and why."""


def write(submit: dict[str, str], jars: Path, source: str, folder: Path | None = None) -> Path:
    """spark-defaults.conf and log4j2.properties into ``folder`` (SPARK_HOME/conf of the pyspark beside this Python).

    :param submit: of the settings
    :param jars: the folder of Delta's; those of this machine alone are beside it, in local-jars/
    :param source: what the file says that it was rendered from
    :raises SparkDefaultsError: a value is a secret itself, and nothing is written; or there is no pyspark
    """
    wrong = [found for key, value in submit.items() if (found := problem(key, str(value)))]
    if wrong:
        raise SparkDefaultsError(f"{source}: {wrong[0]}")
    target = folder or spark_home() / "conf"
    target.mkdir(parents=True, exist_ok=True)
    (target / "log4j2.properties").write_text(LOG4J, encoding="utf-8")
    text = "".join(f"{key} {value}\n" for key, value in _whole(submit, jars).items())
    file = target / "spark-defaults.conf"
    file.write_text(f"# rendered by fuserank setup from {source}\n{text}", encoding="utf-8")
    return file


def _whole(submit: dict[str, str], jars: Path) -> dict[str, str]:
    """``submit`` with what this machine adds to it: jars, cores, its Python."""
    whole = dict(submit)
    if (os.cpu_count() or 1) < 2:
        whole["spark.master"] = "local[2]"
    whole["spark.jars"] = ",".join(sorted(str(jar) for jar in jars.glob("*.jar")))
    own = sorted(str(jar) for jar in (jars.parent / "local-jars").glob("*.jar"))
    if own:  # of this machine alone: it must be there before the JVM looks at its first file
        whole["spark.driver.extraClassPath"] = ":".join(own)
        whole["spark.jars"] += "," + ",".join(own)  # should executors elsewhere be told to use it, they get it
        whole["spark.hadoop.fs.file.impl"] = LOCAL_FILES
    return whole | {"spark.pyspark.python": sys.executable}


def spark_home() -> Path:
    """The folder of the pyspark that this Python imports."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise SparkDefaultsError("pyspark is not installed beside this Python")
    return Path(found.origin).parent
