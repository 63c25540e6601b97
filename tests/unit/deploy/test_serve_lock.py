"""requirements/serve.txt is enough for `fuserank serve`, and holds nothing of Spark or torch."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from tests.support.golden import ROOT
from tests.support.processes import COMMAND, started
from tests.support.service import ask
from tests.support.steps import at_random
from tests.support.stores import user, write_snapshot

HEAVY = {"pyspark", "py4j", "delta", "torch", "pyarrow", "pandas", "numba", "scipy", "deltalake", "duckdb"}
# A process in which everything that the lock has not is as if it were not installed.
ALONE = """
import json, pathlib, sys
strange = frozenset(json.loads(pathlib.Path(sys.argv.pop(1)).read_text()))
class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in strange:
            raise ModuleNotFoundError(f"No module named {name!r}: it is not in requirements/serve.txt", name=name)
sys.meta_path.insert(0, Nobody())
"""
SERVE = ALONE + COMMAND


def lock(kind: str) -> dict[str, str]:
    """Name and version of each package of a lock."""
    text = (ROOT / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with the modules of all packages that are installed here and not in the lock."""
    locked = set(lock("serve"))
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in locked}
    found = {
        top
        for top, of in packages_distributions().items()
        if not names & {re.sub(r"[-_.]+", "-", name).lower() for name in of}
    }
    found = (found | HEAVY) - {"fuserank"} - sys.stdlib_module_names
    assert len(found) > 50, "this is an environment with all extras"
    file = tmp_path_factory.mktemp("strange") / "names.json"
    file.write_text(json.dumps(sorted(found)))
    return str(file)


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib"), "JAVA_HOME": "/nowhere"}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_lock_has_the_versions_of_the_checkout_and_nothing_heavy() -> None:
    serve = lock("serve")
    assert serve.items() < lock("run").items()
    assert not set(serve) & (HEAVY | {"delta-spark", "petastorm", "safetensors"})


def test_what_it_is_made_from_says_what_the_project_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = (ROOT / "requirements" / "serve.in").read_text(encoding="utf-8").splitlines()
    lines = {line for line in wanted if line and not line.startswith("#")}
    own = {line for extra in ("serve", "step") for line in project["optional-dependencies"][extra]}
    assert own <= lines <= {*project["dependencies"], *own}


def test_the_command_says_its_help_and_makes_keys_by_it_alone(strange: str, tmp_path: Path) -> None:
    done = run(SERVE, strange, "serve", "--help")
    assert done.returncode == 0, done.stderr
    assert "--insecure-local" in done.stdout
    done = run(SERVE, strange, "serve-key", "new", "--keys", str(tmp_path / "keys.yaml"))
    assert done.returncode == 0, done.stderr
    heavy = run(ALONE + "import pyspark", strange)
    assert "not in requirements/serve.txt" in heavy.stderr, "what is not in the lock is not there"


def test_the_service_answers_by_it_alone(strange: str, tmp_path: Path) -> None:
    made, fit = at_random(10), r.SessionFit(1.0, 0.1, 100, "2024-05-06", "2024-06-03", 0.2, 0.1, 0.3, 0.1, sequence=0.5)
    folder = write_snapshot(tmp_path, [user("u1")], session=fit, step=(made.content, made.items_IE))
    snapshot.switch(folder.parent, folder.name)
    words = ["serve", "--env", "cluster", "--store", str(tmp_path), "--port", "0", "--insecure-local", "--workers", "2"]
    with started(SERVE, strange, *words) as (process, port):
        assert ask(port, "GET", "/v1/users/u1/recommendations?k=2").status == 200
        body = {"k": 2, "session": [{"item": "i3"}], "filter": "price_minor < 105", "explain": True}
        answer = ask(port, "POST", "/v1/sessions/recommendations", body)
        assert (answer.status, "session_sequence" in answer.json["items"][0]["parts"]) == (200, True)
        for path in ("/ready", "/metrics", "/openapi.json"):
            assert ask(port, "GET", path).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_store_in_redis_is_opened_by_it_alone(strange: str) -> None:
    code = "from fuserank.serving.opening import opened; opened('redis://127.0.0.1:1/0', 'home')"
    done = run(ALONE + code, strange)
    assert "Redis at 127.0.0.1:1 does not answer" in done.stderr
