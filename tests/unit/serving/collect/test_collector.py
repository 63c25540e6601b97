"""The collector over HTTP, from the real service: what it takes, what it knows again, and what lists make of it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.collect.collector import Collector
from fuserank.serving.collect.door import SNIPPET
from fuserank.serving.inbox import segments
from fuserank.serving.keys import KeysError, made
from tests.support.collecting import click, clicks, collecting, collector, in_inbox, items, send, settings, store
from tests.support.service import Running, running, until
from tests.unit.serving.test_inbox import no_file_beyond

LIST = "/v1/users/u1/recommendations"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path / "store")
    return tmp_path


@pytest.fixture
def service(root: Path) -> Iterator[Running]:
    with collecting(root) as service:
        yield service


def test_each_event_is_answered_and_what_was_accepted_is_in_the_inbox(service: Running, root: Path) -> None:
    good, again = click(), click()
    found = send(service, good, click(user=None), again, {**good}, again | {"item": "i9"}, click("dance"))
    assert (found["accepted"], found["duplicates"]) == (2, [3])
    assert [(one["index"], one["rule"], one["column"]) for one in found["refused"]] == [
        (1, "no_user", "user"),
        (4, "other_content", None),
        (5, "unknown_type", "type"),
    ]
    assert in_inbox(root) == [good, again]
    assert send(service, good, again | {"item": "i9"})["duplicates"] == [0]
    single = service.ask("POST", "/v1/events", {"event": click(), "from": "clicks"}).json
    assert single == {"accepted": 1, "duplicates": [], "refused": []}
    numbers = service.ask("GET", "/metrics").body.decode()
    assert 'fuserank_events_total{outcome="accepted"} 3.0' in numbers
    assert 'fuserank_events_total{outcome="other_content"} 2.0' in numbers


def test_requests_that_are_none_are_refused_and_do_no_harm(service: Running) -> None:
    for body, status, code, field in (
        ({}, 422, "missing_field", "events"),
        ({"events": []}, 422, "missing_field", "events"),
        ({"event": click(), "events": [click()]}, 422, "wrong_value", "event"),
        ({"events": [click()], "from": "sales"}, 422, "wrong_value", "from"),
        ({"events": ["view"]}, 422, "wrong_value", "events[0]"),
        ({"events": [{}] * 5_001}, 422, "wrong_value", "events"),
        ([click()], 422, "wrong_value", None),
        (b'{"events":[' + b'{"user":"u1"},' * 1_000_000 + b"{}]}", 413, "body_too_large", None),
        (b'{"events":[{"user":"\\ud800"}]}', 400, "malformed_json", None),
        (b'{"event":' + b'{"a":' * 100_000, 400, "malformed_json", None),
    ):
        reply = service.ask("POST", "/v1/events", body)
        assert (reply.status, reply.error["code"]) == (status, code), reply.body
        assert reply.error["field"] == field or field is None
    bomb = gzip.compress(b'{"events":[' + b" " * 10_000_000 + b"]}")
    assert service.ask("POST", "/v1/events", bomb, content_encoding="gzip").status == 415
    assert send(service, click())["accepted"] == 1
    assert not service.lines("fault")


def test_a_negative_signal_takes_its_item_out_of_the_next_answer_and_taking_it_back_brings_it_again(
    service: Running,
) -> None:
    assert items(service) == ["i0", "i1", "i2"]
    send(service, click("hate", "i1", line="h1"))
    assert "i1" not in items(service)
    send(service, click("buy", "i0", line="b1"))
    left = service.ask("POST", LIST, {"k": 3, "explain": True, "fill": "never"}).json
    assert left["removed"] == {"disliked": 1, "purchased": 1}
    send(service, click("back", "i0", takes_back="b1"))
    assert "i0" in items(service)


def test_what_was_done_moves_a_list_and_is_the_session_of_buyerhas_none(service: Running) -> None:
    send(service, click("cart", "i5"), click("view", "i6", user="new", visit="v1"))
    answer = service.ask("GET", f"{LIST}?k=5").json
    assert answer["served_from"] == "personal"
    assert "moved by 1 item of just now (1 event collected)" in answer["why"]
    assert any(one["reason_code"].startswith("session_") and "thing 5" in one["reason"] for one in answer["items"])
    fresh = service.ask("GET", "/v1/users/new/recommendations?k=2").json
    assert (fresh["served_from"], [one["item"] for one in fresh["items"]]) == ("session", ["i7", "i8"])
    by_visit = service.ask("POST", "/v1/sessions/recommendations", {"session_id": "v1", "k": 2}).json
    assert [one["item"] for one in by_visit["items"]] == ["i7", "i8"]
    unknown = service.ask("POST", "/v1/sessions/recommendations", {"session_id": "v2", "k": 2}).json
    assert unknown["served_from"] == "popular"
    twice = service.ask("POST", LIST, {"k": 5, "session": [{"item": "i5", "role": "cart"}]}).json
    assert "collected" not in twice["why"], "what the request tells itself counts once"


def test_sessions_and_ids_survive_a_restart_and_come_from_the_inbox_where_the_table_is_lost(root: Path) -> None:
    hated, seen = click("hate", "i1"), click("view", "i4")
    with collecting(root) as service:
        send(service, hated, seen)
    for lost in (False, True):
        if lost:
            (root / "inbox" / "events" / "ids").unlink()
        with collecting(root) as service:
            assert "i1" not in items(service)
            assert send(service, hated, seen)["duplicates"] == [0, 1]
    assert in_inbox(root) == [hated, seen]


def test_what_one_process_takes_the_next_answer_of_another_knows(root: Path) -> None:
    with collecting(root, look_seconds=60) as one, collecting(root, look_seconds=60) as other:
        event = click("hate", "i1")
        for _ in range(2):  # a segment's first line, and a later one
            assert send(one, event)["accepted"] == 1
            assert event["item"] not in items(other)
            assert send(other, event)["duplicates"] == [0]
            event = click("hate", "i0")


def test_one_bot_is_stopped_and_others_are_not(root: Path) -> None:
    with collecting(root, most_per_user=100) as service:
        found = send(service, *(click(user="bot") for _ in range(300)), click())
        assert found["accepted"] in (101, 201), "a minute may end meanwhile"
        assert {one["rule"] for one in found["refused"]} == {"too_many_of_user"}


def test_a_full_disk_refuses_all_of_a_request_and_takes_it_afterwards(root: Path) -> None:
    batch = [click() for _ in range(50)]
    with collecting(root) as service:
        send(service, click())
        size = next((root / "inbox" / "events" / "clicks").glob("*.open")).stat().st_size
        with no_file_beyond(size + 200):
            reply = service.ask("POST", "/v1/events", {"events": batch})
            assert (reply.status, reply.error["code"], reply.headers["retry-after"]) == (429, "inbox_full", "1")
            assert service.ask("GET", LIST).status == 200
        assert send(service, *batch)["accepted"] == 50
        assert len(in_inbox(root)) == 51


def test_more_than_the_disk_keeps_up_with_is_sent_away_to_come_later(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    let, real = threading.Event(), os.fdatasync
    with collecting(root, most_waiting=10) as service:
        monkeypatch.setattr(os, "fdatasync", lambda file: (let.wait(20), real(file))[1])
        first = threading.Thread(target=lambda: send(service, *(click() for _ in range(10))))
        first.start()
        until(lambda: len(in_inbox(root)) == 10)
        reply = service.ask("POST", "/v1/events", {"events": [click()]})
        assert (reply.status, reply.error["code"], reply.headers["retry-after"]) == (429, "not_keeping_up", "1")
        let.set()
        first.join(20)
        assert send(service, click())["accepted"] == 1


def test_the_same_event_twice_at_once_is_accepted_once(root: Path) -> None:
    batch, found = [click() for _ in range(20)], []
    with collecting(root, sync_seconds=0.2) as service:
        threads = [threading.Thread(target=lambda: found.append(send(service, *batch))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert sorted(one["accepted"] for one in found) == [0, 0, 0, 20]
    assert len(in_inbox(root)) == 20


def test_without_a_collector_events_are_refused_and_nothing_else_changes(root: Path) -> None:
    with running(root / "store") as service:
        reply = service.ask("POST", "/v1/events", {"events": [click()]})
        assert (reply.status, reply.error["code"]) == (404, "no_collector")
        assert service.ask("GET", LIST).status == 200


def test_a_key_of_the_scope_sends_events_and_a_public_one_only_from_its_pages(root: Path) -> None:
    file = root / "keys.yaml"
    key, _ = made(file, "shop", ["events:write"], None)
    reads, _ = made(file, "reads", ["recommend"], None)
    public, _ = made(file, "page", ["events:write"], None, ["https://shop.example"])
    with collecting(root, keys=file) as service:
        assert service.ask("POST", "/v1/events", {"events": [click()]}, key=key).status == 200
        assert service.ask("POST", "/v1/events", {"events": [click()]}, key=reads).status == 403
        assert service.ask("POST", "/v1/events", {"events": [click()]}, key=public).status == 401
        assert service.ask("GET", LIST, key=key).status == 403

        def page(key: str | None = public, origin: str = "https://shop.example", many: int = 1):  # type: ignore[no-untyped-def]
            body = json.dumps({"key": key, "events": [click() for _ in range(many)]}).encode()
            return service.ask("POST", "/v1/events", body, content_type="text/plain;charset=UTF-8", origin=origin)

        good = page()
        assert (good.status, good.json["accepted"]) == (200, 1)
        assert good.headers["access-control-allow-origin"] == "https://shop.example"
        for origin in ("https://shop.example.evil.org", "http://shop.example", ""):
            assert (page(origin=origin).status, page(origin=origin).error["code"]) == (403, "wrong_origin")
        for wrong in (None, key, public[:-1] + "x", "fr_ü"):
            assert page(wrong).status == 401
        assert page(many=1_000).status == 413, "a page sends 64 kB at most"
    with pytest.raises(KeysError, match="its one scope is events:write"):
        made(file, "wide", ["recommend", "events:write"], None, ["https://shop.example"])
    with pytest.raises(KeysError, match="is no origin such as"):
        made(file, "path", ["events:write"], None, ["https://shop.example/"])


def test_without_keys_a_page_of_another_machine_writes_nothing(service: Running) -> None:
    body = json.dumps({"events": [click()]}).encode()
    for origin, status in (("https://evil.example", 403), ("http://localhost:3000", 200), ("", 200)):
        assert service.ask("POST", "/v1/events", body, content_type="text/plain", origin=origin).status == status


def test_pages_get_a_script_of_less_than_2_kb(service: Running) -> None:
    reply = service.ask("GET", "/v1/collect.js")
    assert (reply.status, reply.body) == (200, SNIPPET)
    assert reply.headers["content-type"].startswith("text/javascript")
    assert len(SNIPPET) < 2_000


def test_of_several_tables_a_request_names_one(root: Path) -> None:
    files = {
        "orders": {
            "path": "o.csv",
            "format": "csv",
            "columns": {"buyer": "string", "what": "string", "at": "timestamp"},
        }
    }
    order = {"from": "orders", "type": "purchase", "role": "feedback", "user": "buyer", "item": "what", "time": "at"}
    dataset = clicks(files=files, more=[order | {"key": ["buyer", "what", "at"]}])
    sale = {"buyer": "u1", "what": "i1", "at": click()["time"]}
    with collecting(root, dataset) as service:
        assert service.ask("POST", "/v1/events", {"events": [sale]}).error["field"] == "from"
        found = send(service, sale, **{"from": "orders"})
        assert found["accepted"] == 1
        assert "i1" not in items(service)
    assert in_inbox(root, "orders") == [sale]


def test_segments_of_dead_processes_are_read_by_the_next(root: Path) -> None:
    folder = root / "inbox" / "events" / "clicks"
    folder.mkdir(parents=True)
    line = json.dumps(click("hate", "i1")).encode()
    (folder / "20240603T120000Z-0.open").write_bytes(line + b"\n" + line[:20])
    one = collector(root / "inbox")
    one.close()
    assert len(one.sessions) == 1
    assert all(path.suffix == segments.WHOLE for path in folder.iterdir())


def test_what_cannot_be_read_of_another_process_costs_no_answer_and_is_said_once(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    problems: list[str] = []
    with collecting(root) as one:
        send(one, click("hate", "i1"))
        own = Collector(clicks(), settings(), root / "inbox", problems.append)
        send(one, click("hate", "i2"))
        real = os.open

        def refused(path: Any, *more: Any, **named: Any) -> int:
            if "clicks" in str(path):
                raise PermissionError(13, "Permission denied")
            return real(path, *more, **named)

        with monkeypatch.context() as patch:
            patch.setattr(os, "open", refused)
            for _ in range(2):
                own.follow()
        assert problems == ["what other processes took cannot be read: Permission denied"]
        own.follow()
        assert len(own.sessions) == 2
        own.close()
