"""Lists by segment: what the users of one value of a column of silver.users took most, drawn to what all users took.

Counts are users who took an item in the last windows.label_days before as_of, each once. With c users of a segment and
g of all G users, an item stands by c·G + p·g, the order of c + p·g/G in whole numbers: as if p users of the whole shop
were in the segment, too. p is that of PRIORS by which lists of one half of the users tell most of what the other half
took.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fuserank.config.auto import AUTO
from fuserank.history.labels import taken_in
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts.store_frames import rows_known
from fuserank.serving.recommend.segments import FIELDS
from fuserank.serving.store.records import Segment
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, USER_DICTIONARY, USERS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run

MOST_ITEMS, MOST_SEGMENTS = 200, 256
_JUDGED = 500  # items, those that most users took, by which ``auto`` chooses
PRIORS = (50, 100, 200, 400, 800, 1600, 3200)  # users
# an item taken; on completejourney values that are dealt out at random tell .001 (age, 777 users), the best column .02
_LEAST_BITS = 0.005
_ALL = ""  # the field, and the value, of all users

Halves = Mapping[int, tuple[int, int]]  # item_index → how many users of each half took it


class Large(NamedTuple):
    """A value that enough users have."""

    field: str
    value: str
    users: int


class Drawn(NamedTuple):
    """How strongly the lists of a column are drawn to what all take, and what they then tell: ``bits`` in all, ``each``
    an item taken.
    """

    prior: int
    bits: float
    each: float


def segments(run: Run, as_of: dt.date) -> list[Segment]:
    """Lists by segment as of a day, by store.segments; what was chosen is said."""
    cfg = run.settings.store
    fields = list(FIELDS if cfg.segments == AUTO else cfg.segments)
    if not fields:
        return []
    counts = _counts(rows := _rows(run, as_of, fields)).persist()
    try:
        large = _large(rows, cfg.segment_users)
        everybody = sum(one.users for one in large if one.field == _ALL)
        large = [one for one in large if one.field != _ALL]
        found = _drawn(counts, large, everybody) if large else {}
        fields = [name for name in fields if name in found]
        if cfg.segments == AUTO:
            fields = [name for name in fields if found[name].each >= _LEAST_BITS]
            fields = sorted(fields, key=lambda name: -found[name].bits)[:1]
        chosen = [one for name in fields for one in large if one.field == name][:MOST_SEGMENTS]
        chosen.sort(key=lambda one: (fields.index(one.field), one.value))
        made = _lists(counts, chosen, found, everybody) if chosen else {}
    finally:
        counts.unpersist()
    by = ", ".join(f"{name} ({found[name].each:.4f} bits an item taken)" for name in fields)
    run.say(f"lists by segment: {len(chosen)}" + (f", by {by}" if chosen else ""))
    return [Segment(one.field, one.value, one.users, made[one.field, one.value]) for one in chosen]


def _rows(run: Run, as_of: dt.date, fields: list[str]) -> DataFrame:
    """user_index, item_index, half (0 or 1, of the user), field, value: of each item that a user took in the window one
    row for all users, and one for each value of the user's.
    """
    from pyspark.sql import functions as F

    lake, window = run.lake, label_window(as_of, run.settings.windows.label_days, back=1)
    events = lake.known(EVENTS, as_of)
    taken = taken_in(events, window, reversals(lake, events))
    users = lake.read(USER_DICTIONARY).where("deleted_at is null").select("user_id", "user_index")
    items = lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index")
    taken = taken.join(items, "item_index", "left_semi").join(users, "user_index")
    values = {_ALL: F.lit(_ALL), **{name: F.coalesce(F.col(name), F.lit("")) for name in fields}}
    cells = F.array(*(F.struct(F.lit(n).alias("field"), value.alias("value")) for n, value in values.items()))
    half = F.pmod(F.xxhash64("user_index", F.lit(run.settings.seed)), F.lit(2)).alias("half")
    described = taken.join(rows_known(lake, USERS, as_of).select("user_id", *fields), "user_id", "left")
    rows = described.select("user_index", "item_index", half, F.explode(cells).alias("of"))
    rows = rows.select("user_index", "item_index", "half", "of.field", "of.value")
    return rows.where((F.col("field") == _ALL) | (F.trim("value") != ""))


def _counts(rows: DataFrame) -> DataFrame:
    """field, value, item_index, first and second: how many users of each half took the item."""
    from pyspark.sql import functions as F

    halves = [F.count_if(F.col("half") == n).alias(name) for n, name in enumerate(("first", "second"))]
    return rows.groupBy("field", "value", "item_index").agg(*halves)


def _large(rows: DataFrame, least: int) -> list[Large]:
    """All users, and the values of ``least`` users or more, the largest first."""
    from pyspark.sql import functions as F

    users = rows.groupBy("field", "value").agg(F.count_distinct("user_index").alias("users"))
    found = users.where((F.col("users") >= least) | (F.col("field") == _ALL)).collect()
    return sorted((Large(*row) for row in found), key=lambda one: (-one.users, one.field, one.value))


def _drawn(counts: DataFrame, large: list[Large], everybody: int) -> dict[str, Drawn]:
    """``drawn`` of each field, over its large values and the items that most users took."""
    from pyspark.sql import functions as F

    of_all = counts.where(F.col("field") == _ALL)
    best = of_all.orderBy(F.desc(F.col("first") + F.col("second")), "item_index").limit(_JUDGED)
    wanted = [(one.field, one.value) for one in large] + [(_ALL, _ALL)]
    pairs = counts.sparkSession.createDataFrame(wanted, "field string, value string")
    some = counts.join(F.broadcast(best.select("item_index")), "item_index", "left_semi")
    some = some.join(F.broadcast(pairs), ["field", "value"], "left_semi")
    by_value: dict[tuple[str, str], dict[int, tuple[int, int]]] = {}
    for row in some.collect():
        by_value.setdefault((row["field"], row["value"]), {})[row["item_index"]] = (row["first"], row["second"])
    every = by_value.pop((_ALL, _ALL), {})
    found: dict[str, list[Halves]] = {}
    for (field, _), own in sorted(by_value.items()):
        found.setdefault(field, []).append(own)
    return {field: drawn(of, every, everybody) for field, of in found.items()}


def drawn(segments: Sequence[Halves], every: Halves, everybody: int) -> Drawn:
    """The one of PRIORS with most bits over all segments of a column, the first of equal ones."""
    bits = {prior: math.fsum(bits_of(own, every, prior, everybody) for own in segments) for prior in PRIORS}
    prior = max(PRIORS, key=lambda each: bits[each])
    takings = sum(sum(halves) for own in segments for halves in own.values())
    return Drawn(prior, bits[prior], bits[prior] / max(takings, 1))


def bits_of(own: Halves, every: Halves, prior: int, everybody: int) -> float:
    """Bits that a segment's list, made of one half of the users, tells of what the segment's other half took, against
    a list of all: the sum over both halves. Below 0 where it misleads.

    :param every: what all took; ``own`` is part of it
    :param prior: users of the whole shop that the list is drawn to
    """
    bits = []
    for learn, judge in ((0, 1), (1, 0)):
        all_taken, own_taken = (sum(halves[learn] for halves in of.values()) for of in (every, own))
        mass = prior * 2 * all_taken / max(everybody, 1)
        for item, halves in sorted(own.items()):
            if halves[judge] and (of_all := every[item][learn]):
                share = of_all / all_taken
                bits.append(halves[judge] * math.log2((halves[learn] + mass * share) / (own_taken + mass) / share))
    return math.fsum(bits)


def _lists(
    counts: DataFrame, chosen: Iterable[Large], by_field: Mapping[str, Drawn], everybody: int
) -> dict[tuple[str, str], list[int]]:
    """The items of each list, best first, ties to the lower index."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    values = [(one.field, one.value, by_field[one.field].prior) for one in chosen]
    wanted = F.broadcast(counts.sparkSession.createDataFrame(values, "field string, value string, prior long"))
    sums = counts.select("field", "value", "item_index", (F.col("first") + F.col("second")).alias("users"))
    every = sums.where(F.col("field") == _ALL).select("item_index", F.col("users").alias("all_users"))
    # what a segment took of nothing may stand in its list by what all took
    most = every.orderBy(F.desc("all_users"), "item_index").limit(MOST_ITEMS).select("item_index")
    rows = sums.join(wanted, ["field", "value"]).unionByName(most.crossJoin(wanted).withColumn("users", F.lit(0)))
    keys = ("field", "value", "prior", "item_index")
    rows = rows.groupBy(*keys).agg(F.sum("users").alias("users")).join(every, "item_index")
    score = F.col("users") * everybody + F.col("all_users") * F.col("prior")
    order = Window.partitionBy("field", "value").orderBy(F.desc(score), "item_index")
    ranked = rows.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= MOST_ITEMS)
    found: dict[tuple[str, str], list[int]] = {}
    for row in ranked.orderBy("field", "value", "rank").collect():
        found.setdefault((row["field"], row["value"]), []).append(row["item_index"])
    return found
