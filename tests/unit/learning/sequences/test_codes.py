"""Types and prices of places: where what comes next depends on them, a model that reads them finds it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.errors import FuserankError
from fuserank.history.signals import TYPES
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.learning.sequences.member import Scorer, in_order
from fuserank.learning.sequences.stored import COLUMNS, opened, rows
from fuserank.learning.sequences.windows import price_class
from fuserank.registry.sources import recommenders
from tests.support.family import config, in_baskets, pairs
from tests.unit.learning.sequences.test_members import ITEMS, SMALL, first_of, learned

VALUES = {"type": (TYPES.index("view"), TYPES.index("cart")), "price": (100.0, 5000.0)}


def coded(rows: list[tuple[int, int, int]], column: str) -> pa.Table:
    """BASKET_COLUMNS of (user, item, which of two values), a user's oldest first, each a basket of its own."""
    users: dict[int, int] = {}
    for user, *_ in rows:
        users[user] = users.get(user, 0) + 1
    aged = []
    for user, item, value in rows:
        users[user] -= 1
        aged.append((user, item, float(users[user]), value))
    table = in_baskets(pairs((u, i, 1, age) for u, i, age, _ in aged))
    value_of = {(u, i): VALUES[column][v] for u, i, _, v in aged}
    keys = zip(table["user_index"].to_pylist(), table["item_index"].to_pylist(), strict=True)
    of = pa.int32() if column == "type" else pa.float32()
    return table.append_column(column, pa.array([value_of[key] for key in keys], of))


def forks(column: str) -> pa.Table:
    """After an item with the first value its second next one follows, with the other the next one."""
    rng, rows = np.random.default_rng(6), []
    for user in range(150):
        item = int(rng.integers(0, ITEMS))
        for value in rng.integers(0, 2, 7).tolist():
            rows.append((user, item % ITEMS, value))
            item += 2 - value
    return coded(rows, column)


@pytest.mark.parametrize(("name", "column"), [("nextitnet", "type"), ("sasrec", "price")])
def test_what_comes_next_by_what_a_place_says_is_found(name: str, column: str) -> None:
    _, scorer = learned(name, forks(column), **{f"{column}s": True}, epochs=60, learning_rate=0.02)
    asked_by = coded([(900, 3, 0), (901, 3, 1)], column)
    assert first_of(name, scorer, asked_by) == {900: 5, 901: 4}


def test_numbers_that_were_learned_without_what_is_read_are_refused_and_the_other_way_round() -> None:
    plain, _ = learned("gru4rec", forks("type"), epochs=1)
    reading, _ = learned("gru4rec", forks("type"), epochs=1, types=True)
    for state, settings in ((plain, {"types": True}), (reading, {}), (reading, {"types": True, "prices": True})):
        with pytest.raises(FuserankError, match="no model of these settings; fit it again"):
            Scorer(State(state), config("gru4rec", **{**SMALL, **settings}))


def test_where_nothing_is_told_a_model_that_would_read_it_learns_all_the_same() -> None:
    table = forks("type").drop(["type"])
    _, scorer = learned("gru4rec", table, epochs=1, types=True, prices=True)
    assert set(first_of("gru4rec", scorer, table)) == set(range(150))


def test_a_price_is_two_classes_more_each_time_it_doubles() -> None:
    prices = np.array([0, 0.5, 1, 1.3, 1.5, 2, 4, 100, 200, 1e12], np.float32)
    assert price_class(prices).tolist() == [0, 1, 1, 1, 2, 3, 5, 14, 16, 47]


def test_types_and_prices_go_through_files_with_their_items_and_old_files_are_refused() -> None:
    found = Interactions.of_baskets(forks("type").append_column("price", pa.array(np.ones(1050, np.float32))))
    sequences = in_order(found)
    batch = rows(sequences, found.users, 50, 1, 2)
    columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in (*COLUMNS, "types", "prices")}
    items = np.arange(len(found.items))
    back = opened([columns], items, ("type", "price"))
    assert back.codes["type"].tolist() == sequences.codes["type"].tolist()
    assert set(back.codes["price"]) == {1}
    assert not opened([columns], items).codes
    drawn = back.drawn(np.random.default_rng(1))
    assert drawn.codes["type"].tolist() == back.codes["type"].tolist()  # baskets of one: nothing to draw
    old = columns | {"types": np.full(len(batch), None, object)}
    with pytest.raises(FuserankError, match="not as long as they say; make the candidates again"):
        opened([old], items, ("type",))


def test_the_order_within_a_basket_is_drawn_of_items_and_what_they_say_together() -> None:
    table = in_baskets(pairs((1, i, 1, 3.0) for i in range(30)))
    table = table.append_column("type", pa.array((table["item_index"].to_numpy() % 4).astype(np.int32)))
    drawn = in_order(Interactions.of_baskets(table)).drawn(np.random.default_rng(2))
    assert drawn.item_N.tolist() != list(range(30))
    assert (drawn.codes["type"] == drawn.item_N % 4).all()


def test_every_member_of_sequences_has_both_settings_off() -> None:
    members = {name for name in recommenders().names if "types" in recommenders()[name].settings.model_fields}
    assert members == {"sasrec", "gru4rec", "nextitnet"}
    assert not any(config(name).reads for name in members)
