"""`fuserank setup`: what is fetched, what is refused, and that done work is not done again."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fuserank.deploy import setup
from fuserank.deploy.setup import SetupError, install_jars, set_up
from fuserank.io.runtime import environment
from tests.support.golden import ROOT

JAR = b"a jar"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """An environment with Spark's command, which counts its calls and brings a jar."""
    for folder in ("bin", "stamps"):
        (tmp_path / folder).mkdir()
    return tmp_path


def resolver(env: Path, says: str = "", code: int = 0) -> Path:
    """bin/spark-submit that brings `JAR` as Ivy would."""
    script = env / "bin" / "spark-submit"
    script.write_text(
        f'#!/bin/sh\necho call >> {env}/calls\necho "{says}" >&2\nivy="${{2#spark.jars.ivy=}}"; mkdir -p "$ivy/jars"\n'
        f'printf "{JAR.decode()}" > "$ivy/jars/org.shop_thing-1.0.jar"\nexit {code}\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    return env / "calls"


def lock(env: Path, sha256: str) -> Path:
    (env / "jars.lock").write_text(f"# coordinate sha256\norg.shop:thing:1.0 {sha256}\n", encoding="utf-8")
    return env / "jars.lock"


def test_jars_are_fetched_once_and_again_where_one_is_gone(env: Path) -> None:
    calls, messages = resolver(env), []
    for _ in range(2):
        install_jars(env, "jars", lock(env, hashlib.sha256(JAR).hexdigest()), messages.append)
    assert (env / "jars" / "org.shop_thing-1.0.jar").read_bytes() == JAR
    assert messages == ["fetching 1 jars (jars.lock)"]
    (env / "jars" / "org.shop_thing-1.0.jar").unlink()
    install_jars(env, "jars", lock(env, hashlib.sha256(JAR).hexdigest()), messages.append)
    assert calls.read_text() == "call\ncall\n"


def test_a_jar_that_is_not_the_locks_is_not_installed(env: Path) -> None:
    resolver(env)
    with pytest.raises(
        SetupError, match=r"org\.shop_thing-1\.0\.jar has SHA-256 \w{64}, jars\.lock says 0{64}; not installed"
    ):
        install_jars(env, "jars", lock(env, "0" * 64), print)
    assert not list((env / "jars").iterdir())
    assert not (env / "stamps" / "jars").exists()


@pytest.mark.parametrize(
    ("says", "words"),
    [("java.net.UnknownHostException: repo", "no network: jars are missing"), ("died", "its output is above")],
)
def test_a_resolver_that_fails_is_one_line(says: str, words: str, env: Path) -> None:
    resolver(env, says, code=1)
    with pytest.raises(SetupError, match=words):
        install_jars(env, "jars", lock(env, "0" * 64), print)


def test_without_java_the_package_of_debian_is_named(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(env))
    with pytest.raises(SetupError, match=r"holds no bin/java; .*; on Debian: apt-get install openjdk-17-jre-headless"):
        set_up(print, env=env)


def test_stamps_are_of_the_locks_bytes_as_they_were_before_there_was_this_command(env: Path) -> None:
    requirements = ROOT / "requirements"
    files = [
        requirements / "jars.lock",
        requirements / "local-jars.lock",
        requirements / "run.txt",
        ROOT / "conf/env/local.yaml",
        ROOT / "lib/fuserank/io/runtime/archive_classes.py",
    ]
    want = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    assert setup.classes_stamp(env, env / "spark-defaults.conf") == want
    (env / "stamps" / "packages-modern").write_text("")
    assert setup.classes_stamp(env, env / "spark-defaults.conf") != want


def test_an_environment_that_was_never_set_up_says_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        origin = str(tmp_path / "pyspark" / "__init__.py")

    for name in ("SPARK_HOME", "SPARK_CONF_DIR", "DATABRICKS_RUNTIME_VERSION", "PYSPARK_SUBMIT_ARGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: Found())
    assert environment.setup_problem() == "this environment was never set up for Spark; run `fuserank setup`, once"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.master=local[2] pyspark-shell")
    assert environment.setup_problem() is None  # somebody else says what counts
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS")
    (tmp_path / "pyspark" / "conf").mkdir(parents=True)
    (tmp_path / "pyspark" / "conf" / "spark-defaults.conf").write_text("")
    assert environment.setup_problem() is None


def test_the_bootstrap_of_a_checkout_needs_the_standard_library_alone() -> None:
    script = ROOT / "deploy" / "local" / "setup.py"
    code = (
        f"import ast, json, sys; t = ast.parse(open({str(script)!r}).read()); print(json.dumps([n.names[0].name if"
        " isinstance(n, ast.Import) else n.module for n in ast.walk(t) if isinstance(n, (ast.Import,"
        " ast.ImportFrom))]))"
    )
    named: list[Any] = json.loads(
        subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=True).stdout
    )
    import sys

    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names
