"""What OpenAPI allows is answered, what it forbids is refused; the same and much at random by `make serve-fuzz`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fuserank.serving.routes import ROUTES
from tests.support.processes import ROOT

FUZZ = Path(__file__).with_name("fuzz_openapi.py")


def test_any_request_is_answered_by_the_schema() -> None:
    """In a process of its own: schemathesis' plugin takes seconds, which no other test should wait for."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-p",
        "schemathesis.pytest.plugin",
        FUZZ,
    ]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**environment, "SERVE_FUZZ": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert f" {len(ROUTES)} passed in " in done.stdout
