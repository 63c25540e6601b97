"""A JVM maps the archive of classes where it may, and starts as ever where not;
nothing of it stays in the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuserank.io.runtime import shared_classes


def _environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "SPARK_SUBMIT_OPTS")}


def test_the_environment_is_as_before_and_own_settings_of_spark_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "classes.jsa"
    file.write_bytes(b"x")
    for name in ("SPARK_CONF_DIR", "SPARK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    before = _environment()
    with shared_classes.sharing(file=file):
        assert f"-XX:SharedArchiveFile={file}" in os.environ["SPARK_SUBMIT_OPTS"]
        assert os.environ["PYSPARK_SUBMIT_ARGS"].startswith("--properties-file ")
        assert os.environ["PYSPARK_SUBMIT_ARGS"].endswith(" --master local[2] pyspark-shell")
    assert _environment() == before
    for name in ("SPARK_CONF_DIR", "SPARK_HOME"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(tmp_path))
            held = _environment()
            with shared_classes.sharing(file=file):
                assert _environment() == held
    with shared_classes.sharing(file=tmp_path / "not there"):
        assert _environment() == before


_QUESTIONS = """
from fuserank.io.runtime.session import start
spark = start("asked")
print(spark.conf.get("spark.sql.extensions"), spark.range(3).count())
"""


@pytest.mark.proof
@pytest.mark.parametrize("broken", [False, True])
def test_a_jvm_maps_the_archive_and_a_broken_one_is_no_obstacle(tmp_path: Path, broken: bool) -> None:
    """Of another Java, of other jars, cut off: the JVM leaves it and loads its classes from the jars."""
    (tmp_path / "broken.jsa").write_bytes(b"no archive")
    named = (
        f"s.archive = lambda: Path({str(tmp_path / 'broken.jsa')!r})"
        if broken
        else "assert s.archive().is_file(), 'make setup'"
    )
    script = f"from fuserank.io.runtime import shared_classes as s; from pathlib import Path\n{named}\n{_QUESTIONS}"
    log = tmp_path / "loaded.log"
    options = f"{os.environ.get('SPARK_SUBMIT_OPTS', '')} -Xlog:class+load=info:file={log}"
    environment = {**os.environ, "SPARK_SUBMIT_OPTS": options}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["io.delta.sql.DeltaSparkSessionExtension", "3"]
    assert done.stderr.strip() == ""
    shared = [
        line for line in log.read_text(encoding="utf-8").splitlines() if "(top)" in line and "org.apache.spark" in line
    ]
    assert (len(shared) > 1000) is not broken
