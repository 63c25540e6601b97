"""Bronze rows → typed events: t = (u, i, t, s), with the rule that a bad row breaks."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from fuserank.config.mapping import words
from fuserank.stages.silver.cells import Cells, cells, minor_units, row_hash
from fuserank.stages.silver.problems import Check, first_problem, in_time, present, readable, rules, too_much
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import DatasetConfig, EventsConfig, RewardConfig

INDEXES = ("user_index", "item_index")
_ESCAPED = r'["\\\x00-\x1f]'  # what JSON writes in another way
_TEXTS = {
    "session": "session",
    "store": "store_id",
    "request": "request_id",
    "campaign": "campaign_id",
    "platform": "platform",
    "text_ref": "text_ref",
}


def typed_events(
    bronze: DataFrame, dataset: DatasetConfig, events: EventsConfig, now: dt.datetime, by_day: int | None = None
) -> DataFrame:
    """Bronze rows with the columns of silver.events (but indexes, row_hash and run_id) and ``_problem``.

    Without a column that tells the time, times are null until ``orders.placed``, which reads ``_in_order``.

    :param bronze: rows of the table that ``events`` is mapped from
    :param now: UTC; an event after it is a mistake
    :param by_day: partitions to shuffle into by the day of the event's time, while a row is as narrow as the
        source has it
    """
    from pyspark.sql import functions as F

    used = set(events.columns().values())
    names = used | {r.column for r in dataset.files[events.source].rules}
    ids = {events.user, events.item, *events.key, *(events.reverses.key if events.reverses else ())}
    ids |= {c for c in (events.session, events.store, events.request, events.campaign) if c is not None}
    ids &= {n for n in names if dataset.files[events.source].columns[n].type in {"string", "long"}}
    row = cells(bronze, dataset, events.source, names, ids)
    time = row.time(events.time, dataset.time_zone, events.clock) if events.time else F.lit(None).cast("timestamp")
    timed = row.frame.withColumn("_event_time", time)
    if by_day is not None:
        timed = timed.repartition(by_day, F.col("_event_time").cast("date"))
    typed = timed.withColumns(_kind(row, events))
    made = typed.withColumns(_columns(row, dataset, events))
    return made.withColumn("_problem", first_problem(_checks(row, events, names, now))).withColumn(
        "dataset", F.lit(dataset.name)
    )


def contract_columns(events: DataFrame, more: tuple[str, ...] = ()) -> DataFrame:
    """Cut to the contract's columns (but the indexes and run_id) and some ``more``, with the row's hash."""
    named = [c for c in EVENTS.column_names if c not in {*INDEXES, "row_hash", "run_id"}]
    return events.select(*named, *more).withColumn("row_hash", row_hash(EVENTS, INDEXES))


def without_duplicates(events: DataFrame) -> DataFrame:
    """Good events with their ids unique, later copies flagged.

    Within a bronze batch the first copy by file and row stays and the others break ``duplicate_event``;
    a copy of an earlier batch than the newest was corrected by it, and goes.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    newest_first = Window.partitionBy("event_id").orderBy(F.col("_batch").desc(), "_file", "_row")
    placed = events.withColumn("_place", F.row_number().over(newest_first)).withColumn(
        "_newest", F.first("_batch").over(newest_first)
    )
    copy = Check(
        F.col("_place") > 1,
        "duplicate_event",
        None,
        "the mapping's key names an event that came before; fix key or file",
    )
    return (
        placed.where("_place = 1 OR _batch = _newest").withColumn("_problem", copy.struct()).drop("_place", "_newest")
    )


def without_events_of(events: DataFrame, other: DataFrame) -> DataFrame:
    """As ``without_duplicates``, for one table beside others: an event that ``other`` has, too (event_id, unique; the
    events of another table), breaks the same rule.
    """
    from pyspark.sql import functions as F

    again = Check(
        F.col("_told").isNotNull(),
        "duplicate_event",
        None,
        "another table of the mapping tells this event; leave one of them out, or give them types of their own",
    )
    seen = other.select("event_id", F.lit(True).alias("_told"))
    found = events.join(seen, "event_id", "left")
    return found.withColumn("_problem", F.coalesce("_problem", again.struct())).drop("_told")


def state(events: DataFrame) -> DataFrame:
    """One row: ``bad`` (any row breaks a rule), ``repeated`` (an id may come twice; by a 64-bit hash of its key).

    :param events: ``_key_hash`` and ``_problem``
    """
    from pyspark.sql import functions as F

    good = F.when(F.col("_problem").isNull(), F.col("_key_hash")).alias("h")
    counts = events.groupBy(good).agg(F.count("*").alias("rows"))
    return counts.agg(
        F.coalesce(F.bool_or(F.col("h").isNull()), F.lit(False)).alias("bad"),
        F.coalesce(F.bool_or(F.col("h").isNotNull() & (F.col("rows") > 1)), F.lit(False)).alias("repeated"),
    )


def with_indexes(events: DataFrame, users: DataFrame, items: DataFrame) -> DataFrame:
    """Events joined with both dictionaries; every id is in them by now."""
    user, item = users.select("user_id", "user_index"), items.select("item_id", "item_index")
    return events.join(user, "user_id").join(item, "item_id").select(*(c for c in EVENTS.column_names if c != "run_id"))


def event_id(dataset: str, event_type: Column, row: Cells, key: list[str]) -> Column:
    """SHA-256, hex, over the JSON array [dataset, type, key…], key cells as strings."""
    from pyspark.sql import functions as F

    key_cells = [_json(row.cell(k).cast("string"), row.is_number(k)) for k in key]
    parts = F.concat_ws(",", _json(F.lit(dataset), False), _json(event_type, False), *key_cells)
    return F.sha2(F.concat(F.lit("["), parts, F.lit("]")), 256)


def _json(text: Column, digits: bool) -> Column:
    """A JSON string, or null. Spark's own writer costs more than the hash, so only what needs escapes pays for it."""
    from pyspark.sql import functions as F

    written = F.concat(F.lit('"'), text, F.lit('"'))
    if not digits:
        array = F.to_json(F.array(text))
        escaped = F.substr(array, F.lit(2), F.length(array) - 2)
        written = F.when(text.rlike(_ESCAPED), escaped).otherwise(written)
    return F.coalesce(written, F.lit("null"))


def _kind(row: Cells, events: EventsConfig) -> dict[str, Column]:
    from pyspark.sql import functions as F

    def choose(values: dict[str | None, Column], kind: str) -> Column:
        if None in values:
            return values[None]
        assert events.type_column is not None
        type_cell, chosen = F.trim(row.cell(events.type_column).cast("string")), F.lit(None).cast(kind)
        for type_name, value in values.items():
            chosen = F.when(type_cell == (type_name or "").strip(), value).otherwise(chosen)
        return chosen

    kinds = events.kinds()
    return {
        "event_type": choose({k: F.lit(t.type) for k, t in kinds.items()}, "string"),
        "role": choose({k: F.lit(t.role) for k, t in kinds.items()}, "string"),
        "reward_q20": choose({k: _reward(row, t.reward) for k, t in kinds.items()}, "long"),
    }


def _reward(row: Cells, reward: RewardConfig) -> Column:
    from pyspark.sql import functions as F

    def inside(value: float) -> float:
        return min(max(value, reward.low), reward.high)

    if reward.column is None:
        return F.lit(math.floor(inside(reward.value or 0.0) * (1 << 20))).cast("long")
    number = row.cell(reward.column).cast("double") * reward.scale + reward.offset
    clipped = F.when(number.isNotNull(), F.least(F.greatest(number, F.lit(reward.low)), F.lit(reward.high)))
    if reward.missing is not None:
        clipped = F.when(row.cell(reward.column).isNull(), F.lit(inside(reward.missing))).otherwise(clipped)
    return F.floor(clipped * float(1 << 20)).cast("long")


def _columns(row: Cells, dataset: DatasetConfig, events: EventsConfig) -> dict[str, Column]:
    from pyspark.sql import functions as F

    def optional(name: str | None, kind: str) -> Column:
        return F.lit(None).cast(kind) if name is None else row.cell(name).cast(kind)

    per_major = dataset.currency.minor_per_major
    time, none = F.col("_event_time"), F.lit(None)
    key = [row.cell(k).cast("string") for k in events.key]
    back = events.reverses
    taken_back = none.cast("string")
    if back is not None:
        reversal = event_id(dataset.name, F.lit(back.type), row, back.key)
        taken_back = F.when(F.col("role") == "reversal", reversal)
    return {
        "event_id": event_id(dataset.name, F.col("event_type"), row, events.key),
        "_key_hash": F.xxhash64("event_type", *key),
        "user_id": row.cell(events.user),
        "item_id": row.cell(events.item),
        "event_time": time,
        "event_date": time.cast("date"),
        "known_at": time,
        "_in_order": optional(events.place, "long"),
        "value": optional(events.value, "double"),
        "quantity": optional(events.quantity, "long"),
        "amount_minor": _paid(row, events, per_major),
        "discount_minor": minor_units(row, events.discounts, per_major),
        "coupon_minor": minor_units(row, events.coupons, per_major),
        "position": F.lit(None).cast("int") if events.position is None else row.cell(events.position).try_cast("int"),
        "propensity": optional(events.propensity, "double"),
        "reverses_event_id": taken_back,
        **{ours: optional(getattr(events, field), "string") for field, ours in _TEXTS.items()},
    }


def _paid(row: Cells, events: EventsConfig, per_major: int) -> Column:
    """Minor units that the line cost; a unit's price is multiplied before it is rounded."""
    amount = events.amount
    if amount is None:
        return minor_units(row, [], per_major)
    units = row.cell(events.quantity) if amount.per == "unit" and events.quantity is not None else None
    return minor_units(row, [amount], per_major, units)


def _checks(row: Cells, events: EventsConfig, names: set[str], now: dt.datetime) -> list[Check]:
    from pyspark.sql import functions as F

    checks = readable(row, names)
    needed = {"no_user": events.user, "no_item": events.item, "no_time": events.time, "no_place": events.place}
    checks += present(row, {rule: column for rule, column in needed.items() if column is not None})
    if events.type_column is not None:
        checks += present(row, {"no_type": events.type_column})
        checks.append(
            Check(F.col("event_type").isNull(), "unknown_type", events.type_column, words.unknown_type(events.types))
        )
    checks += [Check(row.cell(k).isNull(), "no_key", k, words.NO_KEY) for k in events.key]
    if events.time is not None:
        checks += in_time(F.col("_event_time"), events.time, now)
    if events.clock is not None:
        clock = row.cell(events.clock)
        strange = clock.isNotNull() & (F.trim(clock.cast("string")) != "") & row.time_of_day(events.clock).isNull()
        checks.append(Check(strange, "uncastable", events.clock, words.NO_TIME_OF_DAY))
    rewards = {t.reward.column for t in events.kinds().values() if t.reward.missing is None} - {None}
    checks += [Check(F.col("reward_q20").isNull(), "no_value", c, words.NO_VALUE) for c in sorted(map(str, rewards))]
    money = [m.column for m in (*([events.amount] if events.amount else []), *events.discounts, *events.coupons)]
    checks += [too_much(row, c) for c in money]
    if events.position is not None:
        place = F.coalesce(F.col("position") < 1, row.cell(events.position).isNotNull())
        checks.append(Check(place, "position_out_of_range", events.position, words.PLACES))
    if events.propensity is not None:
        chance = ~F.col("propensity").between(0.0, 1.0)
        checks.append(Check(chance, "propensity_out_of_range", events.propensity, words.CHANCE))
    return checks + rules(row)
