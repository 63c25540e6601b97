"""Render an environment's `submit` into spark-defaults.conf, as it stands: a reference to a secret stays one.

Usage: python deploy/local/spark_defaults.py conf/env/local.yaml FOLDER_OF_JARS [FOLDER]

By the Python that jobs run with; into SPARK_HOME/conf unless told, beside a log4j2.properties.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import yaml

from fuserank.config.secrets import problem

LOCAL_FILES = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
LOG4J = """# rendered by make setup: what Spark has to say below an error is not for the people who run a shop
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


def main(env_file: str, jars: str, folder: str | None = None) -> int:
    submit = dict(yaml.safe_load(Path(env_file).read_text(encoding="utf-8"))["submit"])
    wrong = [found for key, value in submit.items() if (found := problem(key, str(value)))]
    if wrong:
        print(f"setup: {env_file}: {wrong[0]}", file=sys.stderr)
        return 1
    if (os.cpu_count() or 1) < 2:
        submit["spark.master"] = "local[2]"
    submit["spark.jars"] = ",".join(sorted(str(jar) for jar in Path(jars).glob("*.jar")))
    own = sorted(str(jar) for jar in (Path(jars).parent / "local-jars").glob("*.jar"))
    if own:  # of this machine alone: it must be there before the JVM looks at its first file
        submit["spark.driver.extraClassPath"] = ":".join(own)
        submit["spark.jars"] += "," + ",".join(own)  # should executors elsewhere be told to use it, they get it
        submit["spark.hadoop.fs.file.impl"] = LOCAL_FILES
    submit["spark.pyspark.python"] = sys.executable
    target = Path(folder) if folder else spark_home() / "conf"
    target.mkdir(parents=True, exist_ok=True)
    (target / "log4j2.properties").write_text(LOG4J, encoding="utf-8")
    head = f"# rendered by make setup from conf/env/{Path(env_file).name}\n"
    text = head + "".join(f"{key} {value}\n" for key, value in submit.items())
    (target / "spark-defaults.conf").write_text(text, encoding="utf-8")
    return 0


def spark_home() -> Path:
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise SystemExit("setup: pyspark is not installed beside this Python")
    return Path(found.origin).parent


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
