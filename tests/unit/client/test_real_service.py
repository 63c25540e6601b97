"""Both clients ask the real service over a real store."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest

from fuserank.client import AsyncClient, Client, ServiceError, SessionEvent
from fuserank.serving.keys import made
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from tests.support.service import Running, running, until
from tests.support.stores import user, write_snapshot
from tests.unit.client.conftest import Make

ODD = ["a/b", "ü ö", "日本", "a%2Fb", "%", "a+b&c=d?e#f", "..", ".", "\u0000", "a,b", "😀", "null", "u" * 512]
USERS = ["u1", "u2", *ODD]
Keyed = tuple[Running, str, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    root = tmp_path_factory.mktemp("store")
    folder = write_snapshot(root, [user(u, first=n % 5) for n, u in enumerate(USERS)] + [user("long", k=10)])
    snapshot.switch(folder.parent, folder.name)
    key, _ = made(root / "keys.yaml", "shop", ["recommend"], None)
    with running(root, keys=root / "keys.yaml") as service:
        yield service, f"http://127.0.0.1:{service.port}", key


def test_every_method_is_the_request_of_its_name(service: Keyed, make: Make) -> None:
    running, url, key = service
    client, requests = make(url + "/", key), running.watched.requests
    event = SessionEvent("i3", "cart", "2024-06-03T10:00:00Z")
    answer = client.recommend("u1", k=2, session=[event], basket=["i9"], exclude=["i1"], fields=["department"])
    assert (answer.user, answer.served_from, answer.versions.snapshot) == ("u1", "personal", "000001-run")
    assert len(answer.items) == 2
    assert answer.items[0].fields.keys() == {"department"}
    assert (requests[-1].session, requests[-1].basket, requests[-1].exclude) == ([event], ["i9"], ["i1"])
    assert [one.item for one in client.rank(["i2", "i0"], user="u1", k=2).items] == ["i0", "i2"]
    assert [one.item for one in client.basket(["i1"], user="u1", k=1).items] == ["i2"]
    assert [one.item for one in client.similar("i3", k=2).items] == ["i4", "i5"]
    assert client.session([event], k=2).served_from == "session"
    assert requests[-1].user is None


def test_options_come_as_they_were_by_body_and_by_query(service: Keyed, make: Make) -> None:
    running, url, key = service
    client = make(url, key)
    options = {
        "k": 7,
        "exclude": ["a,b", "x y", "c/d%2F"],
        "fields": ("department", "price_minor"),
        "explain": True,
        "dry_run": False,
        "fill": "never",
        "context": {"age": "25-34", "income": "a,b:c"},
        "filter": "price_minor > 100",
        "surface": "home",
        "cursor": None,
    }
    for ask in (lambda: client.recommend("u1", **options), lambda: client.similar("i3", **options)):
        assert ask().removed is not None
        request = running.watched.requests[-1]
        found = {name: getattr(request, name) for name in options}
        assert found == options | {"fields": ["department", "price_minor"]}


def test_a_context_serves_a_segment_by_body_and_by_query(tmp_path: Path, make: Make) -> None:
    segments = [r.Segment("age", "25-34", 60, [5, 6, 7])]
    folder = write_snapshot(tmp_path, [user("u1")], vectors=False, segments=segments)
    snapshot.switch(folder.parent, folder.name)
    with running(tmp_path) as service:
        client, context = make(f"http://127.0.0.1:{service.port}"), MappingProxyType({"age": "25-34"})
        answer = client.recommend("nobody", k=2, context=context)
        assert (answer.served_from, [one.item for one in answer.items]) == ("segment", ["i5", "i6"])
        near = client.similar("i3", k=10, fill="segment", filter='item in ["i4", "i7"]', context=context)
        assert [one.item for one in near.items] == ["i4", "i7"]
        assert service.watched.requests[-1].context == {"age": "25-34"}
        with pytest.raises(ServiceError, match=r"segments are not of 'shoe'") as failed:
            client.recommend("nobody", context={"shoe": "43"})
        assert (failed.value.status, failed.value.field) == (422, "context")


def test_an_id_arrives_exactly(service: Keyed, make: Make) -> None:
    _, url, key = service
    client = make(url, key)
    for one in ODD:
        assert (client.recommend(one).user, client.recommend(one).served_from) == (one, "personal")
        with pytest.raises(ServiceError) as failed:
            client.similar(one)
        assert (failed.value.status, failed.value.code, failed.value.field) == (404, "unknown_item", "item")
        assert repr(one[:80]) in failed.value.message


def test_many_users_come_in_their_order_and_over_few_connections(service: Keyed, make: Make) -> None:
    running, url, key = service
    before = set(running.server.server_state.connections)
    client = make(url, key)
    many = [USERS[n % len(USERS)] for n in range(100)]
    answers = client.recommend_many(iter(many), concurrency=4, k=1)
    assert [a.user for a in answers] == many
    assert 1 <= len(set(running.server.server_state.connections) - before) <= 4
    assert client.recommend_many([]) == []


def test_one_connection_serves_one_request_after_another(service: Keyed, make: Make) -> None:
    running, url, key = service
    client = make(url, key)
    client.recommend("u1")
    open_now = set(running.server.server_state.connections)
    for _ in range(10):
        client.recommend("u1")
    assert set(running.server.server_state.connections) <= open_now


def test_a_batch_ends_with_the_first_error(service: Keyed, make: Make) -> None:
    running, url, key = service
    before = len(running.watched.requests)
    with pytest.raises(ServiceError) as failed:
        make(url, key).recommend_many(["u1", "", *["u2"] * 500], concurrency=2)
    assert (failed.value.status, failed.value.field) == (422, "user")
    assert len(running.watched.requests) - before < 400
    with pytest.raises(ValueError, match=r"concurrency|max_workers"):
        make(url, key).recommend_many(["u1"], concurrency=0)


def test_pages_bring_every_item_once_and_end(service: Keyed, make: Make) -> None:
    _, url, key = service
    client = make(url, key)
    for ask, k in ((("recommend", "long"), 5), (("recommend", "long"), 4), (("similar", "i3"), 2)):
        pages = list(client.pages(*ask, k=k))
        came = [one.item for page in pages for one in page.items]
        assert len(came) == len(set(came)) >= 9, (ask, came)
        assert all(len(page.items) == k for page in pages[:-1])
        first = next(client.pages(*ask, k=k))
        rest = [one.item for page in client.pages(*ask, k=k, cursor=first.cursor) for one in page.items]
        assert [one.item for one in first.items] + rest == came


def test_a_refusal_names_its_field_and_the_log_has_its_request_id(service: Keyed, make: Make) -> None:
    running, url, key = service
    client, ids = make(url, key), list[str]()
    for options, field in (({"k": 0}, "k"), ({"surface": "moon"}, "surface"), ({"exclude": ["a", ""]}, "exclude[1]")):
        with pytest.raises(ServiceError) as failed:
            client.recommend("u1", **options)
        error = failed.value
        assert (error.status, error.code, error.field) == (422, "wrong_value", field)
        assert error.request_id in str(error)
        ids.append(error.request_id)
    client.recommend("u1")  # its line comes after all of theirs
    until(lambda: running.lines("request")[-1]["status"] == 200)
    lines = [line for line in running.lines("request") if line["request_id"] in ids]
    assert [(line["request_id"], line["status"]) for line in lines] == [(one, 422) for one in ids], "not sent again"


def test_a_wrong_key_is_refused_once_and_repeated_nowhere(
    service: Keyed, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    running, url, key = service
    caplog.set_level(logging.DEBUG)
    wrong = key[:-8] + "wrongkey"
    client = make(url, wrong)
    with pytest.raises(ServiceError) as failed:
        client.recommend("u1")
    assert (failed.value.status, failed.value.code) == (401, "no_key")
    until(lambda: failed.value.request_id in running.log.getvalue().decode())
    assert sum(line["request_id"] == failed.value.request_id for line in running.lines("request")) == 1
    make(url, key).recommend("u1")
    words = f"{client.client!r} {failed.value!r} {failed.value} {caplog.text} {running.log.getvalue()!r}"
    assert caplog.records
    assert wrong not in words
    assert key not in words
    assert failed.value.__context__ is None, "an error of the transport would hold the request with its key"


def test_a_fault_of_the_service_is_not_sent_again(service: Keyed, make: Make) -> None:
    running, url, key = service
    before = len(running.watched.requests)
    with pytest.raises(ServiceError) as failed:
        make(url, key).recommend("u1", surface="fault")
    assert (failed.value.status, failed.value.code) == (500, "internal")
    assert len(running.watched.requests) == before + 1


def test_too_many_requests_wait_as_long_as_the_service_says(tmp_path: Path, make: Make) -> None:
    folder = write_snapshot(tmp_path, [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    key, _ = made(tmp_path / "keys.yaml", "shop", ["recommend"], None)
    with running(tmp_path, keys=tmp_path / "keys.yaml", rate=2, burst=1) as service:
        client = make(f"http://127.0.0.1:{service.port}", key, retries=1)
        assert [client.recommend("u1").user for _ in range(2)] == ["u1", "u1"]
        until(lambda: len(service.lines("request")) == 3)
        assert [line["status"] for line in service.lines("request")] == [200, 429, 200]


def test_contexts_close_and_threads_share_a_client(service: Keyed) -> None:
    _, url, key = service
    with Client(url, key) as client:
        found: list[str | None] = []
        threads = [threading.Thread(target=lambda: found.append(client.recommend("u1").user)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == ["u1"] * 8
    with pytest.raises(RuntimeError, match="closed"):
        client.recommend("u1")

    async def ask() -> AsyncClient:
        async with AsyncClient(url, key) as client:
            assert (await client.recommend("u1")).user == "u1"
        with pytest.raises(RuntimeError, match="closed"):
            await client.recommend("u1")
        return client

    asyncio.run(ask())
