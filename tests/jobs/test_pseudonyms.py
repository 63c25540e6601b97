"""Ids of people in a run of its own: in no output, log, event log or table but the vault; nor is the key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fuserank.privacy.keys import Key
from tests.support.people import CANARY, SECRET, VARIABLE, changes, write_shop
from tests.support.search import files_with
from tests.support.shop import mapping

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from fuserank.cli.main import app
from fuserank.jobs import bronze, silver
for job in (bronze, silver, bronze):
    assert job.main(["--dataset", "shop", "--as-of", "2020-01-01", "--lake", "lake"]) == 0
app(["check", "shop"], standalone_mode=False)
app(["runs", "--lake", "lake", "--json"], standalone_mode=False)
open("sales.csv", "a").write(sys.argv[1] + ",i1,2019-05-01,12,1,1.00,x,m," * 8 + "\\n")
open("sales.csv", "a").write((sys.argv[1] + ",i1,never,13,two,x,y,m\\n") * 3)
assert bronze.main(["--dataset", "shop", "--as-of", "2020-01-01", "--lake", "lake"]) == 0
open("people.jsonl", "w").write(sys.argv[1] + "\\n")
assert bronze.main(["--dataset", "shop", "--as-of", "2020-01-01", "--lake", "lake"]) == 2
"""


@pytest.mark.proof
@pytest.mark.slow
def test_neither_an_id_nor_the_key_is_in_anything_that_a_run_leaves_but_the_vault(tmp_path: Path) -> None:
    write_shop(tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    declared = mapping(Path(), **changes()).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (tmp_path / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(declared))
    env = tmp_path / "conf" / "env" / "local.yaml"
    settings = yaml.safe_load(env.read_text(encoding="utf-8"))
    events = {"enabled": "true", "compress": "false", "dir": (tmp_path / "events").as_uri()}
    settings["submit"] |= {f"spark.eventLog.{k}": v for k, v in events.items()}
    settings["submit"]["spark.sql.maxPlanStringLength"] = "10000000"
    (tmp_path / "events").mkdir()
    env.write_text(yaml.safe_dump(settings))
    render = [
        sys.executable,
        str(ROOT / "deploy/local/spark_defaults.py"),
        str(env),
        str(Path(sys.prefix) / "jars"),
        "spark-conf",
    ]
    subprocess.run(render, cwd=tmp_path, check=True, capture_output=True)
    around = {
        **os.environ,
        "FUSERANK_CONF": str(tmp_path / "conf"),
        "SPARK_CONF_DIR": str(tmp_path / "spark-conf"),
        VARIABLE: SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, CANARY], cwd=tmp_path, env=around, capture_output=True, text=True, check=False
    )
    (tmp_path / "said.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-4000:]

    sources = [tmp_path / "sales.csv", tmp_path / "people.jsonl"]
    found = [p.relative_to(tmp_path) for p in files_with(CANARY, tmp_path) if p not in sources]
    assert found
    assert {p.parts[:3] for p in found} == {("lake", "vault", "users")}
    assert files_with(SECRET, tmp_path) == []
    assert Key.of_text(SECRET, VARIABLE).of(CANARY) in done.stdout  # check showed its first events
    logged = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "events").rglob("*") if p.is_file())
    assert "pseudonym(" in logged  # plans are in the event log, and the kernel with its key by name alone
