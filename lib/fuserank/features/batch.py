"""All features of several days by Spark: two passes of kernels over whole users, and what lies between them in arrays.

The first pass adds up what users tell of items and stores; the second, which is handed the finished items, makes the users' own rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.users import whole_users
from fuserank.features import compute as of
from fuserank.features.shop import items_of, stores_of
from fuserank.history.baskets import basket_key
from fuserank.history.events import was_taken, with_reversals
from fuserank.tables import Table
from fuserank.tables import features as t
from fuserank.tables.features import ATTRIBUTES, DEMOGRAPHICS, item
from fuserank.tables.features.declare import Aggregate

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

    from fuserank.config.features import FeaturesConfig

_ITEM, _SOLD, _VISITS, _MAIN = range(4)  # what a row of parts tells of
_COUNTED = tuple((f.name, f.made.merge) for f in item.FEATURES if isinstance(f.made, Aggregate))
_PARTS = "as_of int, what int, store_id string, item_index int, n long, " + ", ".join(f"{n} long" for n, _ in _COUNTED)
_OF_USERS = (t.USER, t.USER_ITEM, t.USER_HISTORY, t.USER_ATTRIBUTE)
_PACKED = "what int, rows binary"
_ROWS_A_STREAM = 65_536
OnExecutors = Callable[[Any, int], Callable[[], Any]]


@dataclass(frozen=True)
class Known:
    """Silver tables. Of events all that were known before the last day; of the others, each row once for every day (as_of_date)
    before which it was known. Dictionaries hold at least the ids of the events.
    """

    events: DataFrame
    reversals: DataFrame | None  # reversal events; None where there are none, which spares the read of event ids
    items: DataFrame
    users: DataFrame
    promotions: DataFrame
    item_dictionary: DataFrame
    user_dictionary: DataFrame


def features(
    known: Known, cfg: FeaturesConfig, days: Sequence[dt.date], on_executors: OnExecutors, keep: Callable[[DataFrame], DataFrame]
) -> dict[Table, DataFrame]:  # fmt: skip
    """Rows by table, of all days, with as_of_date and without run_id. Runs the first pass; the frames are lazy.

    ``keep`` persists a frame that is read more than once; ``on_executors``: arrays and their bytes → a loader for kernels.
    """
    spark = known.events.sparkSession
    settings = of.settings_of(cfg)
    taken = keep(lines(known))
    with ThreadPoolExecutor(3) as pool:
        asked = pool.submit(_added_up, taken, [of.day_number(d) for d in days], settings)
        described, promoted = pool.map(lambda frame: frame.toArrow(), (_described(known), _promoted(known, cfg)))
        counted = asked.result()
    items: dict[dt.date, of.Items] = {}
    rows: dict[Table, list[pa.Table]] = {t.ITEM: [], t.STORE_ITEM: []}
    for day in days:
        mine = _of_day(counted, "as_of", of.day_number(day))
        shown = _of_day(promoted, "as_of_date", day)
        columns = items_of(_named(mine, _ITEM), _of_day(described, "as_of_date", day), shown, settings)
        rows[t.ITEM].append(of.rows_of(t.ITEM, day, columns))
        items[day] = of.Items.of(rows[t.ITEM][-1], cfg.own_label_brands)
        mains = set(_named(mine, _MAIN)["store_id"].to_pylist())
        sold = stores_of(_named(mine, _SOLD), _named(mine, _VISITS), mains, shown, items[day].item_I, settings)
        rows[t.STORE_ITEM].append(of.rows_of(t.STORE_ITEM, day, sold))
    load = on_executors(items, sum(one.nbytes for one in items.values()))
    packed = keep(taken.mapInArrow(_OfUsers(load, settings), _PACKED))
    made = {table: _unpacked(packed, table) for table in _OF_USERS}
    made[t.USER] = made[t.USER].join(_demographics(known), ["as_of_date", "user_index"], "left")
    return made | {table: _frame(spark, table, parts) for table, parts in rows.items()}


def lines(known: Known) -> DataFrame:
    """A row for each event by which a user took an item, of ``compute.LINE``; whole users in a partition, sorted by user."""
    from pyspark.sql import functions as F

    def flag(column: str) -> Column:
        return F.when(F.col(column) > 0, F.lit(1)).otherwise(F.lit(0))

    events = known.events.where(was_taken())
    reversals = known.reversals
    if reversals is None:
        back: Column = F.lit(of.NEVER)
    else:  # it counts from the day after it was known, as an event does
        reversals = reversals.withColumn("known_at", F.greatest("known_at", F.col("event_date").cast("timestamp")))
        events = with_reversals(events, reversals)
        back = F.coalesce(F.unix_date(F.col("reversed_at").cast("date")), F.lit(of.NEVER))
    told = events.select(
        "user_index", "item_index", basket_key().alias("basket"), F.unix_date(F.col("event_time").cast("date")).alias("day"),
        F.unix_date(F.greatest(F.col("event_date"), F.col("known_at").cast("date"))).alias("seen"), back.alias("back"),
        F.coalesce("quantity", F.lit(0)).alias("quantity"), F.coalesce("amount_minor", F.lit(0)).alias("spend_minor"),
        flag("discount_minor").alias("discount_lines"), flag("coupon_minor").alias("coupon_lines"), "store_id",
    )  # fmt: skip
    return told.repartition("user_index").sortWithinPartitions("user_index")


def _added_up(taken: DataFrame, days: Sequence[int], settings: Mapping[str, float]) -> pa.Table:
    """What all users tell of items and stores: rows of _PARTS, one for each key."""
    from pyspark.sql import functions as F

    merge = {"sum": F.sum, "min": F.min, "max": F.max}
    parts = taken.mapInArrow(_ToldOfItems(days, settings), _PARTS)
    keys = ("as_of", "what", "store_id", "item_index")
    return parts.groupBy(*keys).agg(F.sum("n").alias("n"), *(merge[m](n).alias(n) for n, m in _COUNTED)).toArrow()


class _ToldOfItems:
    """The first pass: lines of whole users in, rows of _PARTS out."""

    def __init__(self, days: Sequence[int], settings: Mapping[str, float]) -> None:
        self.days, self.settings = days, settings

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in whole_users(batches):
            block = of.Lines(table)
            for day in self.days:
                if (told := of.parts(block, day, self.settings)) is not None:
                    yield from self._rows(day, told)

    def _rows(self, day: int, told: of.Parts) -> Iterator[pa.RecordBatch]:
        yield _batch(day, _ITEM, item=told.item, **told.of_item)
        yield _batch(day, _SOLD, store=told.sold_store, item=told.sold_item, n=told.sold)
        yield _batch(day, _VISITS, store=told.store, n=told.visits)
        yield _batch(day, _MAIN, store=told.mains)


def _batch(day: int, what: int, **columns: Any) -> pa.RecordBatch:
    import pyarrow as pa

    rows = len(next(iter(columns.values())))
    types = {"int": pa.int32(), "long": pa.int64(), "string": pa.string()}
    given = {"as_of": np.full(rows, day), "what": np.full(rows, what), "store_id": columns.pop("store", None)}
    given |= {"item_index": columns.pop("item", None), **columns}
    arrays, names = [], []
    for name, kind in (column.split() for column in _PARTS.split(", ")):
        values = given.get(name)
        arrays.append(pa.nulls(rows, types[kind]) if values is None else pa.array(values, types[kind]))
        names.append(name)
    return pa.RecordBatch.from_arrays(arrays, names)


class _OfUsers:
    """The second pass: lines of whole users in, rows of _PACKED out: Spark would take every cell of every row apart to keep them."""

    def __init__(self, load: Callable[[], Mapping[dt.date, of.Items]], settings: Mapping[str, float]) -> None:
        self.load, self.settings = load, settings

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        items = self.load()
        for table in whole_users(batches):
            block = of.Lines(table)
            for day, known in items.items():
                made = of.of_users(block, day, known, self.settings)
                streams = [_stream(rows) for rows in made.values()]
                what = pa.array([_OF_USERS.index(one) for one in made], pa.int32())
                yield pa.RecordBatch.from_arrays([what, pa.array(streams, pa.binary())], ["what", "rows"])


def _stream(table: pa.Table) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _unpacked(packed: DataFrame, table: Table) -> DataFrame:
    columns = [c for c in table.columns if c.name not in ("run_id", *DEMOGRAPHICS)]
    schema = ", ".join(f"`{c.name}` {c.type}" for c in columns)
    return packed.where(f"what = {_OF_USERS.index(table)}").mapInArrow(_opened, schema)


def _opened(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        for stream in batch.column("rows"):
            yield from pa.ipc.open_stream(stream.as_buffer()).read_all().to_batches(max_chunksize=16_384)


def _described(known: Known) -> DataFrame:
    from pyspark.sql import functions as F

    told = known.items.join(known.item_dictionary.select("item_id", "item_index"), "item_id")
    return told.select(
        "as_of_date", "item_index", *(n for n, _ in ATTRIBUTES), F.col("price_minor").alias("list_price_minor")
    )


def _promoted(known: Known, cfg: FeaturesConfig) -> DataFrame:
    """Promotions of the last week that is known: as_of_date, item_index, store_id, display_count, mailer_count (0 or 1, int).

    Promoted items that the dictionary does not have stay, as item_index null: their stores count as promoting. A week is known from its
    first day, so that the one that begins on as_of is not: the one before it counts.
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


def _of_day(rows: pa.Table, column: str, day: Any) -> pa.Table:
    import pyarrow.compute as pc

    return rows.filter(pc.equal(rows[column], day))


def _named(parts: pa.Table, what: int) -> pa.Table:
    """Rows of one kind, with the columns that it has."""
    import pyarrow.compute as pc

    names = {_ITEM: ["item_index", *(n for n, _ in _COUNTED)], _SOLD: ["store_id", "item_index", "n"]}
    return parts.filter(pc.equal(parts["what"], what)).select(names.get(what, ["store_id", "n"]))


def _frame(spark: SparkSession, table: Table, parts: list[pa.Table]) -> DataFrame:
    """Rows that the driver holds as a frame: as a few large values, which Spark does not take apart on their way."""
    import pyarrow as pa

    streams = [
        _stream(part.slice(start, _ROWS_A_STREAM))
        for part in parts
        for start in range(0, part.num_rows, _ROWS_A_STREAM)
    ]
    held = spark.createDataFrame(pa.table({"rows": pa.array(streams, pa.binary())}))
    names = parts[0].column_names
    return held.mapInArrow(_opened, ", ".join(f"`{c.name}` {c.type}" for c in table.columns if c.name in names))
