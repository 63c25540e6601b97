"""Rankings published, compared, rolled back and vacuumed in a Delta lake; readers follow the pointer."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.common.errors import FuserankError
from fuserank.tables.ops import RUNS
from fuserank.tables.results import PUBLISHED, RANKING
from fuserank.tables.silver import ITEM_DICTIONARY
from tests.support.cli import ran
from tests.support.lakes import fresh_root
from tests.support.rows import frame

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings

DAY, WEEK = dt.date(2024, 6, 3), dt.timedelta(days=7)
USERS, K = 10, 3


def settings(root: Path | str, *more: str, as_of: dt.date = DAY) -> Settings:
    from fuserank.config.settings import load

    return load("local", [f"lake={root}", f"as_of={as_of}", f"out={root}-out", "run.quiet=true", *more])


def make_ranking(
    root: Path | str, first_item: int, users: int = USERS, as_of: dt.date = DAY, surface: str = "home"
) -> str:
    """A run that writes lists as jobs/ranking.py does; its id."""
    from fuserank.io.runtime.run import open_run

    rows = [
        {
            "user_id": f"u{u}",
            "user_index": u,
            "rank": k + 1,
            "item_id": f"i{first_item + k}",
            "item_index": first_item + k,
            "reason": "because",
            "reason_code": "popular",
            "parts": {"popular": 0.5},
            "score": 0.5,
        }
        for u in range(users)
        for k in range(K)
    ]
    with open_run("ranking", settings(root, as_of=as_of), as_of) as run:
        made = frame(run.spark, RANKING, rows).drop("as_of_date", "surface", "run_id")
        run.lake.replace(RANKING, made, as_of_date=as_of, surface=surface)
        return run.run_id


def job(name: str, root: Path | str, *more: str, as_of: dt.date = DAY) -> None:
    from importlib import import_module

    from fuserank.io.runtime.run import open_run

    of = settings(root, *more, as_of=as_of)
    with open_run(name, of, as_of) as run:
        import_module(f"fuserank.jobs.{name}").execute(run, as_of)


def seen(root: Path | str, *more: str) -> list[str]:
    """The items that a reader finds for user u1."""
    found = json.loads(ran("recommend", "u1", "--lake", str(root), "--json", *more).stdout)
    return [row["item"] for row in found["recommendations"]]


def add_items(spark: SparkSession, root: Path | str) -> None:
    """The catalogue's 20 items."""
    from fuserank.io.lake.lake import Lake

    items = [{"item_id": f"i{n}", "item_index": n} for n in range(20)]
    Lake(spark, str(root), "test-run").append(ITEM_DICTIONARY, frame(spark, ITEM_DICTIONARY, items).drop("run_id"))


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A lake in which A and B of one day were published, then C of the same day was made and was not."""
    root = tmp_path_factory.mktemp("publish") / "lake"
    runs = []
    for first in (0, 1, 10):
        runs.append(make_ranking(root, first))
        if first < 10:
            job("publish", root)
    add_items(spark, root)
    return root, runs


def test_readers_follow_the_pointer_and_a_named_day_shows_the_newest(published: tuple[Path, list[str]]) -> None:
    root, (a, b, c) = published
    assert seen(root) == ["i1", "i2", "i3"], "B, though C replaced its slice"
    assert seen(root, "--as-of", str(DAY)) == ["i10", "i11", "i12"]
    (home,) = json.loads(ran("published", "--lake", str(root), "--json").stdout)["published"]
    assert (home["ranking_run_id"], home["number"], home["users_count"], home["rows_count"]) == (b, 2, USERS, USERS * K)
    every = json.loads(ran("published", "--all", "--lake", str(root), "--json").stdout)["published"]
    assert [p["ranking_run_id"] for p in every] == [a, b]
    assert b in ran("published", "--lake", str(root)).stdout
    assert (
        f"run {c} as of {DAY} would become visible"
        in ran("publish", "--dry-run", "--lake", str(root), "--as-of", str(DAY)).stdout
    )


def test_two_runs_are_compared_in_numbers_words_and_a_page(published: tuple[Path, list[str]], tmp_path: Path) -> None:
    root, (a, b, c) = published
    found = json.loads(ran("compare", a, b, "--lake", str(root), "--json").stdout)
    assert (found["before"]["run_id"], found["after"]["run_id"]) == (a, b)
    assert (found["users_lost"], found["users_gained"], found["users_both"]) == (0, 0, USERS)
    # lists 0 1 2 and 1 2 3: nothing in common at depth 1, one item at depth 2, two at depth 3
    assert found["rbo"] == pytest.approx(2 / 3 * 0.9**3 + 0.1 / 0.9 * (0.9**2 / 2 + 0.9**3 * 2 / 3))
    assert found["before"]["coverage"] == pytest.approx(3 / 20)
    assert found["before"]["reasons"] == {"popular": 1.0}
    assert (found["same_first"], found["same_lists"]) == (0, 0)
    a_itself = json.loads(ran("compare", a, a, "--lake", str(root), "--json").stdout)
    assert (a_itself["same_first"], a_itself["same_lists"], a_itself["rbo"]) == (1, 1, pytest.approx(1))
    by_default = json.loads(ran("compare", "--lake", str(root), "--as-of", str(DAY), "--json").stdout)
    assert (by_default["before"]["run_id"], by_default["after"]["run_id"], by_default["rbo"]) == (b, c, 0)
    assert "users lost 0, gained 0" in ran("compare", a, b, "--lake", str(root)).stdout
    page = tmp_path / "compare.html"
    ran("compare", a, b, "--lake", str(root), "--html", str(page))
    assert "How much a user" in page.read_text(encoding="utf-8")
    with pytest.raises(FuserankError, match="no run nobody in"):
        ran("compare", a, "nobody", "--lake", str(root))


@pytest.mark.slow
def test_what_would_lose_users_or_is_of_an_older_day_is_not_published_by_itself(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import publish

    root = fresh_root()  # in memory: the other tests publish and roll back in Delta's tables
    first = make_ranking(root, 0)
    add_items(spark, root)
    job("publish", root)
    few = make_ranking(root, 5, users=USERS // 2)
    assert "would not be published: 5 of 10 users" in ran("publish", "--dry-run", "--lake", root).stdout
    with pytest.raises(FuserankError, match="5 of 10 users with a published list have none in it"):
        job("publish", root)
    with open_run("refresh", settings(root, "run.quiet=false"), DAY) as run:
        publish.after_refresh(run, DAY)
        assert run.metrics["publish.done"] == 0
    assert "not published: 5 of 10 users" in capsys.readouterr().err
    job("publish", root, "publish.max_lost_share=1")
    earlier = make_ranking(root, 7, as_of=DAY - WEEK)
    with pytest.raises(FuserankError, match="it is as of 2024-05-27, and the published one as of 2024-06-03"):
        job("publish", root, as_of=DAY - WEEK)
    other = make_ranking(root, 9, surface="basket")
    rows = open_rows(settings(root)).rows(RANKING, {}, ("as_of_date", "surface", "run_id"))
    assert {(r["surface"], r["as_of_date"], r["run_id"]) for r in rows} == {
        ("home", DAY, few),
        ("home", DAY - WEEK, earlier),
        ("basket", DAY, other),
    }, "a slice of another day or surface stays"
    job("publish", root, f"publish.run={earlier}")
    assert seen(root) == ["i7", "i8", "i9"]
    job("rollback", root)
    assert seen(root) == ["i5", "i6", "i7"]
    job("rollback", root)
    assert seen(root) == ["i0", "i1", "i2"]
    with pytest.raises(FuserankError, match=f"nothing was published on surface home before run {first}"):
        job("rollback", root)
    actions = [(r["number"], r["action"]) for r in open_rows(settings(root)).rows(PUBLISHED, {}, order=("number",))]
    assert actions == [(1, "publish"), (2, "publish"), (3, "publish"), (4, "rollback"), (5, "rollback")]
    assert len(open_rows(settings(root)).rows(RUNS, {"job": "rollback", "state": "succeeded"})) == 2


@pytest.mark.slow
def test_vacuum_leaves_the_published_rankings_and_takes_the_others(published: tuple[Path, list[str]]) -> None:
    import shutil

    root = published[0].with_name("vacuumed")
    shutil.copytree(published[0], root)
    for first in (4, 5, 6):
        make_ranking(root, first)
    for commit in (root / "ranking" / "ranking" / "_delta_log").glob("*.json"):  # as if it had been a month ago
        text = commit.read_text(encoding="utf-8")
        earlier = re.sub(r'(?<="deletionTimestamp":)(\d+)', lambda at: str(int(at[0]) - 30 * 86_400_000), text)
        commit.write_text(earlier, encoding="utf-8")
        commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)
    dry = json.loads(ran("vacuum", "--dry-run", "--lake", str(root), "--json").stdout)["tables"]["ranking.ranking"]
    files = sorted(f.name for f in (root / "ranking" / "ranking").rglob("*.parquet"))
    assert dry["files"] > 0
    done = json.loads(ran("vacuum", "--lake", str(root), "--json").stdout)["tables"]["ranking.ranking"]
    remaining = sorted(f.name for f in (root / "ranking" / "ranking").rglob("*.parquet"))
    assert (done["files"], len(files) - len(remaining)) == (dry["files"], dry["files"])
    assert seen(root) == ["i1", "i2", "i3"]
    job("rollback", root)
    assert seen(root) == ["i0", "i1", "i2"], "what was published before is readable, too"
