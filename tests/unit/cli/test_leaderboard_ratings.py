"""`fuserank leaderboard --layout ratings`: from a file of ratings to rows, and words for what is wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.insight.reports import leaderboard as report
from fuserank.io.lake.ratings import read_ratings
from fuserank.usecases import leaderboard_ratings as job
from tests.support.cli import ran

HEAD = "userId,movieId,rating,timestamp"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users of two tastes rate half of 30 items, each at a time of its own."""
    rng = np.random.default_rng(1)
    user, item = np.nonzero(rng.random((60, 30)) < 0.5)
    value = 3 + np.where(user % 2 == item % 2, 1, -1)
    rows = [f"{u},{i},{v},{t}" for u, i, v, t in zip(user, item, value, rng.permutation(len(user)), strict=True)]
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return path


class Quiet:
    """What of a run the raters ask for."""

    seed, settings = 1, SimpleNamespace(evaluation=SimpleNamespace(resamples=50))

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, name: str) -> Any:
        from contextlib import nullcontext

        return nullcontext(name)

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_raters_are_judged_on_later_ratings_and_set_against_the_floor(file: Path) -> None:
    taste = {"factors": 4, "epochs": 60, "learning_rate": 0.03, "factor_regularization": 0.5, "implicit": False}
    request = job.RatingsRequest(str(file), ("time_svd_pp", "bias"), settings={"time_svd_pp": taste})
    run: Any = Quiet()
    split, validations = job.splits(run, request)
    assert len(validations[0].test) < len(split.test)
    floor, ours = job.judge(run, request, split, validations)
    assert (floor.model, ours.model) == ("bias", "time_svd_pp")
    assert ours.metrics["rmse"] < 0.8 * floor.metrics["rmse"]
    assert not floor.minus
    mean, low, high = ours.minus["rmse"]
    assert mean == pytest.approx(ours.metrics["rmse"] - floor.metrics["rmse"])
    assert low < high < 0
    first = report.lines([floor, ours])[1]
    assert first.split()[0] == "time_svd_pp", "the least error on top"
    assert "later ratings by earlier ones" in report.render([floor, ours], "x", "temporal", "0" * 64, 60)


def test_settings_are_chosen_on_the_validation_part(file: Path) -> None:
    request = job.RatingsRequest(str(file), ("bias",), tune=6, settings={"bias": {"user_regularization": 5}})
    run: Any = Quiet()
    (row,) = job.judge(run, request, *job.splits(run, request))
    tried = [float(line.split("rmse ")[1].split()[0]) for line in run.lines]
    assert row.trials == len(tried) == 6
    assert row.config["user_regularization"] == 5
    _, validations = job.splits(run, request)
    chosen = job.RATERS["bias"].settings.model_validate(row.config)
    assert job.validated("bias", chosen, validations, 1) == pytest.approx(min(tried), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("user;item;stars;time\na;x;4,0;1\n", None),
        ("User ID\tasin\toverall\tunixReviewTime\na\tx\t4\t1288940400\n", ("a", "x", 4.0, 1_288_940_400)),
        ("user,item,rating,time\n a ,x,4.5,1.2889404e+009\n", ("a", "x", 4.5, 1_288_940_400)),
        ("user,item,rating,time\na,x,4,2010-11-05T07:00:00Z\n", ("a", "x", 4.0, 1_288_940_400)),
        ("user,item,rating,time\na,x,4,2010-11-05\n", ("a", "x", 4.0, 1_288_915_200)),
    ],
)
def test_a_file_is_read_by_its_header(text: str, found: tuple[Any, ...] | None, tmp_path: Path) -> None:
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    if found is None:
        with pytest.raises(FuserankError, match="line 2, column stars: '4,0' is not a number; correct or remove"):
            read_ratings(path)
        return
    assert tuple(read_ratings(path).iloc[0]) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user,thing,rating,time\na,x,4,1\n", "no column of the item: its header says user, thing, rating, time; call"),
        ("user,item,rating,time\na,x,4,1\n,x,4,1\n", "line 3, column user: '' is not an id"),
        ("user,item,rating,time\na,x,4,1\nb,x,4\n", "line 3, column time: '' is not a number of seconds"),
        ("user,item,rating,time\na,x,4,soon\n", "column time: 'soon' is not a time: seconds since 1970, or ISO 8601"),
        ("user,item,rating,time\n", "has a header and no rows"),
        ("", "is no table of ratings"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FuserankError) as refused:
        read_ratings(path)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "layout ratings needs --data FILE"),
        (
            ["--data", "nowhere.csv"],
            "there is no file nowhere.csv; --data of layout ratings is a table with user, item",
        ),
        (["--models", "item_cf"], "no rater 'item_cf'; there are: bias, time_svd_pp"),
        (
            ["--models", "bias", "--with", "time_svd_pp.bins=3"],
            "settings for time_svd_pp, which --models does not name",
        ),
        (["--with", "bias.user_regularization=-1"], "bias.user_regularization: Input should be greater than or equal"),
        (
            ["--models", "bias", "--against", "time_svd_pp"],
            "--against time_svd_pp is none of the raters of --models: bias",
        ),
        (["--minutes", "3"], "--minutes is for lists; layout ratings judges what is predicted"),
        (["--track", "new"], "--track is for the layout events"),
    ],
)
def test_what_is_wrong_is_said_before_spark_starts(
    arguments: list[str], words: str, file: Path, tmp_path: Path
) -> None:
    data = [] if not arguments or "--data" in arguments else ["--data", str(file)]
    with pytest.raises(FuserankError) as refused:
        ran("leaderboard", "--layout", "ratings", *data, *arguments, "--lake", str(tmp_path / "lake"))
    assert words in str(refused.value)


def test_rows_stay_in_the_lake(spark: Any, file: Path, tmp_path: Path) -> None:
    lake = ["--lake", str(tmp_path / "lake"), "--json"]
    settings = ["--with", "time_svd_pp.epochs=1", "--with", "time_svd_pp.factors=2"]
    found = json.loads(
        ran("leaderboard", "--layout", "ratings", "--data", str(file), *settings, *lake).stdout.splitlines()[-1]
    )
    assert {row["model"] for row in found["rows"]} == {"bias", "time_svd_pp"}
    (board,) = json.loads(ran("leaderboard", "show", *lake).stdout.splitlines()[-1])["boards"]
    assert board["hash"] == found["hash"]
    assert board["rows"][0]["rmse"] == found["rows"][0]["rmse"]
