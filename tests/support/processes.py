"""The recommend service as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.service import ask, until

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "import sys; from fuserank.cli.main import run; sys.argv[0] = 'fuserank'; run()"


@contextmanager
def started(code: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that prints where it answers; and the port."""
    path = os.pathsep.join((str(ROOT / "lib"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "JAVA_HOME": "/nowhere", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line, (line, process.stderr and process.stderr.read())
        port = int(line.split("http://127.0.0.1:")[1].split()[0])
        until(lambda: answers(port) or process.poll() is not None, 120)
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            yield process, port
        finally:
            if process.poll() is None:
                process.kill()


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/health", timeout=5).status == 200
    except OSError:
        return False


def lines(stream: IO[str] | None) -> list[dict[str, object]]:
    assert stream is not None
    return [json.loads(line) for line in stream.read().splitlines()]
