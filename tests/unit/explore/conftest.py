"""A small lake with all that pages show, and the real server over it."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from fuserank.tables.ops import INGESTED, QUALITY, QUARANTINE, RUNS
from fuserank.tables.results import METRICS
from tests.support.chance import DAYS, FIRST, fill
from tests.support.folder_lake import write
from tests.support.processes import COMMAND
from tests.unit.insight.worlds import MAPPING

ROOT = Path(__file__).resolve().parents[3]
NASTY = "<script>alert(\"x\")</script> & 'bread'"


@dataclass(frozen=True)
class Site:
    """A server that runs, and the lake that it shows."""

    base: str
    lake: Path

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of what it answers."""
        request = urllib.request.Request(self.base + path, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode(), dict(answer.headers)
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(), dict(refused.headers)

    def page(self, path: str, **query: str) -> str:
        """The text of a page that is there."""
        status, text, _ = self.get(f"{path}?{urllib.parse.urlencode(query)}")
        assert status == 200, text
        return text


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``lake`` and ``conf``."""
    folder = tmp_path_factory.mktemp("explored")
    root = folder / "lake"
    fill(root, random.Random(11), returns=True, name=NASTY)
    started = dt.datetime(2024, 3, 29, 6, tzinfo=dt.UTC)
    write(
        root,
        RUNS,
        [
            {
                "run_id": f"run-{n:02}",
                "job": "refresh",
                "state": "failed" if n == 3 else "succeeded",
                "seconds": 60.0 * n,
                "as_of_date": DAYS[0],
                "started_at": started + dt.timedelta(hours=n),
                "rows_written": {"ranking.ranking": 12 * n},
                "versions_written": {"ranking.ranking": n},
                "stage_seconds": {"features": 20.0, "ranking": 40.0},
                "metrics": {"ranking.k": 20.0},
                "error": "out of <memory>" if n == 3 else None,
            }
            for n in range(1, 54)
        ],
    )
    write(
        root,
        METRICS,
        [
            {
                "as_of_date": day,
                "track": track,
                "source": source,
                "metric": metric,
                "value": value + n / 50,
                "ci_low": value - 0.01,
                "ci_high": value + 0.05,
                "run_id": "run-01",
            }
            for n, day in enumerate((DAYS[0] - dt.timedelta(days=28), DAYS[0]))
            for track in ("all", "new")
            for metric in ("ndcg@10", "recall@10", "coverage")
            for source, value in (("fusion", 0.3), ("als", 0.2))
        ],
    )
    write(
        root,
        QUALITY,
        [
            {
                "run_id": "run-01",
                "rule": rule,
                "table": "silver.events",
                "state": state,
                "reason": reason,
                "checked_at": started,
            }
            for rule, state, reason in (("events", "kept", "fine"), ("freshness", "warning", "the last day is <old>"))
        ],
    )
    write(
        root,
        QUARANTINE,
        [
            {
                "dataset": "shop",
                "source_table": "sales",
                "file": "s.csv",
                "row": n,
                "rule": "no_item",
                "column": "i",
                "reason": "no item",
                "payload": json.dumps({"u": "u1", "i": None, "t": f"<b>{n}</b>"}),
                "resolution": "fixed" if n == 60 else None,
            }
            for n in range(61)
        ],
    )
    write(root, INGESTED, [{"dataset": "shop", "source_table": "sales", "stage": "silver", "ingested_at": FIRST}])
    shutil.copytree(ROOT / "conf", folder / "conf")
    (folder / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(MAPPING))
    return folder


@contextmanager
def served(lake: Path, conf: Path) -> Iterator[tuple[Site, str]]:
    """The command as people start it, on a free port, neither data set nor day named; and what it said."""
    words = ["explore", "--lake", str(lake), "--port", "0", "--no-open"]
    env = {**os.environ, "FUSERANK_CONF": str(conf), "PYTHONPATH": str(ROOT / "lib"), "JAVA_HOME": "/nowhere"}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stdout=subprocess.PIPE, text=True, env=env
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        try:
            yield Site(line.split(": ")[1].split("/ ")[0], lake), line
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def site(shop: Path) -> Iterator[Site]:
    """The pages over the lake of ``shop``."""
    with served(shop / "lake", shop / "conf") as (site, line):
        assert line.startswith(f"shop as of {DAYS[0]}: http://127.0.0.1:"), line
        yield site
