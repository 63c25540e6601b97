"""All features of several days by Spark: two passes of kernels over whole users, and what lies between them in arrays.

The first pass adds up what users tell of items and stores; the second, which is handed the
finished items, makes the users' own rows.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.shuffles import shuffle_tasks
from fuserank.common.streams import Packed, packed_of, rows_in, stream_of
from fuserank.common.users import whole_users
from fuserank.history.baskets import basket_key
from fuserank.history.events import counted_from, was_taken, with_reversals
from fuserank.stages.features import compute as of
from fuserank.stages.features import parts as p
from fuserank.stages.features.engine import NEVER
from fuserank.stages.features.shop import items_of, stores_of
from fuserank.tables import Table
from fuserank.tables import features as t
from fuserank.tables.attributes import ITEM_NUMBERS
from fuserank.tables.features import ATTRIBUTES, DEMOGRAPHICS
from fuserank.tables.features.formulas import Q20

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

    from fuserank.config.features import FeaturesConfig

_PARTS = "as_of int, what int, bucket int, rows binary"  # what: place in parts.PARTS, or _LINES of whole users
_LINES = -1
_MOST_ROWS = 2_000_000  # of parts that one task of the first pass holds
_PACKED = "what int, rows binary"
OnExecutors = Callable[[Any, int], Callable[[], Any]]
_Held = defaultdict[tuple[int, int], list[Any]]  # tables of parts by day and kind


@dataclass(frozen=True)
class Known:
    """Silver tables. Of events all that were known before the last day; of the others, each row once for every day
    (as_of_date) before which it was known. Dictionaries hold at least the ids of the events.
    """

    events: DataFrame
    # reversal events; None, which spares the read of ids, where there are none
    reversals: Callable[[], DataFrame | None]
    items: DataFrame
    users: DataFrame
    promotions: DataFrame
    item_dictionary: DataFrame
    user_dictionary: DataFrame
    own_label: tuple[str, ...] = ()  # brands that are the shop's own


def features(
    known: Known,
    cfg: FeaturesConfig,
    days: Sequence[dt.date],
    on_executors: OnExecutors,
    keep: Callable[[DataFrame], DataFrame],
) -> dict[Table, DataFrame | Packed]:
    """Rows by table, of all days, with as_of_date and without run_id. Runs the first pass; the frames are lazy.

    ``keep`` persists a frame that is read more than once; ``on_executors``: arrays
    and their bytes → a loader for kernels.
    """
    spark = known.events.sparkSession
    settings = of.settings_of(cfg)
    buckets = shuffle_tasks(spark)
    numbers = [of.day_number(d) for d in days]
    with ThreadPoolExecutor(2) as pool:  # these are read while the events are looked through for reversals, and counted
        futures = [pool.submit(frame.toArrow) for frame in (_promoted(known, cfg), _described(known))]
        first = keep(lines(known).mapInArrow(_FirstPass(numbers, settings, buckets), _PARTS))
        counted = _added_up(first, numbers, buckets)
        promoted, described = (one.result() for one in futures)
    items: dict[dt.date, of.Items] = {}
    rows: dict[Table, list[pa.Table]] = {t.ITEM: [], t.STORE_ITEM: []}
    for day in days:
        promotions, totals = _of_day(promoted, day), counted[of.day_number(day)]
        columns = items_of(totals["item"], _of_day(described, day), promotions, settings)
        rows[t.ITEM].append(of.rows_of(t.ITEM, day, columns))
        items[day] = of.Items.of(rows[t.ITEM][-1], known.own_label)
        sold = stores_of(totals["sold"], totals["visits"], totals["mains"], promotions, items[day].item_I, settings)
        rows[t.STORE_ITEM].append(of.rows_of(t.STORE_ITEM, day, sold))
    load = on_executors(items, sum(one.nbytes for one in items.values()))
    packed = keep(first.where(f"what = {_LINES}").select("rows").mapInArrow(_OfUsers(load, settings), _PACKED))
    made: dict[Table, DataFrame | Packed] = {table: _streams(packed, table) for table in t.OF_USERS}
    users = _streams(packed, t.USER).rows
    made[t.USER] = users.join(_demographics(known), ["as_of_date", "user_index"], "left")
    return made | {table: _of_driver(spark, table, parts) for table, parts in rows.items()}


def lines(known: Known) -> DataFrame:
    """A row for each event by which a user took an item, of ``compute.LINE``; whole
    users in a partition, sorted by user.
    """
    from pyspark.sql import functions as F

    def flag(column: str) -> Column:
        return F.when(F.col(column) > 0, F.lit(1)).otherwise(F.lit(0))

    value = F.when(F.abs("value") <= of.MOST_VALUE, F.col("value"))  # NaN is above all numbers
    events = known.events.where(was_taken())
    reversals = known.reversals()
    if reversals is None:
        back: Column = F.lit(NEVER)
    else:
        events = with_reversals(events, counted_from(reversals))
        back = F.coalesce(F.unix_date(F.col("reversed_at").cast("date")), F.lit(NEVER))
    selected = events.select(
        "user_index",
        "item_index",
        basket_key().alias("basket"),
        F.unix_date(F.col("event_time").cast("date")).alias("day"),
        F.unix_date(F.greatest(F.col("event_date"), F.col("known_at").cast("date"))).alias("seen"),
        back.alias("back"),
        F.coalesce("quantity", F.lit(0)).alias("quantity"),
        F.coalesce("amount_minor", F.lit(0)).alias("spend_minor"),
        flag("discount_minor").alias("discount_lines"),
        flag("coupon_minor").alias("coupon_lines"),
        value.isNotNull().cast("long").alias("valued"),
        F.coalesce(F.floor(value * Q20), F.lit(0)).alias("value_q20"),
        "store_id",
    )
    return selected.repartition("user_index").sortWithinPartitions("user_index")


def _added_up(first: DataFrame, days: Sequence[int], buckets: int) -> dict[int, dict[str, pa.Table]]:
    """What all users tell of items and stores, by day and kind: added up by buckets of items, each in one task."""
    parts = first.where(f"what <> {_LINES}").repartition(buckets, "bucket")
    merged = parts.mapInArrow(_bucket_added_up, _PARTS).toArrow()
    found: _Held = defaultdict(list)
    for as_of, what, rows in zip(*(merged[n] for n in ("as_of", "what", "rows")), strict=True):
        found[as_of.as_py(), what.as_py()].append(rows_in(rows))
    return {
        day: {what: p.added_up(what, [p.no_parts(what), *found[day, k]]) for k, what in enumerate(p.PARTS)}
        for day in days
    }


class _FirstPass:
    """Takes lines of whole users; gives them back as they came, and the parts that they add to items and stores. Parts
    are held and added up; where that does not make them fewer, they are given on.
    """

    def __init__(self, days: Sequence[int], settings: Mapping[str, float], buckets: int) -> None:
        self.days, self.settings, self.buckets = days, settings, buckets

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: _Held = defaultdict(list)
        for table in whole_users(batches):
            yield _part(0, _LINES, 0, table)
            block = of.Lines(table)
            for day in self.days:
                for what, rows in p.parts(block, day, self.settings).items():
                    held[day, p.PARTS.index(what)].append(rows)
            if _rows_of(held) > _MOST_ROWS:
                held = _merged(held)
                if _rows_of(held) > _MOST_ROWS // 2:
                    yield from self._as_parts(held)
                    held.clear()
        yield from self._as_parts(_merged(held))

    def _as_parts(self, held: _Held) -> Iterator[pa.RecordBatch]:
        for (day, what), tables in held.items():
            for rows in tables:
                by_item = "item_index" in rows.column_names
                bucket = rows["item_index"].to_numpy() % self.buckets if by_item else np.zeros(rows.num_rows, np.int64)
                for one in range(self.buckets if by_item else 1):
                    yield _part(day, what, one, rows.filter(bucket == one))


def _rows_of(held: _Held) -> int:
    return sum(rows.num_rows for tables in held.values() for rows in tables)


def _merged(held: _Held) -> _Held:
    added = {key: [p.added_up(p.PARTS[key[1]], tables)] for key, tables in held.items() if tables}
    return defaultdict(list, added)


def _part(day: int, what: int, bucket: int, rows: pa.Table) -> pa.RecordBatch:
    import pyarrow as pa

    numbers = [pa.array([n], pa.int32()) for n in (day, what, bucket)]
    stream = pa.array([stream_of(rows)], pa.binary())
    return pa.RecordBatch.from_arrays([*numbers, stream], ["as_of", "what", "bucket", "rows"])


def _bucket_added_up(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of _PARTS of some buckets, in any order: one for each day and kind."""
    held: _Held = defaultdict(list)
    for batch in batches:
        for day, what, rows in zip(*(batch.column(n) for n in ("as_of", "what", "rows")), strict=True):
            held[day.as_py(), what.as_py()].append(rows_in(rows))
        if _rows_of(held) > _MOST_ROWS:
            held = _merged(held)
    for (day, what), tables in _merged(held).items():
        yield _part(day, what, 0, tables[0])


class _OfUsers:
    """The second pass: lines of whole users in, as the first gave them, rows of _PACKED out: Spark would take
    every cell of every row apart to keep them.
    """

    def __init__(self, load: Callable[[], Mapping[dt.date, of.Items]], settings: Mapping[str, float]) -> None:
        self.load, self.settings = load, settings

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        items = self.load()
        for rows in (rows for batch in batches for rows in batch.column("rows")):
            block = of.Lines(rows_in(rows))
            for day, known in items.items():
                made = of.of_users(block, day, known, self.settings)
                streams = [stream_of(one) for one in made.values()]
                what = pa.array([t.OF_USERS.index(one) for one in made], pa.int32())
                yield pa.RecordBatch.from_arrays([what, pa.array(streams, pa.binary())], ["what", "rows"])


def _streams(packed: DataFrame, table: Table) -> Packed:
    columns = [c for c in table.columns if c.name not in ("run_id", *DEMOGRAPHICS)]
    schema = ", ".join(f"`{c.name}` {c.sql_type}" for c in columns)
    return Packed(packed.where(f"what = {t.OF_USERS.index(table)}").select("rows"), schema)


def _described(known: Known) -> DataFrame:
    from pyspark.sql import functions as F

    items = known.items.join(known.item_dictionary.select("item_id", "item_index"), "item_id")
    return items.select(
        "as_of_date",
        "item_index",
        *(n for n, _ in ATTRIBUTES),
        *ITEM_NUMBERS,
        F.col("price_minor").alias("list_price_minor"),
    )


def _promoted(known: Known, cfg: FeaturesConfig) -> DataFrame:
    """Promotions of the last week that is known: as_of_date, item_index, store_id,
    display_count, mailer_count (0 or 1, int).

    Promoted items that the dictionary does not have stay, as item_index null: their stores count as promoting. A week
    is known from its first day, so that the one that begins on as_of is not: the one before it counts.
    """
    from pyspark.sql import functions as F

    since = F.date_sub("as_of_date", cfg.promotion_days)
    week = known.promotions.where((F.col("week_start") >= since) & (F.col("week_start") < F.col("as_of_date")))
    return (
        week.where(F.col("on_display") | F.col("in_mailer"))
        .join(F.broadcast(known.item_dictionary.select("item_id", "item_index")), "item_id", "left")
        .groupBy("as_of_date", "item_index", "store_id")
        .agg(
            F.max(F.col("on_display").cast("int")).alias("display_count"),
            F.max(F.col("in_mailer").cast("int")).alias("mailer_count"),
        )
    )


def _demographics(known: Known) -> DataFrame:
    """as_of_date, user_index and DEMOGRAPHICS of the users that silver.users describes."""
    users = known.user_dictionary.select("user_id", "user_index").join(known.users, "user_id")
    return users.select("as_of_date", "user_index", *DEMOGRAPHICS)


def _of_day(rows: pa.Table, day: dt.date) -> pa.Table:
    import pyarrow.compute as pc

    return rows.filter(pc.equal(rows["as_of_date"], day))


def _of_driver(spark: SparkSession, table: Table, parts: list[pa.Table]) -> Packed:
    names = parts[0].column_names
    return packed_of(spark, parts, ", ".join(f"`{c.name}` {c.sql_type}" for c in table.columns if c.name in names))
