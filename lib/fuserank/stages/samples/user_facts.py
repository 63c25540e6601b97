"""All that is told of a user, brought together by one shuffle: narrow rows of several kinds instead of a join for each.

A row is (user_index, what, key, numbers): ``what`` says its kind, ``numbers`` holds as many doubles as that kind has,
NaN where a value is not known. ``samples.encode`` takes them apart again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.registry.sources import sampled
from fuserank.tables.features import HISTORY, KINDS, read_by_models
from fuserank.tables.samples import CATEGORICAL

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# What of features.user_item goes on to the encoding; none where the user never bought the item.
PAIR_COLUMNS = read_by_models("pair")
ATTRIBUTE_COLUMNS = read_by_models(*KINDS)
USER_COLUMNS = read_by_models("user")
USER_BUCKETS = tuple(name for name, _ in CATEGORICAL[len(KINDS) :])

# Values of ``what``.
KEY, OWN, USER, FACTOR = 0, 1, 2, 3
FIRST_ATTRIBUTE = 10  # and on, in the order of KINDS
FIRST_SOURCE = 1000  # and on, without an end, by the number of each declaration


def _distinct(*numbered: dict[str, int]) -> None:
    """Raises FuserankError where two kinds of rows have one number: they would be read as one."""
    named: dict[int, str] = {}
    for name, number in (each for of in numbered for each in of.items()):
        if (other := named.setdefault(number, name)) != name:
            raise FuserankError(f"rows of {name} and of {other} have the same number {number} in the samples")


SOURCE_NUMBERS = {s.name: FIRST_SOURCE + s.number for s in sampled()}
ATTRIBUTE_NUMBERS = {kind: FIRST_ATTRIBUTE + k for k, kind in enumerate(KINDS)}
_distinct({"key": KEY, "own": OWN, "user": USER, "factor": FACTOR}, ATTRIBUTE_NUMBERS, SOURCE_NUMBERS)


@dataclass(frozen=True)
class ByUser:
    """Slices of one date that have a user in their key."""

    candidates: DataFrame
    user_item: DataFrame
    user: DataFrame
    history: DataFrame
    attribute: DataFrame
    factors: DataFrame  # of candidates.als_factors, side user


def facts_by_user(keys: DataFrame, by_user: ByUser, user_buckets: list[Column]) -> DataFrame:
    """Rows of every kind, by user, sorted by user_index.

    ``keys``: from ``keys.positions``; ``user_buckets``: USER_BUCKETS of features.user.
    """
    from pyspark.sql import functions as F

    source, kind = (
        F.create_map(*(F.lit(x) for pair in numbers.items() for x in pair))
        for numbers in (SOURCE_NUMBERS, ATTRIBUTE_NUMBERS)
    )
    ranked = by_user.candidates.where(F.col("source").isin(*SOURCE_NUMBERS))
    store = F.coalesce(F.xxhash64("main_store_id"), F.lit(0))
    users = by_user.user.select("user_index", store.alias("store"), *USER_COLUMNS, *user_buckets)
    users = users.join(by_user.history.select("user_index", *HISTORY), "user_index", "left")
    parts = [
        _rows(keys, F.lit(KEY), F.col("item_index"), ("position", "label", "weight")),
        _rows(by_user.user_item, F.lit(OWN), F.col("item_index"), PAIR_COLUMNS),
        _rows(ranked, source[F.col("source")], F.col("item_index"), ("rank", "score")),
        _rows(by_user.attribute, kind[F.col("kind")], F.col("value_index"), ATTRIBUTE_COLUMNS),
        _rows(users, F.lit(USER), F.col("store"), (*USER_COLUMNS, *USER_BUCKETS, *HISTORY)),
        by_user.factors.select(
            F.col("index").alias("user_index"),
            F.lit(FACTOR).alias("what"),
            F.lit(0).cast("long").alias("key"),
            F.col("factor").cast("array<double>").alias("numbers"),
        ),
    ]
    rows = reduce(lambda a, b: a.unionByName(b), parts)
    return rows.repartition("user_index").sortWithinPartitions("user_index")


def _rows(frame: DataFrame, what: Column, key: Column, names: tuple[str, ...]) -> DataFrame:
    from pyspark.sql import functions as F

    nothing = F.lit(float("nan"))
    numbers = F.array(*(F.coalesce(F.col(n).cast("double"), nothing) for n in names))
    return frame.select(
        "user_index", what.cast("int").alias("what"), key.cast("long").alias("key"), numbers.alias("numbers")
    )
