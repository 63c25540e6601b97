"""Profiles read without a JVM are those that Spark reads, number for number, on lakes of chance.

Spark has them in memory: that it reads a folder's tables as the other reader does is test_rows.py's.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fuserank.config.mapping.load import load_dataset
from fuserank.config.settings import Settings, load
from fuserank.io.lake.lake import Lake
from fuserank.io.lake.rows import Before, Begins, FolderRows, Holds
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.tables import silver as s
from fuserank.usecases import card, profile
from tests.support.chance import DAYS, USERS, fill
from tests.support.folder_lake import in_memory
from tests.unit.insight.worlds import MAPPING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Made = tuple[FolderRows, SparkRows, Settings, bool]


@pytest.fixture(scope="module", params=[False, True], ids=["sales alone", "with returns"])
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Made:
    folder = tmp_path_factory.mktemp("lake")
    fill(folder / "lake", random.Random(11), request.param)
    shutil.copytree(Path(__file__).resolve().parents[3] / "conf", folder / "conf")
    (folder / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(MAPPING))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(folder / "conf"))
        settings = load("local", ["dataset=shop", f"lake={folder / 'lake'}"])
    return (
        FolderRows(settings.lake),
        SparkRows(Lake(spark, in_memory(folder / "lake"), "test-run")),
        settings,
        request.param,
    )


@pytest.fixture(autouse=True)
def conf(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(Path(made[2].lake).parent / "conf"))


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_profiles_are_the_same_by_both_readers(made: Made, day: dt.date) -> None:
    folder, spark, settings, _ = made
    users = [*USERS, "nobody"]
    found = profile.users(folder, settings, day, users)
    assert found == profile.users(spark, settings, day, users)
    if day == DAYS[0]:  # or the test would not test it
        assert all(u.baskets and u.ranking for u in found[:4])
        assert (sum(u.taken_back for u in found) > 3) == made[3]
    for item in ("i0", "i3", "i4"):
        answers = []
        for reader in (folder, spark):
            try:
                answers.append(profile.item(reader, settings, day, item))
            except Exception as refused:
                answers.append(str(refused).replace(reader.root, "here"))
        assert answers[0] == answers[1], item


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_cards_are_the_same_by_both_readers(made: Made, day: dt.date) -> None:
    folder, spark, settings, _ = made
    found = card.gather(folder, settings, day)
    assert found == card.gather(spark, settings, day)
    assert (found.events > 100 and found.pairs > 10) == (day != min(DAYS))


def test_events_that_are_cut_are_still_those_that_were_taken_back(made: Made) -> None:
    folder, spark, *_ = made
    some, whole = (profile.events_of(folder, DAYS[1], USERS, "Europe/Berlin", most)[0] for most in (40, 1000))
    assert some == whole[:40]
    assert some == profile.events_of(spark, DAYS[1], USERS, "Europe/Berlin", 40)[0]


def test_both_readers_understand_the_same_conditions(made: Made) -> None:
    queries: list[tuple[Any, dict[str, Any]]] = [
        (s.ITEMS, {"name": Holds("MILK")}),
        (s.ITEMS, {"name": Begins("Milk")}),
        (s.ITEMS, {"name": Begins("milk")}),
        (s.ITEMS, {"item_id": ["i1", "i4"]}),
        (s.ITEMS, {"item_id": []}),
        (s.ITEMS, {"name": Holds("%")}),
        (s.ITEMS, {"valid_to": Before(dt.date(2024, 4, 4))}),
        (s.ITEMS, {"valid_to": Before(dt.date(2024, 4, 3))}),
    ]
    counts = []
    for table, where in queries:
        found, expected = (
            reader.rows(table, where, ("item_id", "name"), ("item_id", "name"), made={"big": "length(name) > 5"})
            for reader in made[:2]
        )
        assert found == expected, where
        counts.append(len(found))
    assert counts == [2, 2, 0, 2, 0, 0, 1, 0]


@pytest.mark.parametrize("day", [DAYS[0], dt.date(2300, 1, 1)], ids=str)
def test_a_card_s_sizes_are_the_same_by_both_readers(made: Made, day: dt.date) -> None:
    folder, spark, *_ = made
    found = card.table_sizes(folder, load_dataset("shop"), day)
    assert found == card.table_sizes(spark, load_dataset("shop"), day)
    sizes = {size.table: size for size in found}
    for name in ("silver.events", "silver.user_dictionary"):
        first, last = sizes[name].first, sizes[name].last
        assert first is not None
        assert last is not None
        assert first <= last
    assert (sizes["ranking.ranking"].rows == 0) == (day > DAYS[0])
    assert "silver.items" in sizes
