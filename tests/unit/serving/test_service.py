"""The recommend service by HTTP, over a real store: what it answers, and what it refuses."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.store import snapshot
from tests.support.service import Reply, Running, running, until
from tests.support.stores import SURFACE, overwrite, user, write_snapshot

ODD = ["a/b", "ü ö", "日本", "a%2Fb", "a+b&c=d?e#f", "..", "\u0000", "a,b", "😀", "null", "u" * 512]
USERS = ["u1", "u2", *ODD]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("store")
    folder = write_snapshot(root, [user(u, first=n % 5) for n, u in enumerate(USERS)])
    snapshot.switch(folder.parent, folder.name)
    with running(root, most_body_bytes=10_000, request_seconds=1) as service:
        yield service


def encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def items(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [row["item"] for row in reply.json["items"]]


def test_a_user_s_list_comes_with_its_versions(service: Running) -> None:
    reply = service.ask("GET", "/v1/users/u1/recommendations?k=2")
    assert items(reply) == ["i0", "i1"]
    assert reply.headers["content-type"] == "application/json"
    assert reply.json["served_from"] == "personal"
    assert reply.json["versions"] == {
        "ranking_run_id": "run-1",
        "ranking_version": 1,
        "as_of": "2024-06-03",
        "snapshot": "000001-run",
    }
    assert "fields" not in reply.json["items"][0], "what an item has not is left out"


@pytest.mark.parametrize("one", ODD, ids=range(len(ODD)))
def test_an_id_is_decoded_exactly(service: Running, one: str) -> None:
    for reply in (
        service.ask("GET", f"/v1/users/{encoded(one)}/recommendations"),
        service.ask("POST", f"/v1/users/{encoded(one)}/recommendations", {}),
    ):
        assert (reply.json["user"], reply.json["served_from"]) == (one, "personal")


def test_options_come_as_parameters_repeated_or_with_commas(service: Running) -> None:
    path = "/v1/users/u1/recommendations?k=7&exclude=i1,a%2Cb&exclude=x+y&fields=department,price_minor&explain=true"
    assert items(service.ask("GET", path + "&fill=never&dry_run=1&filter=price_minor%20%3E%20100&surface=home"))
    request = service.watched.requests[-1]
    assert (request.k, request.exclude, request.fields) == (7, ["i1", "a,b", "x y"], ["department", "price_minor"])
    assert (request.explain, request.dry_run, request.fill) == (True, True, "never")
    assert request.filter == "price_minor > 100"
    service.ask("GET", "/v1/users/u1/recommendations?context=age:25-34,income:a%2Cb&context=kids_count:x:y")
    assert service.watched.requests[-1].context == {"age": "25-34", "income": "a,b", "kids_count": "x:y"}


def test_what_was_done_just_now_comes_in_the_body(service: Running) -> None:
    session = [{"item": "i3", "role": "cart", "at": "2024-06-03T10:00:00Z"}]
    service.ask("POST", "/v1/users/u1/recommendations", {"session": session, "user": "u1"})
    request = service.watched.requests[-1]
    assert (request.user, request.session[0].item, request.session[0].role) == ("u1", "i3", "cart")
    assert service.ask("POST", "/v1/sessions/recommendations", {"session": session}).json["served_from"] == "session"
    assert service.watched.requests[-1].user is None


def test_candidates_baskets_and_items_have_their_routes(service: Running) -> None:
    assert items(service.ask("POST", "/v1/rank", {"candidates": ["i2", "i0"], "k": 2, "user": "u1"})) == ["i0", "i2"]
    assert items(service.ask("POST", "/v1/baskets/recommendations", {"basket": ["i1"], "k": 1})) == ["i2"]
    assert items(service.ask("GET", "/v1/items/i3/similar?k=2")) == ["i4", "i5"]


def test_health_ready_and_openapi_need_no_body_and_head_is_their_get(service: Running) -> None:
    assert service.ask("GET", "/health").json == {"alive": True}
    ready = service.ask("GET", "/ready")
    assert ready.status == 200
    assert ready.json["ready"] is True
    assert 0 <= ready.json["age_seconds"] < 3600
    assert (ready.json["snapshot"], ready.json["as_of"], ready.json["problem"]) == ("000001-run", "2024-06-03", None)
    head = service.ask("HEAD", "/openapi.json")
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 1000


@pytest.mark.parametrize(("when_stale", "status"), [("ready", 200), ("unready", 503)])
def test_a_stale_snapshot_says_so_and_sends_traffic_away_where_that_is_set(
    tmp_path: Path, when_stale: str, status: int
) -> None:
    folder = write_snapshot(tmp_path, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    with running(tmp_path, stale_hours=1e-6, when_stale=when_stale) as service:
        until(lambda: service.ask("GET", "/ready").json["stale"])
        ready = service.ask("GET", "/ready")
        assert (ready.status, ready.json["ready"]) == (status, status == 200)
        assert service.ask("GET", "/v1/users/u1/recommendations").status == 200
        assert b"\nfuserank_snapshot_stale 1.0" in service.ask("GET", "/metrics").body
        until(lambda: service.lines("stale"))
        assert [(line["level"], line["stale"]) for line in service.lines("stale")] == [("warning", True)]


def test_a_broken_snapshot_is_not_taken_and_ready_says_so(tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    with running(tmp_path) as service:
        broken = write_snapshot(tmp_path, [user("u1")], number=2)
        overwrite(broken / snapshot.ITEMS, b"cut off")
        snapshot.switch(broken.parent, broken.name)
        until(lambda: service.ask("GET", "/ready").json["problem"])
        ready = service.ask("GET", "/ready")
        assert (ready.status, ready.json["snapshot"]) == (200, "000001-run")
        assert "is not as it was written" in ready.json["problem"]
        assert service.ask("GET", "/v1/users/u1/recommendations").status == 200
        assert len(service.lines("snapshot")) == 1, "one line a problem, not one a look"


def test_numbers_for_prometheus_count_routes_sources_and_the_snapshot(service: Running) -> None:
    service.ask("GET", "/v1/users/u2/recommendations?k=3")
    service.ask("GET", "/nowhere/secret-id")
    reply = service.ask("GET", "/metrics")
    text = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/plain; version=")
    for line in (
        'fuserank_requests_total{route="recommendations",status="200"}',
        'fuserank_requests_total{route="-",status="404"}',
        'fuserank_request_seconds_bucket{le="0.005",route="recommendations"}',
        'fuserank_answers_total{served_from="personal"}',
        'fuserank_snapshot_info{as_of="2024-06-03",ranking_run_id="run-1",snapshot="000001-run",surface="home"} 1.0',
        "fuserank_snapshot_age_seconds",
        "fuserank_snapshot_problem 0.0",
    ):
        assert line in text
    assert "secret-id" not in text


def test_the_log_has_a_line_a_request_and_no_user(service: Running) -> None:
    service.log.truncate(0)
    service.log.seek(0)
    for one, request_id in (("u1", "first"), ("u1", "second"), ("u2", "third")):
        service.ask("GET", f"/v1/users/{one}/recommendations", x_request_id=request_id)

    def mine() -> list[dict[str, Any]]:  # the line of a request before may come after its answer
        return [line for line in service.lines("request") if line["request_id"] in ("first", "second", "third")]

    until(lambda: len(mine()) == 3)
    lines = mine()
    assert [line["request_id"] for line in lines] == ["first", "second", "third"]
    assert [line["route"] for line in lines] == ["recommendations"] * 3
    assert all(line["status"] == 200 and line["ms"] > 0 and line["served_from"] == "personal" for line in lines)
    assert lines[0]["user"] == lines[1]["user"] != lines[2]["user"]
    assert b"u1" not in service.log.getvalue()


def test_a_request_id_is_sent_back_and_an_odd_one_replaced(service: Running) -> None:
    assert service.ask("GET", "/health", x_request_id="shop-1.2_3").headers["x-request-id"] == "shop-1.2_3"
    for odd in ("a b", "x" * 65, '"}', "ä"):
        assert len(service.ask("GET", "/health", x_request_id=odd).headers["x-request-id"]) == 16


def test_a_fault_is_one_error_and_its_words_stay_in_the_log(service: Running) -> None:
    reply = service.ask("GET", "/v1/users/u1/recommendations?surface=fault")
    assert (reply.status, reply.error["code"]) == (500, "internal")
    assert b"secret of the shop" not in reply.body
    [line] = [ln for ln in service.lines("fault") if ln["request_id"] == reply.error["request_id"]]
    assert "ZeroDivisionError: a secret of the shop" in line["message"]


def test_what_is_no_http_is_refused_in_the_same_form(service: Running) -> None:
    for data, status, code in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),  # no host
        (b"GET /v1/users/\xc3\xa4/recommendations HTTP/1.1\r\nhost: x\r\n\r\n", 400, "bad_request"),
        (
            b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
            431,
            "headers_too_large",
        ),
        (b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400, "bad_request"),
    ):
        head, _, body = service.raw(data).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), (data[:40], head)
        assert json.loads(body)["error"]["code"] == code


def test_slow_clients_are_sent_away(service: Running) -> None:
    head = b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n"
    for data in (b"", b"GET /heal", head, head + b"\r\n{"):
        began = time.monotonic()
        answer = service.raw(data)
        assert b" 408 " in answer.partition(b"\r\n")[0], data
        assert b'"too_slow"' in answer
        assert time.monotonic() - began < 5


def test_more_connections_than_allowed_are_refused(tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    with running(tmp_path, most_connections=3) as service:
        held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(3)]
        until(lambda: len(service.server.server_state.connections) == 3)
        reply = service.ask("GET", "/health")
        assert (reply.status, reply.error["code"]) == (503, "too_many_connections")
        for connection in held:
            connection.close()
        until(lambda: not service.server.server_state.connections)
        assert service.ask("GET", "/health").status == 200


USER, RANK = "/v1/users/u1/recommendations", "/v1/rank"
LONG = "u" * 10_000
NESTED = b'{"candidates":' + b"[" * 4000 + b"]" * 4000 + b"}"
BAD: list[tuple[str, str, str, Any, dict[str, str], int, str, str | None, str]] = [
    ("no path", "GET", "/", None, {}, 404, "no_route", None, "no such path"),
    ("a path more", "GET", "/v1/users/u1/recommendations/", None, {}, 404, "no_route", None, "no such path"),
    ("a slash in an id", "GET", "/v1/users/a/b/recommendations", None, {}, 404, "no_route", None, "no such path"),
    ("the template", "GET", "/v1/users/x/{id}", None, {}, 404, "no_route", None, "no such path"),
    ("method", "DELETE", USER, None, {}, 405, "wrong_method", None, "GET, POST, not DELETE"),
    ("get of rank", "GET", RANK, None, {}, 405, "wrong_method", None, "answers POST"),
    ("k of 0", "GET", USER + "?k=0", None, {}, 422, "wrong_value", "k", "k: Expected `int` >= 1"),
    ("k of a million", "GET", USER + "?k=1000000", None, {}, 422, "wrong_value", "k", "k: Expected `int` <= 500"),
    ("k of no number", "GET", USER + "?k=ten", None, {}, 422, "wrong_value", "k", "Expected `int`"),
    ("k of 4,000 digits", "GET", USER + "?k=" + "9" * 4000, None, {}, 422, "wrong_value", "k", "<= 500"),
    ("k twice", "GET", USER + "?k=1&k=2", None, {}, 422, "wrong_value", "k", "k is there twice"),
    ("k in the body", "POST", RANK, {"k": 0, "candidates": ["a"]}, {}, 422, "wrong_value", "k", ">= 1"),
    ("k of a half", "POST", RANK, b'{"k": 1.5, "candidates": ["a"]}', {}, 422, "wrong_value", "k", "got `float`"),
    ("explain", "GET", USER + "?explain=perhaps", None, {}, 422, "wrong_value", "explain", "Expected `bool`"),
    ("unknown surface", "GET", USER + "?surface=moon", None, {}, 422, "wrong_value", "surface", "surface 'moon'"),
    ("fill", "GET", USER + "?fill=water", None, {}, 422, "wrong_value", "fill", "Invalid enum value 'water'"),
    ("parameter", "GET", USER + "?kk=1", None, {}, 422, "unknown_field", "kk", "there is no field kk"),
    ("a name of 3 kB", "GET", USER + f"?{'n' * 3000}=1", None, {}, 422, "unknown_field", "n" * 300 + "…", ""),
    ("context", "GET", USER + "?context=age", None, {}, 422, "wrong_value", "context", "'age' is not field:value"),
    ("its field", "GET", USER + "?context=shoe:43", None, {}, 422, "wrong_value", "context", "not of 'shoe'; they"),
    ("a field of it twice", "GET", USER + "?context=age:1,age:2", None, {}, 422, "wrong_value", "context", "age is"),
    ("its value", "POST", USER, {"context": {"age": 7}}, {}, 422, "wrong_value", "context[...]", "got `int`"),
    ("no id", "GET", "/v1/users//recommendations", None, {}, 422, "wrong_value", "user", "length >= 1"),
    ("no item", "GET", "/v1/items//similar", None, {}, 422, "wrong_value", "item", "length >= 1"),
    ("an id of 10 kB", "GET", f"/v1/users/{LONG}/recommendations", None, {}, 422, "wrong_value", "user", "<= 512"),
    ("such an exclude", "GET", USER + "?exclude=" + LONG, None, {}, 422, "wrong_value", "exclude[0]", "512"),
    ("surrogates", "GET", "/v1/users/%ED%A0%80/recommendations", None, {}, 400, "bad_encoding", "user", "(byte 0"),
    ("Latin-1", "GET", "/v1/users/m%FCller/recommendations", None, {}, 400, "bad_encoding", "user", "byte 1 of"),
    ("half an escape", "GET", "/v1/users/100%/recommendations", None, {}, 400, "bad_encoding", "user", "% without two"),
    ("half an escape in the query", "GET", USER + "?filter=%a", None, {}, 400, "bad_encoding", "filter", "% without"),
    ("unknown item", "GET", "/v1/items/zz/similar", None, {}, 404, "unknown_item", "item", "no item 'zz'"),
    ("no body", "POST", RANK, b"", {}, 400, "malformed_json", None, "empty (byte 0)"),
    ("half a body", "POST", RANK, b'{"k":', {}, 400, "malformed_json", None, "truncated (byte 5)"),
    ("no JSON", "POST", RANK, b"{'k': 1}", {}, 400, "malformed_json", None, "(byte 1)"),
    ("two values", "POST", RANK, b'{"candidates":["a"]} {}', {}, 400, "malformed_json", None, "(byte 22)"),
    ("no UTF-8", "POST", RANK, b'{"candidates":["\xff"]}', {}, 400, "malformed_json", None, "(byte 16)"),
    ("half a pair", "POST", RANK, rb'{"candidates":["\ud800abcdef"]}', {}, 400, "malformed_json", None, "surrogate"),
    ("NaN", "POST", RANK, b'{"k": NaN}', {}, 400, "malformed_json", None, "(byte 6)"),
    ("an array", "POST", RANK, b"[]", {}, 422, "wrong_value", None, "the body: Expected `object`, got `array`"),
    ("deep", "POST", RANK, NESTED, {}, 422, "wrong_value", "candidates[0]", "got `array`"),
    ("no candidates", "POST", RANK, {}, {}, 422, "missing_field", "candidates", "the field candidates is missing"),
    ("empty candidates", "POST", RANK, {"candidates": []}, {}, 422, "wrong_value", "candidates", "length >= 1"),
    ("1,001 candidates", "POST", RANK, {"candidates": ["a"] * 1001}, {}, 422, "wrong_value", "candidates", "<= 1000"),
    ("field", "POST", RANK, {"candidates": ["a"], "kk": 1}, {}, 422, "unknown_field", "kk", "no field kk"),
    (
        "field of an event",
        "POST",
        USER,
        {"session": [{"item": "a"}, {"item": "b", "when": 1}]},
        {},
        422,
        "unknown_field",
        "session[1].when",
        "no field session[1].when",
    ),
    ("role", "POST", USER, {"session": [{"item": "a", "role": "x"}]}, {}, 422, "wrong_value", "session[0].role", "'x'"),
    ("another user", "POST", USER, {"user": "u2"}, {}, 422, "wrong_value", "user", "another user"),
    ("a known user", "POST", "/v1/sessions/recommendations", {"user": "u1"}, {}, 422, "wrong_value", "user", "goes to"),
    ("no basket", "POST", "/v1/baskets/recommendations", {}, {}, 422, "missing_field", "basket", "basket"),
    ("null", "POST", RANK, {"candidates": ["a"], "k": None}, {}, 422, "wrong_value", "k", "got `null`"),
    ("form", "POST", RANK, b"k=1", {"content_type": "text/plain"}, 415, "not_json", None, "Content-Type"),
    ("no type", "POST", RANK, b"{}", {"content_type": ""}, 415, "not_json", None, "Content-Type"),
    ("gzip", "POST", RANK, b"{}", {"content_encoding": "gzip"}, 415, "not_json", None, "Content-Encoding"),
    ("large", "POST", RANK, b" " * 10_001, {}, 413, "body_too_large", None, "10,001 bytes, and 10,000 are taken"),
    ("very large", "POST", RANK, b" " * 100_000, {}, 413, "body_too_large", None, "100,000 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code", "field", "words"),
    [b[1:] for b in BAD],
    ids=[b[0] for b in BAD],
)
def test_bad_input_is_named(
    service: Running,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    code: str,
    field: str | None,
    words: str,
) -> None:
    reply = service.ask(method, path, body, **headers)
    assert (reply.status, reply.error["code"], reply.error["field"]) == (status, code, field), reply.body
    assert words in reply.error["message"]
    assert service.ask("GET", "/health").status == 200


def test_a_body_in_chunks_is_bounded_too(service: Running) -> None:
    head = b"POST /v1/rank HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    answer = service.raw(head + chunk * 4 + b"0\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"more than 10,000 bytes" in answer
    assert answer.endswith(b'{"alive":true}'), "the rest is read away, and the connection goes on"


def test_surfaces_are_those_of_the_store(service: Running) -> None:
    assert service.ask("GET", "/ready").json["surface"] == SURFACE
