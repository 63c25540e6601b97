"""`fuserank leaderboard` on small data: rows, fusion, tuning, what stands in the lake, and words for what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.registry.sources import recommenders
from tests.support.cli import ran

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

USERS, ITEMS, GROUPS = 60, 48, 3


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users of three tastes; each takes twelve items of its own third, in a seeded order."""
    random, lines = np.random.default_rng(5), []
    for user in range(USERS):
        own = np.arange(user % GROUPS, ITEMS, GROUPS)
        lines.append(" ".join([f"u{user}", *(f"i{i}" for i in random.permutation(own)[:12])]))
    path = tmp_path_factory.mktemp("data") / "taste.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def board(arguments: list[str], lake: Path) -> dict[str, Any]:
    return last(ran("leaderboard", *arguments, "--lake", str(lake), "--json").stdout)


def last(output: str) -> dict[str, Any]:
    return dict(json.loads(output.strip().splitlines()[-1]))


def test_models_are_judged_alone_and_fused_and_rows_stay_in_the_lake(
    spark: SparkSession, sequences: Path, tmp_path: Path
) -> None:
    options = ["--data", str(sequences), "--layout", "sequences", "--k", "2,5", "--tune", "2"]
    models = ["--models", "popular,item_cf,item_cf+popular", "--with", "item_cf.neighbours=20"]
    found = board([*options, *models, "--html", str(tmp_path / "board.html")], tmp_path / "lake")
    rows = {row["model"]: row for row in found["rows"]}
    assert list(rows) == ["popular", "item_cf", "item_cf+popular"]
    assert found["protocol"] == "leave-one-out"
    assert rows["item_cf"]["recall@5"] > 1.5 * rows["popular"]["recall@5"]
    assert rows["item_cf"]["config"]["neighbours"] == 20
    assert rows["item_cf"]["trials"] == 2
    assert "minus_popular" not in rows["popular"]
    more, least, most = rows["item_cf"]["minus_popular"]["ndcg@5"]
    assert 0 < least < more < most
    assert more == pytest.approx(rows["item_cf"]["ndcg@5"] - rows["popular"]["ndcg@5"])
    low, high = rows["item_cf"]["ci95"]["ndcg@5"]
    assert low < rows["item_cf"]["ndcg@5"] < high
    assert sum(rows["item_cf+popular"]["config"]["weights"].values()) == pytest.approx(1)
    assert all(row["fit_s"] > 0 and row["predict_s"] > 0 and row["peak_mb"] > 100 for row in rows.values())
    ordered = board([*options[:-2], "--models", "tifu_knn", "--with", "tifu_knn.neighbours=9"], tmp_path / "lake")
    assert ordered["hash"] == found["hash"]
    assert ordered["rows"][0]["recall@5"] > 1.5 * rows["popular"]["recall@5"]
    assert "Quality against cost" in (tmp_path / "board.html").read_text(encoding="utf-8")

    attributes = tmp_path / "attributes.json"  # items are alike across the thirds that users choose by, and within
    attributes.write_text(json.dumps({f"i{i}": [f"g{i % 5}", f"h{i % 7}"] for i in range(ITEMS)}), encoding="utf-8")
    known = [*options[:-2], "--attributes", str(attributes)]
    own = [f"item_cf.{k}={json.dumps(v)}" for k, v in rows["item_cf"]["config"].items() if k != "attribute_weight"]
    same = [word for one in own for word in ("--with", one)]
    blind = ["--models", "item_cf,content", *same, "--with", "item_cf.attribute_weight=0"]
    again = board([*known, *blind], tmp_path / "lake")
    assert again["hash"] == found["hash"]
    assert again["rows"][0]["ndcg@5"] == rows["item_cf"]["ndcg@5"], "the same again, where attributes count nothing"
    seeing = board([*known, "--models", "item_cf", *same], tmp_path / "lake")["rows"][0]
    assert seeing["config"]["attribute_weight"] == 1.0
    assert seeing["ndcg@5"] != rows["item_cf"]["ndcg@5"]
    (one,) = last(ran("leaderboard", "show", "--lake", str(tmp_path / "lake"), "--json").stdout)["boards"]
    assert Counter(row["model"] for row in one["rows"]) == {
        "content": 1,
        "item_cf": 3,
        "item_cf+popular": 1,
        "popular": 1,
        "tifu_knn": 1,
    }
    assert one["users"] == USERS
    assert "item_cf+popular" in ran("leaderboard", "show", "--lake", str(tmp_path / "lake")).stdout
    with pytest.raises(FuserankError, match="no split that begins with zz"):
        ran("leaderboard", "show", "--lake", str(tmp_path / "lake"), "--board", "zz")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layout", "csv"], "no layout 'csv'; there are: events, sequences, pairs"),
        (["--layout", "pairs"], "layout pairs needs --data PATH"),
        (["--data", "x", "--protocol", "temporal"], "layout pairs is judged by given-split, not by 'temporal'"),
        (["--data", "x", "--models", "magic"], "no recommender 'magic'; there are: popular, item_cf"),
        (["--data", "x", "--models", "item_cf,popularity"], "recommender 'popularity' is now 'popular'"),
        (
            ["--data", "x", "--models", "popular", "--with", "popular.quota=5"],
            "popular.quota is of the chain's candidates; --k says how long",
        ),
        (
            ["--data", "x", "--models", "ease", "--with", "ials.factors=3"],
            "settings for ials, which --models does not name",
        ),
        (["--data", "x", "--models", "ials", "--with", "ials"], "--with ials: write model.field=value"),
        (["--data", "x", "--models", "ials", "--with", "ials.factors=["], "--with ials.factors: "),
        (
            ["--data", "x", "--models", "ials", "--with", "ials.factor=3"],
            "ials.factor: there is no such setting; ials has: factors, iterations, ",
        ),
        (
            ["--data", "x", "--models", "ials", "--with", "ials.factors=0"],
            "ials.factors: Input should be greater than or equal to 1; ials has: factors, ",
        ),
        (
            ["--data", "nowhere", "--models", "ials"],
            "there is no file nowhere/train.txt; --data of layout pairs is a folder with train.txt and test.txt",
        ),
        (
            ["--data", "nowhere.txt", "--layout", "sequences"],
            "there is no file nowhere.txt; --data of layout sequences is one file of lines",
        ),
        (
            ["--data", "x", "--models", "ials", "--set", "fusion.new_track_share=0.3"],
            "fusion.new_track_share is of the chain; here --track says",
        ),
        (["--data", "x", "--models", "ials+ials"], "ials+ials names a recommender twice"),
        (
            ["--data", "x", "--models", "ials,kg+ials"],
            "layout pairs does not tell what items are, which kg learns from",
        ),
        (
            ["--data", "x", "--models", "ials,tifu_knn"],
            "layout pairs does not tell in which order items were taken, which tifu_knn learns from",
        ),
        (
            ["--data", "x", "--models", "ials", "--attributes", "nowhere.json"],
            "there is no file nowhere.json; --attributes is a JSON object of items",
        ),
        (
            ["--data", "x", "--models", "ppr", "--social", "nowhere.txt"],
            "there is no file nowhere.txt; --social is one file of lines `user other other …`",
        ),
        (["--layout", "events", "--social", "a.txt"], "--social is for files of lines; of the layout events the lake"),
        (["--layout", "events", "--attributes", "a.json"], "--attributes is for files of lines; of the layout events"),
        (["--data", "x", "--k", "0,5"], "--k 0,5 is no list of lengths"),
        (["--data", "x", "--k", "²"], "--k ² is no list of lengths"),
        (["--data", "x", "--models", ","], "--models , names no recommender; there are: popular, item_cf"),
        (["--data", "x", "--repeats"], "--repeats is for the layout events"),
        (
            ["--data", "x", "--models", "all", "--with", "content.weight=1"],
            "settings for content, which --models does not name",
        ),
        (["--data", "x", "--track", "cold-items"], "--track is for the layout events"),
        (
            ["--layout", "events", "--repeats", "--track", "new"],
            "--repeats is --track all, and --track new is named beside it",
        ),
        (
            ["--layout", "events", "--track", "old"],
            "no track 'old'; there are: all, new, cold-items, never-sold, next-basket, cold-users-1",
        ),
    ],
)
def test_what_is_wrong_is_said_before_spark_starts(arguments: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises((FuserankError, ValidationError)) as refused:
        ran("leaderboard", *arguments, "--lake", str(tmp_path / "lake"))
    assert words in str(refused.value).replace("\n  ", ": ")
    assert not (tmp_path / "lake").exists()


def test_all_are_those_that_the_layout_has_data_for() -> None:
    from fuserank.cli.leaderboard import _request

    events, pairs = (_request("x", layout, None, "all", 0, "10", [], "new").models for layout in ("events", "pairs"))
    of_content = {"kg", "content", "segment_popularity", "two_tower"}
    assert set(events) - set(pairs) == of_content | {source.name for source in recommenders() if source.baskets}
    assert pairs[:2] == ("popular", "item_cf")


def test_without_models_the_same_run_within_ten_minutes() -> None:
    from fuserank.cli.leaderboard import _request

    named, none = (_request("x", "pairs", None, models, 0, "10", [], "new") for models in ("all", None))
    assert (named.minutes, none.minutes) == (None, 10.0)
    assert none.models == named.models


def test_where_no_model_was_in_time_no_page_is_written_and_why_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fuserank.cli.leaderboard import _request, _run
    from fuserank.config.settings import load
    from fuserank.usecases import leaderboard as job

    def judge(run: Any, request: Any, split: Any, validation: Any, outcome: job.Outcome) -> Iterator[Any]:
        outcome.left_out += request.models
        return iter(())

    split = SimpleNamespace(hash=lambda: "0" * 64, users=[1])
    monkeypatch.setattr("fuserank.io.runtime.run.open_run", lambda *_: nullcontext(SimpleNamespace(say=print)))
    monkeypatch.setattr(job, "splits", lambda *_: (split, None))
    monkeypatch.setattr(job, "judge", judge)
    monkeypatch.setattr(job, "save", lambda *_: None)
    request = _request("x", "pairs", None, "popular", 0, "10", [], "new", 0.1)
    with pytest.raises(FuserankError, match=r"no model was judged.*left out.*0\.1 minutes: popular"):
        _run(request, load(), False, tmp_path / "board.html")
    assert not (tmp_path / "board.html").exists()


def test_a_lake_without_rows_says_how_to_get_some(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(FuserankError, match="nothing was judged in"):
        ran("leaderboard", "show", "--lake", str(tmp_path))


def test_rows_are_set_against_one_of_the_models_that_is_named() -> None:
    from fuserank.cli.leaderboard import _request, _set_against

    request = _request("x", "pairs", None, "popular,item_cf+ease", 0, "10", [], "new")
    assert (request.floor, _set_against(request, "ease").floor) == ("popular", "ease")
    with pytest.raises(FuserankError, match="--against ials is none of the recommenders of --models"):
        _set_against(request, "ials")
