"""HTTP as bytes: what has two readings is refused, what never ends is bounded, answers come in order."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from fuserank.serving.store import snapshot
from tests.support.service import Running, running
from tests.support.stores import user, write_snapshot

HOST, CLOSE, MOST = b"host: x\r\n", b"connection: close\r\n", 2_000
HEALTH, READY = b"GET /health HTTP/1.1\r\n" + HOST, b"GET /ready HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"
RANK = b"POST /v1/rank HTTP/1.1\r\ncontent-type: application/json\r\n" + HOST
BODY = b'{"candidates":["i1"]}'
CHUNK = b"%x\r\n%b\r\n" % (len(BODY), BODY)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("store")
    folder = write_snapshot(root, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    with running(root, most_header_bytes=MOST, request_seconds=2) as service:
        yield service


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d+) [A-Z]", answer)]


@pytest.mark.parametrize(
    "data",
    [
        RANK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        RANK + b"content-length: 21\r\ncontent-length: 20\r\n\r\n" + BODY,
        RANK + b"content-length: +21\r\n\r\n" + BODY,
        RANK + b"content-length: 99999999999999999999999\r\n\r\n" + BODY,
        RANK + b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
        RANK + b"transfer-encoding: identity\r\n\r\n" + BODY,
        RANK + b"transfer-encoding: xchunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
        RANK + b"transfer-encoding : chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
        RANK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
        RANK + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + BODY,
        RANK + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 70\r\n\r\n" + READY,
        HEALTH + HOST + b"\r\n",
        HEALTH + b"a b: c\r\n\r\n",
        HEALTH + b": c\r\n\r\n",
        HEALTH + b"x: a\x00b\r\n\r\n",
        HEALTH + b"x: a\rb\r\n\r\n",
        b"GET /health HTTP/1.1\r\n x: y\r\n" + HOST + b"\r\n",
        b"GET /health\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=range(19),
)
def test_what_has_two_readings_or_none_is_refused_and_nothing_behind_it_is_read(service: Running, data: bytes) -> None:
    before = len(service.lines("request"))
    answer = service.raw(data + READY)
    assert statuses(answer) == [400], answer
    assert b'"bad_request"' in answer
    assert len(service.lines("request")) == before


@pytest.mark.parametrize(
    "parts",
    [
        [HEALTH + b"x: " + b"y" * MOST + b"\r\n\r\n"],
        [HEALTH + b"x: ", *[b"y" * 900] * 9],
        [HEALTH, *[b"x: " + b"y" * 900 + b"\r\n"] * 9],
        [b"GET /health?", *[b"y" * 900] * 9],
        [b"\r\n" * 900] * 9,
        [RANK + b"transfer-encoding: chunked\r\n\r\n15;a=", *[b"y" * 900] * 9],
        [RANK + b"transfer-encoding: chunked\r\n\r\n" + CHUNK + b"0\r\nx: ", *[b"y" * 900] * 9],
        [RANK + b"content-length: 21\r\n\r\n" + BODY + b"GET /health?", *[b"y" * 900] * 9],
    ],
    ids=["at once", "a header", "headers", "target", "empty lines", "a chunk", "a trailer", "the second one"],
)
def test_what_stands_around_bodies_is_bounded_however_slowly_it_comes(service: Running, parts: list[bytes]) -> None:
    try:
        answer = service.raw(*parts)
    except ConnectionError:  # it was closed while more was sent
        return
    assert statuses(answer)[-1] == 431, answer
    assert b'"headers_too_large"' in answer


def test_a_trailer_is_no_header(service: Running) -> None:
    chunked = RANK + CLOSE + b"transfer-encoding: chunked\r\n\r\n" + CHUNK + b"0\r\nx-request-id: trailer\r\n\r\n"
    answer = service.raw(chunked)
    assert statuses(answer) == [200]
    assert b"trailer" not in answer


def test_requests_that_come_together_are_answered_in_order_and_before_what_is_wrong_behind_them(
    service: Running,
) -> None:
    for count in (1, 3, 200):
        answer = service.raw((HEALTH + b"\r\n") * count + READY)
        assert statuses(answer) == [200] * (count + 1)
        assert answer.endswith(b"}")
        assert answer.rindex(b"snapshot") > answer.rindex(b"alive")
        broken = service.raw((HEALTH + b"\r\n") * count + b"NONSENSE\r\n\r\n" + READY)
        assert statuses(broken) == [200] * count + [400]
    mixed = RANK + b"content-length: 21\r\n\r\n" + BODY + HEALTH + b"\r\n" + READY
    assert statuses(service.raw(mixed[:100], mixed[100:])) == [200, 200, 200]


def test_an_upgrade_is_not_taken_and_the_connection_goes_on(service: Running) -> None:
    upgrade = HEALTH + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
    assert statuses(service.raw(upgrade + READY)) == [200, 200]


def test_a_connection_stays_open_only_where_the_client_wants_it(service: Running) -> None:
    assert statuses(service.raw(HEALTH + CLOSE + b"\r\n" + READY)) == [200]
    assert statuses(service.raw(b"GET /health HTTP/1.0\r\n\r\n" + READY)) == [200]
    expects = RANK + CLOSE + b"expect: 100-continue\r\ncontent-length: 21\r\n\r\n"
    assert statuses(service.raw(expects, BODY)) == [100, 200]
