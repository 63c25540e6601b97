"""`fuserank leaderboard` on a lake's events: its tracks, by members that learn from what items and users are, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.cli import ran
from tests.support.tinyshop import AS_OF, USERS, write_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake as far as silver."""
    from fuserank.config.settings import load
    from fuserank.io.run import open_run
    from fuserank.jobs import bronze, silver

    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(folder / "conf"))
        settings = load("local", ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={folder / 'lake'}", "run.quiet=true"])
        with open_run("refresh", settings, settings.as_of) as run:
            for job in (bronze, silver):
                job.execute(run, settings.as_of)
    return folder


def board(shop: Path, *words: str) -> dict[str, Any]:
    asked = ("--layout", "events", "--dataset", "tinyshop", "--as-of", AS_OF, "--k", "5", "--json")
    said = ran("leaderboard", *asked, *words, "--lake", str(shop / "lake")).stdout
    return dict(json.loads(said.strip().splitlines()[-1]))


@pytest.mark.slow
def test_tracks_are_judged_and_told_apart(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))
    cold = board(shop, "--track", "cold-users-3", "--models", "popular,content,segment_popularity")
    assert (cold["track"], cold["users"], cold["items"]) == ("cold-users-3", USERS // 2, None)
    rows = {row["model"]: row for row in cold["rows"]}
    for name in ("content", "segment_popularity"):
        mean, low, high = rows[name]["minus_popular"]["recall@5"]
        assert mean == pytest.approx(rows[name]["recall@5"] - rows["popular"]["recall@5"])
        assert low <= mean <= high
    every, again = (board(shop, *words, "--models", "popular") for words in (("--track", "all"), ("--repeats",)))
    assert every["hash"] == again["hash"] != cold["hash"]
    assert every["rows"][0]["recall@5"] == again["rows"][0]["recall@5"]
