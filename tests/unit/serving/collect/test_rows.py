"""Events as they are sent, against the mapping: what is taken, and the rule and words of what is not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from fuserank.serving.collect.cells import Broken, Unreadable, reader
from fuserank.serving.collect.rows import Event, Rows
from tests.support.collecting import click, clicks


def read(event: dict[str, Any], **changes: Any) -> Event:
    return Rows(clicks(**changes), "clicks", {}).event(event, time.time() + 60)


def broken(event: dict[str, Any], **changes: Any) -> tuple[str, str | None]:
    with pytest.raises(Broken) as found:
        read(event, **changes)
    assert found.value.reason
    return found.value.rule, found.value.column


def test_an_event_is_a_line_of_the_mapping_s_columns_with_what_a_session_needs() -> None:
    event = read(
        {"line": " n1 ", "time": "2024-06-03T10:00:00Z", "type": "buy", "item": "i7.0", "user": 17, "visit": "v"}
    )
    assert json.loads(event.line) == {
        "user": 17,
        "item": "i7.0",
        "type": "buy",
        "time": "2024-06-03T10:00:00Z",
        "line": " n1 ",
        "visit": "v",
    }
    [deed] = event.deeds
    assert (deed.user, deed.item, deed.kind, deed.session, deed.time) == ("17", "i7.0", "purchase", "v", 1717408800.0)
    same = read({"user": "17", "item": "i7.0", "type": " buy ", "time": "2024-06-03T12:00:00+02:00", "line": "n1"})
    assert (same.key, same.content != event.content) == (event.key, True)


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"user": None}, "no_user", "user"),
        ({"user": "  "}, "no_user", "user"),
        ({"item": None}, "no_item", "item"),
        ({"time": None}, "no_time", "time"),
        ({"time": "yesterday"}, "uncastable", "time"),
        ({"time": "2023-02-30T10:00:00Z"}, "uncastable", "time"),
        ({"time": 1717408800}, "uncastable", "time"),
        ({"time": "2099-01-01T00:00:00Z"}, "time_in_future", "time"),
        ({"time": "1970-01-01T00:00:00Z"}, "time_too_early", "time"),
        ({"type": None}, "no_type", "type"),
        ({"type": "dance"}, "unknown_type", "type"),
        ({"line": None}, "no_key", "line"),
        ({"line": ""}, "no_key", "line"),
        ({"colour": "red"}, "unknown_column", "colour"),
        ({"visit": ["v"]}, "not_flat", "visit"),
        ({"visit": {"v": 1}}, "not_flat", "visit"),
        ({"item": "x" * 4_001}, "too_long", "item"),
        ({"item": "i\x00"}, "broken_characters", "item"),
        ({"item": "i\ufffd"}, "broken_characters", "item"),
        ({"line": 1 << 70}, "uncastable", "line"),
    ],
)
def test_what_breaks_a_rule_of_the_lake_is_refused_by_that_rule(change: dict[str, Any], rule: str, column: str) -> None:
    assert broken(click(**change)) == (rule, column)


def test_the_words_are_those_of_quarantine() -> None:
    with pytest.raises(Broken, match="user is empty; a row without it belongs to no one"):
        read(click(user=None))
    with pytest.raises(Broken, match="the mapping's types are view, cart, buy, hate, back, seen; add it there"):
        read(click("dance"))


def test_rules_rewards_places_and_money_of_the_mapping_hold() -> None:
    columns = {"paid": {"type": "decimal", "decimal": ","}, "stars": "long", "place": "long", "chance": "double"}
    changes: dict[str, Any] = {
        "columns": columns,
        "rules": [{"name": "some_stars", "column": "stars", "op": "in", "value": [1, 2, 3]}],
        "types": {"rate": {"type": "rating", "role": "feedback", "reward": {"column": "stars", "offset": -2}}},
        "amount": {"column": "paid", "unit": "major"},
        "position": "place",
        "propensity": "chance",
        "reverses": "rating",
    }
    good = read(click("rate", stars=1, paid=1.5, place="3", chance=0.5), **changes)
    assert json.loads(good.line)["paid"] == "1,5", "as the mapping's mark of decimals has it"
    assert good.deeds[0].kind == "dislike"
    assert read(click("rate", stars="3", paid="1,5"), **changes).deeds[0].kind == "click"
    assert read(click("rate", stars=2), **changes).deeds[0].kind == "neutral"
    assert broken(click("rate"), **changes) == ("no_value", "stars")
    assert broken(click("rate", stars=4), **changes) == ("some_stars", "stars")
    assert broken(click("rate", stars=1, paid=1e12), **changes) == ("uncastable", "paid")
    assert broken(click("rate", stars=1, paid="1.5"), **changes) == ("uncastable", "paid")
    assert broken(click("rate", stars=1, place=0), **changes) == ("position_out_of_range", "place")
    assert broken(click("rate", stars=1, chance=1.1), **changes) == ("propensity_out_of_range", "chance")


def test_a_reversal_names_the_event_that_it_takes_back() -> None:
    bought, back = read(click("buy", line="a")), read(click("back", line="b", takes_back="a"))
    assert back.deeds[0].kind == "undo"
    assert back.deeds[0].back == bought.key
    assert read(click("view", line="a")).key != bought.key, "an id is of a type"


@pytest.mark.parametrize(
    ("spec", "cell", "value"),
    [
        ("string", 17, "17"),
        ("string", True, "true"),
        ("long", "12", 12),
        ("long", 3.0, 3),
        ("double", "1.5", 1.5),
        ({"type": "double", "decimal": ","}, "1,5", 1.5),
        ("boolean", "True", True),
        ("date", "2024-06-03", "2024-06-03"),
        ({"type": "date", "pattern": "dd.MM.yyyy"}, "03.06.2024", "2024-06-03"),
        ("timestamp", "2024-06-03 10:00", 1717408800.0),
        ({"type": "timestamp", "zone": "Europe/Berlin"}, "2024-06-03T12:00:00", 1717408800.0),
        ({"type": "timestamp", "pattern": "dd/MM/yyyy HH:mm"}, "03/06/2024 10:00", 1717408800.0),
        ("epoch_millis", 1717408800000, 1717408800.0),
        ("epoch_seconds", "1717408800", 1717408800.0),
        ({"type": "string", "nulls": ["guest"]}, "guest", None),
        ("long", " ", None),
    ],
)
def test_cells_are_read_as_their_columns_say(spec: Any, cell: Any, value: Any) -> None:
    from fuserank.config.mapping.dataset import ColumnConfig

    assert reader(ColumnConfig.model_validate(spec))(cell) == value


def test_a_day_and_a_clock_make_a_time_and_what_has_none_cannot_be_collected() -> None:
    changes = {"columns": {"day": "date", "clock": "string"}, "time": "day", "clock": "clock"}
    event = {"user": "u", "item": "i", "type": "view", "line": "1", "day": "2024-06-03", "clock": "12:00"}
    assert read(event, **changes).deeds[0].time == 1717408800.0, "noon in Berlin"
    assert broken(event | {"clock": "noon"}, **changes) == ("uncastable", "clock")
    with pytest.raises(Unreadable, match="pattern"):
        read(event, columns={"time": {"type": "timestamp", "pattern": "yyyy DDD"}})
