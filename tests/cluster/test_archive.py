"""Executors that have nothing but the packed environment: what they answer. The refresh by it: test_refresh.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import last_line, say
from tests.support.cluster import BIN, ROOT, Cluster

pytestmark = pytest.mark.cluster
NODE = os.path.realpath(sys._base_executable)  # type: ignore[attr-defined]


def doctor(cluster: Cluster, *args: str) -> tuple[int, str, str]:
    """`fuserank doctor --cluster`: exit code, stdout, stderr."""
    command = [str(BIN / "fuserank"), "doctor", "--cluster", cluster.url, *args]
    sizes = [
        w
        for k, v in {"spark.executor.memory": "1g", "spark.local.dir": f"{cluster.folder}/local"}.items()
        for w in ("--conf", f"{k}={v}")
    ]
    done = subprocess.run(
        [*command, *sizes],
        cwd=ROOT,
        env=cluster.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


def executors(output: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(output)["executors"]
    return found


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("/no/such/python", "/no/such/python does not start"),
        (NODE, f"{NODE} has no fuserank; bring it by --archive"),
    ],
)
def test_a_python_that_cannot_work_is_told_for_every_executor(cluster: Cluster, python: str, words: str) -> None:
    code, output, _ = doctor(cluster, "--python", python)
    say(output.strip().splitlines()[-1])
    assert code == 1
    assert sum(words in line for line in output.splitlines()) == len(cluster.workers)


def test_no_master_is_one_line(cluster: Cluster) -> None:
    command = [str(BIN / "fuserank"), "doctor", "--cluster", "spark://127.0.0.1:1"]
    done = subprocess.run(command, cwd=ROOT, env=cluster.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no Spark master answers at spark://127.0.0.1:1" in last_line(done.stderr)


def test_every_executor_answers_from_inside_the_archive(cluster: Cluster, data_archive: Path) -> None:
    code, output, problem = doctor(cluster, "--archive", str(data_archive), "--json")
    assert code == 0, problem[-3000:]
    answers = executors(output)
    say(f"doctor: {[(a['path'], a['version'], a['packages'], a['java']) for a in answers]}")
    assert len({a["folder"] for a in answers}) == len(cluster.workers)
    for answer in answers:
        assert answer["folder"].startswith(f"{cluster.folder}/work-")
        assert answer["prefix"] == f"{answer['folder']}/environment"
        assert answer["path"] == NODE
