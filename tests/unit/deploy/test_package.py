"""`make package` where it cannot work: one line, and nothing half-made stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.golden import ROOT

NO_NETWORK = ["unshare", "--net"]  # a network namespace without any interface: root, or a kernel that lets others


def package(to: Path, *args: str, before: list[str] | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*(before or []), sys.executable, str(ROOT / "deploy" / "local" / "package.py"), "--dist", str(to), *args]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_a_python_of_the_checkout_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = package(tmp_path / "dist", "--node-python", str(ROOT / "no" / "python3.11"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"package: NODE_PYTHON={ROOT}/no/python3.11 leads into the checkout")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "dist").exists()


def isolated() -> bool:
    return shutil.which("unshare") is not None and not subprocess.run([*NO_NETWORK, "true"], check=False).returncode


@pytest.mark.skipif(not isolated(), reason="this user may not make a network namespace")
def test_no_network_and_nothing_in_the_cache_is_one_line(tmp_path: Path) -> None:
    done = package(
        tmp_path / "dist",
        "--only",
        "data",
        before=NO_NETWORK,
        UV_CACHE_DIR=str(tmp_path / "cache"),
        UV_HTTP_RETRIES="0",
    )
    assert done.returncode == 2
    assert done.stderr.startswith("package: no network: ")
    assert "UV_CACHE_DIR" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "dist").glob("*.tar.gz"))
