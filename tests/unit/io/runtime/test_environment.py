"""A machine that is not set up for Spark is told so in a line, before Spark starts."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from fuserank.io.runtime import environment
from fuserank.io.runtime.environment import (
    EnvironmentProblem,
    java,
    java_problem,
    python_problem,
    refuse_full,
    spark_problem,
    use_utf8,
)
from fuserank.jobs.inputs.command import guarded


def program(path: Path, text: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("jar", "release", "words"),
    [
        ("spark-core_2.12-3.5.1.jar", "", "is Spark 3.5.1, and pyspark here is"),
        (None, "Spark 3.4.0 (git revision 87a5442) built for Hadoop 3.3.4\n", "is Spark 3.4.0, and"),
        ("spark-core_2.13-4.0.0.jar", "", None),  # patch releases understand each other
        (None, "", None),
    ],
)
def test_another_spark_in_spark_home_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jar: str | None, release: str, words: str | None
) -> None:
    program(tmp_path / "bin" / "spark-submit")
    (tmp_path / "jars").mkdir()
    (tmp_path / "RELEASE").write_text(release)
    if jar:
        (tmp_path / "jars" / jar).touch()
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    problem = spark_problem()
    assert (words is None) == (problem is None)
    assert words is None or (problem is not None and words in problem and "unset SPARK_HOME" in problem)


def test_a_spark_home_without_spark_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    assert "holds no Spark" in str(spark_problem())
    monkeypatch.delenv("SPARK_HOME")
    assert spark_problem() is None


@pytest.mark.parametrize(
    ("version", "fits"),
    [("17.0.15", True), ("21.0.2", True), ("1.8.0_402", False), ("11.0.2", False), ("25.0.3", False)],
)
@pytest.mark.parametrize("found_by", ["release", "java -version"])
def test_java_is_17_or_21(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool, found_by: str
) -> None:
    program(tmp_path / "bin" / "java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")
    if found_by == "release":
        (tmp_path / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java() == version
    problem = java_problem()
    assert (problem is None) == fits
    assert fits or f"JAVA_HOME={tmp_path} is Java {version}, and Spark needs 17 or 21" in str(problem)


def test_no_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    assert "holds no bin/java" in str(java_problem())
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Java is missing" in str(java_problem())


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("echo 3.9", "is Python 3.9, and this one is"),
        ("echo {own} pandas numpy", "has no pandas, numpy"),
        ("exit 3", "starts no Python"),
        ("echo {own}", None),
    ],
)
def test_another_python_for_sparks_workers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, words: str | None
) -> None:
    own = "{}.{}".format(*sys.version_info[:2])
    monkeypatch.setenv("PYSPARK_PYTHON", str(program(tmp_path / "python", says.format(own=own))))
    problem = python_problem()
    assert (problem is None) if words is None else (words in str(problem) and "unset PYSPARK_PYTHON" in str(problem))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master spark://head:7077 pyspark-shell")
    assert python_problem() is None  # it is the nodes' own


def test_pythons_that_are_none_or_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    assert "is no program that can be started" in str(python_problem())
    for fine in (sys.executable, "./environment/bin/python"):
        monkeypatch.setenv("PYSPARK_PYTHON", fine)
        assert python_problem() is None


def test_a_full_disk_is_told_before_and_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refuse_full(tmp_path / "not" / "there", "the lake", "x")
    monkeypatch.setattr(environment, "_FREE", 1 << 60)
    with pytest.raises(EnvironmentProblem, match=r"the disk of the lake .* is full .* name another by --lake"):
        refuse_full(tmp_path / "not" / "there", "the lake", "name another by --lake")

    def fail() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert guarded(fail) == 2
    assert "fuserank: a disk is full: free some" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "becomes"),
    [
        ({"LANG": "C"}, "C.UTF-8"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "C.UTF-8"),
        ({}, "C.UTF-8"),
        ({"LANG": "en_US.utf8"}, None),
        ({"LC_ALL": "de_DE.UTF-8"}, "de_DE.UTF-8"),
    ],
)
def test_a_jvm_that_starts_from_here_knows_every_character(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], becomes: str | None
) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    use_utf8()
    assert os.environ.get("LC_ALL") == becomes
