from __future__ import annotations

from typing import Any

import pytest

from fuserank.config.mapping.load import MappingError, parse_dataset

COLUMNS = {"user": "string", "item": "string", "position": "long"}


def _raw(**changes: Any) -> dict[str, Any]:
    event = {
        "from": "seq",
        "type": "interaction",
        "role": "feedback",
        "user": "user",
        "item": "item",
        "key": ["user", "position"],
        "place": "position",
    } | changes.pop("event", {})
    files = {"seq": {"path": "a.txt", "format": "sequences", "columns": COLUMNS} | changes.pop("files", {})}
    raw = {
        "name": "shop",
        "time_zone": "UTC",
        "currency": {"code": "XXX"},
        "root": {"folder": "/data"},
        "order": "position",
        "as_of": "2020-01-01",
        "files": files,
        "events": [{k: v for k, v in event.items() if v is not None}],
    }
    return {k: v for k, v in (raw | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": None}, "events.0.time: order is time; name the column that tells it"),
        ({"order": None}, "events.0.place: order is time; leave place out, or write order: position"),
        ({"order": "none"}, "events.0.place: order is none; leave place out, or write order: position"),
        ({"event": {"place": None}}, "events.0.place: order is position; name the column that tells it"),
        ({"event": {"time": "position"}}, "events.0.time: order is position; leave time out, or write order: time"),
        ({"event": {"place": "user"}}, "events.0.place: column user is string; it must be long"),
        (
            {
                "dimensions": {
                    "identity_links": {
                        "from": "seq",
                        "user": "user",
                        "other": "item",
                        "consent": "item",
                        "known_at": {"from": "2019-01-01"},
                    }
                }
            },
            (
                "dimensions.identity_links: order is position; a link counts for events from its time on, so they need"
                " times"
            ),
        ),
        ({"as_of": None}, "as_of: order is position; name the day that events get theirs around, such as 2020-01-01"),
        ({"order": "sorted"}, "order: Input should be 'time', 'position' or 'none'"),
        ({"files": {"encoding": "UTF-16"}}, "files.seq.encoding: sequences are read as UTF-8; write the file so"),
        (
            {"files": {"columns": COLUMNS | {"brand": "string"}}},
            "files.seq.columns.brand: sequences have the columns user, item, position",
        ),
        (
            {"files": {"columns": COLUMNS | {"position": "string"}}},
            "files.seq.columns.position: it is string here and long in sequences",
        ),
    ],
)
def test_what_tells_the_order_must_be_there_and_nothing_else(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MappingError) as refused:
        parse_dataset(_raw(**changes), "shop.yaml")
    assert f"shop.yaml: {message}" in str(refused.value).splitlines()


def test_events_in_positions_stand_in_one_table() -> None:
    raw = _raw()
    raw["events"] *= 2
    with pytest.raises(
        MappingError, match="order is position; a user's events have one order, so they stand in one table"
    ):
        parse_dataset(raw, "shop.yaml")


def test_a_mapping_says_what_the_shop_does_not_tell() -> None:
    lacks = parse_dataset(_raw(event={"session": "user"}), "shop.yaml").lacks()
    assert lacks == ["times", "prices", "a catalogue", "facts about users", "promotions", "coupons"]
