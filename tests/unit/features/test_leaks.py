"""Nothing of the future gets into a feature, and what gets in is right: against plain loops, and against a cut lake."""

from __future__ import annotations

import math
import types
from typing import TYPE_CHECKING, Any

from fuserank.config.features import FeaturesConfig
from fuserank.features.build import Known, build
from fuserank.io.digest import digest
from fuserank.io.lake import known_rows
from fuserank.jobs import features as job
from fuserank.tables import Table, silver
from fuserank.tables import features as t
from tests.support.lakes import fresh
from tests.unit.features import oracle
from tests.unit.features.worlds import AS_OF, at, catalogue_row, drawn, event, frames, side_by_side

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.io.lake import Lake

CFG = FeaturesConfig()
WORLDS = 200


def known(made: dict[Table, DataFrame]) -> Known:
    """As jobs.features reads a lake: everything through the as-of filter, but the dictionaries."""
    past = {table: known_rows(table, frame, AS_OF) for table, frame in made.items() if "known_at" in table.column_names}
    events = past[silver.EVENTS]
    return Known(
        events, events.where("role = 'reversal'"), past[silver.ITEMS], past[silver.USERS], past[silver.PROMOTIONS],
        made[silver.ITEM_DICTIONARY], made[silver.USER_DICTIONARY],
    )  # fmt: skip


def assert_equal(frame: DataFrame, table: Table, expected: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    keys = [k for k in table.keys if k != "as_of_date"]
    got = {tuple(row[k] for k in keys): row.asDict() for row in frame.collect()}
    assert set(got) == set(expected), table.name
    for key, row in expected.items():
        assert set(row) == set(frame.columns) - set(keys), table.name
        for name, value in row.items():
            have = got[key][name]
            near = (
                isinstance(value, float)
                and have is not None
                and math.isclose(have, value, rel_tol=1e-12, abs_tol=1e-12)
            )
            assert near or have == value, f"{table.name} {key} {name}: {have} is not {value}"


def test_features_of_two_hundred_worlds_equal_plain_loops_over_past_rows_with_future_rows_in_every_table(
    spark: SparkSession,
) -> None:
    world = side_by_side([drawn(seed) for seed in range(WORLDS)])
    expected = oracle.features(world, CFG, AS_OF)
    made = build(known(frames(spark, world, WORLDS)), CFG, AS_OF, keep=lambda frame: frame.persist())
    try:
        for table, frame in made.items():
            assert_equal(frame, table, expected[table.name])
    finally:
        spark.catalog.clearCache()


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
        {"item_id": f"i{i}", "store_id": "s1", "week_start": at(w).date(), "known_at": at(w), "on_display": True, "in_mailer": False}
        for i, w in ((1, -7), (4, -7), (2, 0))
    ]  # fmt: skip
    return {"events": events, "items": items, "users": users, "promotions": promotions}


def run_job(lake: Lake, made: dict[Table, DataFrame]) -> dict[str, str]:
    """The job on a lake with these tables; digests of what it wrote."""
    for table, frame in made.items():
        if table.slice_by:
            lake.replace(table, frame.drop(*table.slice_by), dataset="demo")
        else:
            lake.append(table, frame)
    run = types.SimpleNamespace(lake=lake, settings=types.SimpleNamespace(features=CFG), note=lambda *_: None)
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


def test_a_purchase_of_the_last_second_counts_and_one_of_as_of_does_not(spark: SparkSession) -> None:
    world = {**small_world(), "events": [event(1, 0, 1, at(-1, 23)), event(2, 0, 1, at(0)), event(3, 0, 2, at(0))]}
    rows = build(known(frames(spark, world)), CFG, AS_OF)[t.USER_ITEM].collect()
    assert [(r.item_index, r.baskets_count, r.since_last_days) for r in rows] == [(1, 1, 1)]
