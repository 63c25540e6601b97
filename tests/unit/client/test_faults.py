"""Both clients before a server that breaks: what is sent again, when, and what comes of it."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from fuserank.client import ServiceError
from fuserank.serving.requests import Answer, AnswerItem, Versions
from tests.support.http import Answer as Reply
from tests.support.http import Request, serving
from tests.unit.client.conftest import Make

KEY = "fr_0123_a-secret-of-the-shop"


def answer(*items: str, cursor: str | None = None) -> bytes:
    rows = [AnswerItem(item, n + 1, 1.0, "popular", "liked") for n, item in enumerate(items)]
    versions = Versions("run-1", 1, "2024-06-03", "000001-run")
    return msgspec.json.encode(
        Answer("id", "u1", "home", rows, "popular", "why", None, cursor, "published-1", versions)
    )


def error(status: int, **headers: str) -> Reply:
    problem = {"code": "not_ready", "message": "the store does not answer", "field": None, "request_id": "r1"}
    return Reply({"error": problem}, status, {name.replace("_", "-"): value for name, value in headers.items()})


OK = Reply(answer("i1"))


def script(*replies: Reply) -> Callable[[Request], Reply]:
    """One after the other; the last again and again."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    "faults",
    [
        [error(503)],
        [error(429), error(502), error(504)],
        [Reply("<html>", 502), Reply("", 504)],
        [Reply(reset=True)],
        [Reply(answer("i1"), cut=True)],
        [Reply(reset=True), error(503), Reply(answer("i1"), seconds=1)],
    ],
    ids=["503", "429 502 504", "no JSON", "reset", "cut", "all"],
)
def test_what_passes_by_is_asked_again_and_answered_once(make: Make, faults: Sequence[Reply]) -> None:
    with serving(script(*faults, OK)) as site:
        found = make(site.url, KEY, timeout=0.5).recommend("u1", k=3)
        assert [one.item for one in found.items] == ["i1"]
        assert len(site.requests) == len(faults) + 1
        assert {r.body for r in site.requests} == {b'{"k":3}'}
        assert {r.headers["authorization"] for r in site.requests} == {f"Bearer {KEY}"}
        assert len({r.headers["x-request-id"] for r in site.requests}) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 408, 413, 422, 431, 500, 501])
def test_every_other_status_is_asked_once(make: Make, status: int) -> None:
    with serving(script(error(status, location="http://127.0.0.1:9/"))) as site:
        with pytest.raises(ServiceError) as failed:
            make(site.url, KEY).similar("i1")
        assert len(site.requests) == 1
    found = failed.value
    assert (found.status, found.code, found.message) == (status, "not_ready", "the store does not answer")
    assert (found.field, found.request_id) == (None, "r1")


def test_retries_end_with_the_last_error(make: Make) -> None:
    with serving(script(error(429), error(503))) as site:
        with pytest.raises(ServiceError) as failed:
            make(site.url, retries=2).recommend("u1")
        assert (failed.value.status, len(site.requests)) == (503, 3)
        with pytest.raises(ServiceError):
            make(site.url, retries=0).recommend("u1")
        assert len(site.requests) == 4


def test_retry_after_is_waited_for(make: Make) -> None:
    with serving(script(error(429, retry_after="1"), OK)) as site:
        began = time.monotonic()
        assert make(site.url).recommend("u1").items
        assert time.monotonic() - began >= 1
        assert "authorization" not in site.requests[0].headers


def test_a_wait_beyond_the_deadline_is_not_begun(make: Make) -> None:
    with serving(script(error(503, retry_after="60"))) as site:
        began = time.monotonic()
        with pytest.raises(ServiceError) as failed:
            make(site.url).recommend("u1")
        assert (failed.value.status, len(site.requests)) == (503, 1)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("slow", [Reply(answer("i1"), seconds=6), Reply(answer("i1"), drip=0.1)], ids=["late", "drip"])
def test_the_deadline_bounds_all_tries_together(make: Make, slow: Reply) -> None:
    with serving(script(slow)) as site:
        client = make(site.url, timeout=0.6, retries=100, deadline=1.5)
        began = time.monotonic()
        with pytest.raises(ServiceError) as failed:
            client.recommend("u1")
        assert 0.5 < time.monotonic() - began < 4
        assert (failed.value.status, failed.value.code) == (0, "timeout")
        assert 2 <= len(site.requests) <= 6


def test_nobody_there_is_no_answer(make: Make) -> None:
    with serving(script(OK)) as site:
        url = site.url
    with pytest.raises(ServiceError, match="ConnectError") as failed:
        make(url, KEY, retries=1).recommend("u1")
    found = failed.value
    assert (found.status, found.code, len(found.request_id)) == (0, "no_answer", 16)
    assert found.__context__ is None
    assert KEY not in f"{found} {found!r}"
    again = pickle.loads(pickle.dumps(found))
    assert (str(again), again.code) == (str(found), "no_answer")


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"error": 1}', b"[" * 5000, b"\xff"])
def test_what_is_none_of_the_service_s_answers_is_not_repeated(make: Make, body: bytes) -> None:
    replies = [Reply(body), Reply(body, 404), Reply(body, 200, {"content-encoding": "gzip"})]
    with serving(script(*replies)) as site:
        client = make(site.url)
        for reply in replies:
            with pytest.raises(ServiceError) as failed:
                client.recommend("u1")
            assert (failed.value.status, failed.value.code) == (reply.code, "unreadable")
            assert "html" not in str(failed.value)


def test_a_key_that_comes_back_in_an_error_is_taken_out(make: Make) -> None:
    def echo(request: Request) -> Reply:
        problem = {"code": "no_key", "message": f"got {request.headers['authorization']}", "field": KEY}
        return Reply({"error": problem}, 401)

    with serving(echo) as site, pytest.raises(ServiceError) as failed:
        make(site.url, KEY).recommend("u1")
    assert failed.value.message == "got Bearer ..."
    assert KEY not in repr(failed.value)


def test_pages_come_once_each_through_faults_and_repeats(make: Make) -> None:
    """The second page is lost on its way and asked for again by the same cursor; the third repeats an item."""
    pages: dict[str | None, list[Any]] = {
        None: [Reply(answer("a", "b", cursor="c1"))],
        "c1": [Reply(reset=True), error(503), Reply(answer("c", "d", cursor="c2"))],
        "c2": [Reply(answer("b", "e", cursor="c3"))],
        "c3": [Reply(answer("a", "b", cursor="c3"))],  # and so on for ever
    }

    def reply(request: Request) -> Reply:
        return pages[msgspec.json.decode(request.body).get("cursor")].pop(0)

    with serving(reply) as site:
        found = [[one.item for one in page.items] for page in make(site.url).pages("recommend", "u1", k=2)]
        assert found == [["a", "b"], ["c", "d"], ["e"]]
        assert len(site.requests) == 6
        assert {msgspec.json.decode(r.body)["k"] for r in site.requests} == {2}


def test_a_url_may_have_a_path_before_the_routes(make: Make) -> None:
    with serving(script(OK)) as site:
        make(f"{site.url}/reco/").similar("../a b/ü", k=1, explain=True, exclude=["x,y", "z"], cursor=None, fields=[])
        [request] = site.requests
    assert request.path == "/reco/v1/items/%2E%2E%2Fa%20b%2F%C3%BC/similar"
    assert request.query == {"k": "1", "explain": "true", "exclude": "x,y,z"}
