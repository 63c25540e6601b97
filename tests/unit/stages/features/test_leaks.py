"""Nothing of the future gets into a feature, and what gets in is right: against plain loops, and against a cut lake."""

from __future__ import annotations

import datetime as dt
import math
import types
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from fuserank.common.streams import Packed
from fuserank.config.features import FeaturesConfig
from fuserank.history.events import counted_from, with_reversals
from fuserank.io.lake.digest import digest
from fuserank.io.lake.lake import known_rows, known_rows_each
from fuserank.jobs import features as job
from fuserank.stages.features.batch import Known
from fuserank.stages.features.compute import Items, compute
from fuserank.stages.features.lines import READ, lines_of
from fuserank.tables import Table, silver
from fuserank.tables import features as t
from tests.support.lakes import fresh
from tests.unit.stages.features import oracle
from tests.unit.stages.features.worlds import (
    AS_OF,
    OWN_LABEL,
    USERS,
    at,
    catalogue_row,
    drawn,
    event,
    frames,
    side_by_side,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, Row, SparkSession

    from fuserank.io.lake.lake import Lake

CFG = FeaturesConfig()


DAYS = [AS_OF - dt.timedelta(days=28), AS_OF]


def known(made: dict[Table, DataFrame], days: list[dt.date] = DAYS) -> Known:
    """As jobs.features reads a lake: everything through the as-of filter, but the dictionaries."""
    events = known_rows(silver.EVENTS, made[silver.EVENTS], max(days))
    each = {t: known_rows_each(t, made[t], days) for t in (silver.ITEMS, silver.USERS, silver.PROMOTIONS)}
    return Known(
        events,
        lambda: events.where("role = 'reversal'"),
        each[silver.ITEMS],
        each[silver.USERS],
        each[silver.PROMOTIONS],
        made[silver.ITEM_DICTIONARY],
        made[silver.USER_DICTIONARY],
        OWN_LABEL,
    )


def built(made: dict[Table, DataFrame], days: list[dt.date] = DAYS) -> dict[Table, DataFrame]:
    frames = job.transform(known(made, days), CFG, days, lambda frame: frame.persist())
    return {table: one.rows if isinstance(one, Packed) else one for table, one in frames.items()}


def assert_equal(rows: list[Row], day: dt.date, table: Table, expected: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    keys = [k for k in table.keys if k != "as_of_date"]
    got = {tuple(row[k] for k in keys): row.asDict() for row in rows if row["as_of_date"] == day}
    assert set(got) == set(expected), (table.name, day)
    for key, row in expected.items():
        assert set(row) == set(rows[0].asDict()) - {*keys, "as_of_date"}, table.name
        for name, value in row.items():
            have = got[key][name]
            near = (
                isinstance(value, float)
                and have is not None
                and math.isclose(have, value, rel_tol=1e-12, abs_tol=1e-12)
            )
            assert near or have == value, f"{table.name} {key} {name}: {have} is not {value}"


@pytest.mark.parametrize("worlds", [20, pytest.param(200, marks=pytest.mark.proof)])
def test_features_of_many_worlds_equal_plain_loops_over_past_rows_with_future_rows_in_every_table(
    spark: SparkSession, worlds: int
) -> None:
    world = side_by_side([drawn(seed) for seed in range(worlds)])
    try:
        found = {table: frame.collect() for table, frame in built(frames(spark, world, worlds)).items()}
    finally:
        spark.catalog.clearCache()
    for day in DAYS:
        expected = oracle.features(world, CFG, day)
        for table, rows in found.items():
            assert_equal(rows, day, table, expected[table.name])


def small_world() -> dict[str, list[dict[str, Any]]]:
    more = {"session": "a", "quantity": 1, "amount_minor": 250, "discount_minor": 40, "store_id": "s1"}
    days = [(0, 1, -60), (0, 1, -32), (0, 1, -4), (0, 2, -4), (1, 2, -9), (1, 3, -1), (2, 1, -100)]
    events = [event(n, u, i, at(d, 9), **more) for n, (u, i, d) in enumerate(days)]
    events += [event(50 + n, u, i, at(d), **more) for n, (u, i, d) in enumerate([(0, 1, 0), (2, 4, 1), (3, 1, 9)])]
    events += [
        event(90, 1, 3, at(2), role="reversal", reverses_event_id="e5"),
        event(91, 1, 2, at(-3), late=8, **more),
    ]
    items = [
        catalogue_row(i, d, product_type="A", department="D", brand="Private")
        for i, d in ((1, -99), (2, 0), (3, -99), (4, 1))
    ]
    users = [{"user_id": f"u{u}", "age": "45-54", "known_at": at(d)} for u, d in ((0, -99), (1, 0))]
    promotions = [
        {
            "item_id": f"i{i}",
            "store_id": "s1",
            "week_start": at(w).date(),
            "known_at": at(w),
            "on_display": True,
            "in_mailer": False,
        }
        for i, w in ((1, -7), (4, -7), (2, 0))
    ]
    return {"events": events, "items": items, "users": users, "promotions": promotions}


def plain(table: pa.Table, day: dt.date) -> list[dict[str, Any]]:
    """The rows of a day, in order."""
    rows = [row for row in table.to_pylist() if row["as_of_date"] == day]
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


def test_one_user_in_a_process_without_spark_has_the_rows_that_the_batch_writes(spark: SparkSession) -> None:
    world = frames(spark, side_by_side([drawn(seed) for seed in range(4)]), 4)
    made = {table: frame.toArrow() for table, frame in built(world).items()}
    of = known(world)
    events = with_reversals(of.events, counted_from(of.reversals())).select(*READ).toArrow()
    for day in DAYS:
        items = Items.of(made[t.ITEM].filter(pc.equal(made[t.ITEM]["as_of_date"], day)), OWN_LABEL)
        for user in range(4 * USERS):
            found = compute(lines_of(events.filter(pc.equal(events["user_index"], user))), day, items, CFG)
            assert found
            for table, rows in found.items():
                batch = made[table].filter(pc.equal(made[table]["user_index"], user)).select(rows.column_names)
                assert plain(rows, day) == plain(batch, day), table.name


def as_run(lake: Lake) -> types.SimpleNamespace:
    settings = types.SimpleNamespace(
        features=CFG, dataset="completejourney", windows=types.SimpleNamespace(label_days=28)
    )
    return types.SimpleNamespace(lake=lake, settings=settings, note=lambda *_: None)


def run_job(lake: Lake, made: dict[Table, DataFrame]) -> dict[str, str]:
    """The job on a lake with these tables; digests of what it wrote."""
    for table, frame in made.items():
        if table.slice_by:
            lake.replace(table, frame.drop(*table.slice_by), dataset="demo")
        else:
            lake.append(table, frame)
    run = types.SimpleNamespace(
        lake=lake,
        settings=types.SimpleNamespace(
            features=CFG, dataset="completejourney", windows=types.SimpleNamespace(label_days=28)
        ),
        note=lambda *_: None,
    )
    job.execute(run, AS_OF)  # type: ignore[arg-type]
    return {table.name: digest(lake.read(table, as_of_date=AS_OF), table) for table in t.TABLES}


def test_a_full_lake_and_one_cut_at_as_of_give_the_same_bytes(spark: SparkSession) -> None:
    full = frames(spark, small_world())
    now = at(0)
    cut = {
        table: frame.where(frame.known_at < now) if "known_at" in frame.columns else frame
        for table, frame in full.items()
    }
    cut[silver.ITEM_DICTIONARY] = cut[silver.ITEM_DICTIONARY].where("item_index <= 3")
    cut[silver.USER_DICTIONARY] = cut[silver.USER_DICTIONARY].where("user_index <= 2")
    of_full = run_job(fresh(spark, "one"), full)
    of_cut = run_job(fresh(spark, "two"), cut)
    assert of_full == of_cut


def test_three_days_take_one_commit_a_table_and_a_handful_of_plans(spark: SparkSession) -> None:
    lake, plans = fresh(spark, "one"), spark._jsparkSession.sharedState().statusStore()
    for table, frame in frames(spark, small_world()).items():
        lake.replace(table, frame.drop(*table.slice_by), dataset="demo") if table.slice_by else lake.append(
            table, frame
        )
    before = plans.executionsCount()
    job.execute(as_run(lake), AS_OF)  # type: ignore[arg-type]
    assert {table.name: lake.version(table) for table in t.TABLES} == dict.fromkeys((x.name for x in t.TABLES), 1)
    days = {row["as_of_date"] for row in lake.read(t.USER_ITEM).select("as_of_date").distinct().collect()}
    assert days == {AS_OF - dt.timedelta(days=n) for n in (56, 28, 0)}
    assert plans.executionsCount() - before <= 30


def test_a_purchase_of_the_last_second_counts_and_one_of_as_of_does_not(spark: SparkSession) -> None:
    world = {**small_world(), "events": [event(1, 0, 1, at(-1, 23)), event(2, 0, 1, at(0)), event(3, 0, 2, at(0))]}
    rows = built(frames(spark, world), [AS_OF])[t.USER_ITEM].collect()
    assert [(r.item_index, r.baskets_count, r.since_last_days) for r in rows] == [(1, 1, 1)]
