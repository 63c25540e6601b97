"""The plan's arithmetic on a made-up shop: rows, seconds, lanes, the ledger's word."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from fuserank.config.settings import Settings
from fuserank.pipeline.coefficients import BYTES, MEASURED_CORES, MEMORY, ROWS, SECONDS, SHUFFLE, bytes_per_row
from fuserank.pipeline.lanes import peak, timetable
from fuserank.pipeline.predict import Former, Machine, Plan, Stage, notes, predict
from fuserank.pipeline.shop import Shop, guessed_users, quantities, source_rows, table_rows

SHOP = Shop(
    events=60_000,
    users=100,
    items=1_000,
    promotions=5_000,
    new_rows={"bronze.s_sales": 60_000, "silver.events": 60_000, "silver.user_dictionary": 100},
)
TWO = Machine(cores=MEASURED_CORES, tasks=MEASURED_CORES, heap_bytes=2 << 30)
CHAIN = [
    Stage("bronze", "bronze", frozenset({"bronze.s_sales"})),
    Stage("silver", "silver", frozenset({"silver.events", "silver.user_dictionary"}), frozenset({0})),
    Stage("candidates as of 2024-01-01", "candidates", frozenset({"candidates.candidates"}), frozenset({1})),
    Stage("candidates", "candidates", frozenset({"candidates.candidates"}), frozenset({1, 2})),
    Stage("ranking", "ranking", frozenset({"ranking.ranking"}), frozenset({3})),
]


def settings(**sections: dict[str, object]) -> Settings:
    return Settings.model_validate({"as_of": dt.date(2024, 1, 29), **sections})


def plan(
    shop: Shop = SHOP, machine: Machine = TWO, former: tuple[Former, ...] = (), **sections: dict[str, object]
) -> Plan:
    return predict(CHAIN, shop, settings(**sections), machine, former)


def test_rows_follow_users_quotas_and_files() -> None:
    rows = table_rows(SHOP, settings(candidates={"sources": ["als", "popular"], "popular": {"quota": 30}}))
    assert rows["candidates.candidates"] == 100 * (150 + 30)
    assert rows["silver.events"] == 60_000
    assert rows["ranking.ranking"] == 100 * 20
    assert rows["candidates.co_purchase_neighbours"] == 0
    assert rows["samples.samples"] == pytest.approx(3 * 18_000 * ROWS["pairs_per_candidate"])


def test_a_quota_cannot_give_more_items_than_there_are() -> None:
    few = Shop(events=60_000, users=100, items=40)
    assert source_rows(few, settings(candidates={"sources": ["popular"]})) == {"popular": 100 * 40}


def test_a_draw_of_users_and_a_negative_rate_bound_what_trains_but_not_what_is_ranked() -> None:
    drawn = settings(samples={"users": 25, "negative_rate": 0.5})
    pairs = table_rows(SHOP, drawn)["candidates.candidates"] * ROWS["pairs_per_candidate"]
    share = ROWS["positive_share"] + (1 - ROWS["positive_share"]) * 0.5
    assert quantities(SHOP, drawn)["trained"] == pytest.approx(pairs / 4 * share * drawn.train.epochs)
    assert table_rows(SHOP, drawn)["samples.samples"] == pytest.approx(pairs * (1 + 1 / 4 + share / 4))


def test_work_falls_with_cores_and_what_is_fixed_does_not() -> None:
    two, eight = plan().stages, plan(machine=Machine(cores=8, tasks=8, heap_bytes=2 << 30)).stages
    for a, b in zip(two, eight, strict=True):
        fixed = SECONDS[a.label.split()[0]]["fixed"]
        assert b.seconds - fixed == pytest.approx((a.seconds - fixed) * MEASURED_CORES / 8)


def test_files_that_are_in_already_cost_bronze_and_silver_what_is_fixed() -> None:
    again = plan(
        Shop(
            events=60_000, users=100, items=1_000, promotions=5_000, new_rows={"bronze.s_sales": 0, "silver.events": 0}
        )
    )
    assert [s.seconds for s in again.stages[:2]] == [SECONDS["bronze"]["fixed"], SECONDS["silver"]["fixed"]]
    assert [s.rows for s in again.stages[:2]] == [0, 0]
    assert again.stages[2].seconds == plan().stages[2].seconds


def test_ten_times_the_users_and_events_cost_less_than_ten_times_as_much_only_by_what_is_fixed() -> None:
    small = Shop(events=10**7, users=10**4, items=10**5)
    large = Shop(events=10**8, users=10**5, items=10**5)
    for a, b in zip(plan(small).stages[2:], plan(large).stages[2:], strict=True):
        assert a.seconds < b.seconds < 10 * a.seconds


def test_steps_run_side_by_side_as_far_as_lanes_and_tables_allow() -> None:
    seconds, before = [5.0, 2.0, 4.0, 1.0], [set[int](), set[int](), {1}, {0, 2}]
    assert timetable(seconds, before, 2) == [(0, 5), (0, 2), (2, 6), (6, 7)]
    assert timetable(seconds, before, 1) == [(0, 5), (5, 7), (7, 11), (11, 12)]
    assert peak(timetable(seconds, before, 2), [1, 10, 100, 1000]) == 1000
    assert peak(timetable(seconds, before, 2), [1, 10, 100, 0]) == 101


def test_the_total_is_what_the_lanes_make_of_the_stages() -> None:
    found = plan()
    assert found.seconds == pytest.approx(sum(s.seconds for s in found.stages))  # each waits for the one before
    assert found.bytes == pytest.approx(sum(s.bytes for s in found.stages))
    assert found.memory_bytes > max(s.memory_bytes for s in found.stages) + (2 << 30)
    assert found.table_rows["candidates.candidates"] == 2 * found.stages[2].rows


def test_former_runs_of_the_lake_correct_seconds_by_stage_and_rows_by_table() -> None:
    base = plan()
    by = {s.label: s.base_seconds for s in base.stages}

    def run(times: float) -> Former:
        seconds = {"candidates as of 2024-01-01": times * by["candidates"], "candidates": times * by["candidates"]}
        return Former(seconds, {"ranking.ranking": 6_000}, notes(base, 100.0, seconds, {}))

    found = plan(former=(run(9.0), run(2.0), run(3.0), run(4.0)))  # the last three count, by their median
    assert [s.factor for s in found.stages] == pytest.approx([1, 1, 3, 3, 1])
    assert found.stages[3].seconds == pytest.approx(3 * by["candidates"])
    assert found.stages[3].base_seconds == by["candidates"]
    assert found.table_rows["ranking.ranking"] == pytest.approx(6_000)
    assert found.base_table_rows["ranking.ranking"] == 2_000


def test_a_run_notes_what_was_predicted_and_how_far_off_it_was() -> None:
    found = plan()
    actual = {s.label: 2 * s.seconds for s in found.stages}
    noted = notes(found, 3 * found.seconds, actual, {"ranking.ranking": 1_000})
    assert noted["plan.off"] == pytest.approx(3)
    assert noted["plan.off.silver"] == pytest.approx(2)
    assert noted["plan.seconds.silver"] == found.stages[1].seconds
    assert noted["plan.off_rows.ranking.ranking"] == pytest.approx(0.5)
    assert noted["plan.rows.ranking.ranking"] == 2_000
    del actual["ranking"]
    halfway = notes(found, 1.0, actual, {})
    assert "plan.off" not in halfway
    assert "plan.off.ranking" not in halfway


def test_every_job_of_the_chain_and_every_table_it_writes_has_its_prices() -> None:
    from fuserank.config.mapping.load import load_dataset
    from fuserank.usecases.chain import steps

    chain = steps(dt.date(2017, 12, 4), settings(store={"auto": True}), load_dataset("completejourney"))
    for step in chain:
        assert SECONDS[step.job]["fixed"] > 0
        assert MEMORY[step.job]
        assert step.job in SHUFFLE
        assert all(bytes_per_row(table, 128) > 0 for table in step.writes)
    known = quantities(SHOP, settings())
    for prices in (*SECONDS.values(), *MEMORY.values(), *SHUFFLE.values()):
        assert prices.keys() <= known.keys()
        assert all(math.isfinite(p) and p >= 0 for p in prices.values())
    assert all(n > 0 for n in BYTES.values())


def test_users_of_a_shop_of_which_only_the_files_are_known_are_guessed_from_the_demo() -> None:
    assert guessed_users(round(ROWS["events_per_user"] * 50)) == 50
    assert guessed_users(0) == 1
