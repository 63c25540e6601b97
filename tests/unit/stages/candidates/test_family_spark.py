"""The retrieval family on Spark gives the rows of the numpy contract, in any number of partitions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.auto import Numbers, settled
from fuserank.learning.recommenders.baskets import BASKET_SCHEMA
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.interactions import Interactions, numbers_of
from fuserank.learning.recommenders.state import SCHEMA
from fuserank.registry.sources import recommenders
from fuserank.stages.candidates import family
from fuserank.stages.candidates.histories import counted
from tests.support.family import Lists, close, config, described, fit, in_baskets, only, planted, rows_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize("name", recommenders().names)
def test_spark_learns_and_proposes_what_numpy_does(spark: SparkSession, name: str) -> None:
    taken = only(planted()[0], *range(7, 87, 2))
    frame = spark.createDataFrame(taken)
    known = spark.createDataFrame(in_baskets(taken), BASKET_SCHEMA) if recommenders()[name].baskets else frame
    source, cfg, alone = recommenders()[name], settled(config(name), numbers_of(taken)), fit(name, taken)
    among = np.arange(4, 90, 3, dtype=np.int32)
    # first, so that loops are compiled here once, and not by every Python worker beside the others
    whole, wanted = alone.lists(taken, k=5), alone.lists(taken, k=5, among=among)
    for partitions in (1, 2):
        if (
            partitions == 1 or source.by_blocks or source.distributed
        ):  # others learn in one task, however many there are
            rows = family.fit(
                source, frame, lambda: taken, cfg, 1, partitions, lambda: described(taken), lambda: in_baskets(taken)
            )
            assert rows.schema.simpleString() == spark.createDataFrame([], SCHEMA).schema.simpleString()
            assert sorted(map(tuple, rows.collect())) == sorted(rows_of(alone.rows))
    for partitions, items, lists in ((2, None, whole), (1, among, wanted)):
        proposed = family.propose(source, known, lambda: alone.rows, cfg, 5, partitions, among=items).collect()
        found: Lists = {}
        for row in sorted(proposed, key=lambda row: (row["user_index"], row["rank"])):
            found.setdefault(row["user_index"], []).append((row["item_index"], row["score"]))
            assert (row["source"], row["rank"]) == (name, len(found[row["user_index"]]))
        close(found, lists)


@pytest.mark.parametrize("name", [source.name for source in recommenders() if source.social])
def test_links_between_users_reach_whoever_learns_from_them(spark: SparkSession, name: str) -> None:
    taken = only(planted()[0], *range(7, 47, 2))
    frame = spark.createDataFrame(rows_of(taken), "user_index int, item_index int, weight float, age float")
    source, cfg = recommenders()[name], settled(config(name, social=1.0), numbers_of(taken))
    trust = Content(pa.table({"side": ["link"] * 2, "index": [7, 7], "field": ["social"] * 2, "value": ["9", "11"]}))
    known = replace(Interactions.of(taken), content=trust)
    alone = pa.Table.from_batches(list(source.code("learn")(known, cfg, 1, (0, 1))))
    rows = family.fit(source, frame, lambda: taken, cfg, 1, 2, lambda: trust.table).collect()
    assert sorted(map(tuple, rows)) == sorted(rows_of(alone))
    assert "linked" in {row["part"] for row in rows}


@pytest.mark.parametrize("name", [source.name for source in recommenders() if source.content])
def test_members_that_learn_from_content_are_refused_where_there_is_none(spark: SparkSession, name: str) -> None:
    frame = spark.createDataFrame([(0, 0, 1.0, 0.0)], "user_index int, item_index int, weight float, age float")
    with pytest.raises(
        FuserankError, match=f"{name} learns from what items and users are, which this data does not tell"
    ):
        family.fit(recommenders()[name], frame, lambda: None, settled(config(name), Numbers(1, 1, 1)), 1, 1)  # type: ignore[arg-type, return-value]


def test_ranks_are_refused_where_no_lake_has_windows(spark: SparkSession) -> None:
    source, cfg = recommenders()["sasrec"], settled(config("sasrec", ranks=2), Numbers(1, 1, 1))
    with pytest.raises(FuserankError, match="sasrec: ranks learn from windows in a lake"):
        family.fit(source, spark.range(1), lambda: None, cfg, 1, 1)  # type: ignore[arg-type, return-value]


def test_members_that_learn_from_baskets_are_refused_where_there_are_none(spark: SparkSession) -> None:
    source = replace(recommenders()["popular"], baskets=True)
    with pytest.raises(FuserankError, match="popular learns from baskets in order, which this data does not tell"):
        family.fit(source, spark.range(1), lambda: None, config("popular"), 1, 1)  # type: ignore[arg-type, return-value]


def test_ranks_refuse_pairs_that_stand_twice(spark: SparkSession) -> None:
    twice = [(0, 0, 1.0, 0.0), (0, 1, 1.0, 0.0), (1, 1, 1.0, 0.0), (0, 1, 2.0, 0.0)]
    frame = spark.createDataFrame(twice, "user_index int, item_index int, weight float, age float")
    rows = family.fit(recommenders()["ials"], frame, lambda: None, settled(config("ials"), Numbers(1, 1, 1)), 1, 2)  # type: ignore[arg-type, return-value]
    with pytest.raises(Exception, match="pairs of a user and an item stand twice"):
        rows.collect()


def test_the_numbers_that_settings_go_by_are_the_same_by_spark(spark: SparkSession) -> None:
    taken = planted()[0]
    frame = spark.createDataFrame(rows_of(taken), "user_index int, item_index int, baskets float, age float")
    rows = frame.selectExpr("user_index", "item_index", "cast(age as int) age_days")
    assert counted(rows) == counted(rows.repartition(5)) == numbers_of(taken)
    assert counted(rows.where("false")) == Numbers(0, 0, 0)
