"""Rows that the shop's server sends: the collector takes them, whatever the mapping's columns are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.mapping.pages import TABLE, with_pages
from fuserank.serving.collect.rows import Rows
from fuserank.simulator.lines import Lines
from tests.unit.insight.worlds import MAPPING

AT = dt.datetime(2024, 6, 3, 22, 30, tzinfo=dt.UTC)  # the next day in Berlin


def mapping(columns: dict[str, str], **events: Any) -> Lines:
    sales = {"path": "s.csv", "format": "csv", "columns": {"u": "string", "i": "string"} | columns}
    one = MAPPING["events"][0] | events
    return Lines(parse_dataset(with_pages(MAPPING | {"files": {"sales": sales}, "events": [one]}), "shop.yaml"))


@pytest.mark.parametrize(
    ("columns", "events", "expected"),
    [
        ({"t": "timestamp"}, {}, {"t": "2024-06-03T22:30:00+00:00"}),
        ({"t": "epoch_millis"}, {}, {"t": 1717453800000}),
        ({"t": "date", "c": "string"}, {"clock": "c"}, {"t": "2024-06-04", "c": "00:30"}),
        ({"t": "timestamp", "b": "string"}, {"session": "b", "key": ["b", "i"]}, {"b": "o1"}),
        ({"t": "timestamp", "n": "long", "q": "long"}, {"quantity": "q", "key": ["n"]}, {"q": 1}),
        ({"t": "timestamp", "n": "string"}, {"key": ["n"]}, {"n": "o1-i2"}),
    ],
)
def test_a_purchase_has_the_cells_that_its_mapping_asks_for(
    columns: dict[str, str], events: dict[str, Any], expected: dict[str, Any]
) -> None:
    lines = mapping(columns, **events)
    table, row = lines.purchase("u1", "i2", AT, "o1")
    assert row.items() >= ({"u": "u1", "i": "i2"} | expected).items()
    taken = Rows(lines.dataset, table, {}).event(row, AT.timestamp() + 86_400)
    assert (taken.deeds[0].user, taken.deeds[0].item, taken.deeds[0].kind) == ("u1", "i2", "purchase")
    assert lines.purchase("u1", "i3", AT, "o1") != row


def test_a_type_column_says_that_it_was_a_purchase() -> None:
    types = {"seen": {"type": "view", "role": "feedback"}, "sold": {"type": "purchase", "role": "feedback"}}
    events = {"type": None, "role": None, "type_column": "k", "types": types}
    assert mapping({"t": "timestamp", "k": "string"}, **events).purchase("u", "i", AT, "o").row["k"] == "sold"


def test_where_a_mapping_knows_no_purchase_the_table_of_pages_has_it() -> None:
    table, row = mapping({"t": "timestamp"}, type="rating").purchase("u", "i", AT, "o")
    assert table == TABLE
    assert row["type"] == "buy"


def test_a_shop_without_a_type_that_it_has_to_send_is_refused() -> None:
    lines = Lines(parse_dataset(MAPPING, "shop.yaml"))
    lines.require("purchase")
    with pytest.raises(FuserankError, match="no events of shop are of the type cart"):
        lines.require("purchase", "cart")


@pytest.mark.parametrize(
    ("kind", "session"), [("view", "view"), ("cart", "cart"), ("dislike", "dislike"), ("uncart", "undo")]
)
def test_what_a_page_sends_means_to_a_session_what_it_is_called(kind: str, session: str) -> None:
    lines = mapping({"t": "timestamp"})
    row = Lines.act(kind, "u1", "i2", AT, "l2", takes_back="l1").row
    deed = Rows(lines.dataset, TABLE, {}).event(row, AT.timestamp() + 1).deeds[0]
    assert deed.kind == session
    cart = (
        Rows(lines.dataset, TABLE, {}).event(Lines.act("cart", "u1", "i2", AT, "l1").row, AT.timestamp() + 1).deeds[0]
    )
    assert deed.back == (cart.key if kind == "uncart" else None)


def test_a_mapping_that_has_such_a_table_stays_as_it_is() -> None:
    once = with_pages(MAPPING)
    assert with_pages(once) == once
    assert TABLE not in MAPPING["files"]
