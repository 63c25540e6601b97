"""`fuserank leaderboard` on a lake's events: its tracks, by members that learn from what items and users are, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import ran
from tests.support.tinychain import copied
from tests.support.tinyshop import AS_OF, USERS


def board(shop: Path, *words: str) -> dict[str, Any]:
    options = ("--layout", "events", "--dataset", "tinyshop", "--as-of", AS_OF, "--k", "5", "--json")
    output = ran("leaderboard", *options, *words, "--lake", str(shop / "tracks")).stdout
    return dict(json.loads(output.strip().splitlines()[-1]))


@pytest.mark.proof
@pytest.mark.slow
def test_tracks_are_judged_and_told_apart(tiny_chain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tiny_chain
    copied(shop, "tracks")
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
    models = ("popular", "personal_top", "tifu_knn", "personal_top+tifu_knn")
    coming = board(shop, "--track", "next-basket", "--models", ",".join(models))
    assert coming["hash"] != every["hash"]
    rows = {row["model"]: row for row in coming["rows"]}
    for name in ("popular", "tifu_knn", "personal_top+tifu_knn"):
        assert {"recall@5", "repeat_recall@5"} <= rows[name]["minus_personal_top"].keys()
    assert list(rows["popular"]["ci95"])[-1] == "ndcg@5"
