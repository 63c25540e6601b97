"""A paginated API, a real server on loopback: every row once, whatever fails on the way, and no secret anywhere."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fuserank.config.mapping.connect import RestConfig
from fuserank.sources.connectors import http
from fuserank.sources.connectors.landing import STATE, FetchError, Landed, land
from fuserank.sources.connectors.rest import RestConnector
from tests.support.cli import ran
from tests.support.connectors import cut_off
from tests.support.http import Answer, Request, Site, serving

SIZE, ROWS = 10, 35
SECRET = "canary-7e1f"


def row(n: int, day: int = 1) -> dict[str, Any]:
    return {"id": n, "user": f"u{n % 5}", "updated_at": f"2024-01-{day:02d}T{n:06d}"}


SHOP = [row(n) for n in range(ROWS)]


def rest(url: str, **changes: Any) -> RestConfig:
    plain = {"kind": "rest", "url": url, "rows": "data", "requests_per_second": 10_000, "retry_seconds": 0.001}
    return RestConfig.model_validate(plain | changes)


def numbered(request: Request, rows: list[dict[str, Any]] = SHOP) -> Answer:
    page = int(request.query["page"])
    return Answer({"data": rows[(page - 1) * SIZE : page * SIZE]})


NUMBERED = {"kind": "number", "parameter": "page"}


def ids(folder: Path) -> list[int]:
    return [json.loads(line)["id"] for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def fetched(folder: Path, answer: Callable[[Request], Answer], **changes: Any) -> tuple[Landed, Site]:
    with serving(answer) as site:
        return land(RestConnector(rest(f"{site.url}/orders", **changes)), folder), site


def by_link(request: Request) -> Answer:
    at = int(request.query.get("at", 0))
    more = {"next": f"/orders?at={at + SIZE}"} if at + SIZE < ROWS else {"next": None}
    return Answer({"data": SHOP[at : at + SIZE], "meta": more})


def by_header(request: Request) -> Answer:
    at = int(request.query.get("at", 0))
    headers = {"Link": f'</orders?at={at + SIZE}>; rel="next"'} if at + SIZE < ROWS else {}
    return Answer({"data": SHOP[at : at + SIZE]}, headers=headers)


def by_cursor(request: Request) -> Answer:
    at = int(request.query.get("after", "c0")[1:])
    return Answer({"data": SHOP[at : at + SIZE], "meta": {"next": f"c{at + SIZE}" if at + SIZE < ROWS else ""}})


def by_offset(request: Request) -> Answer:
    at = int(request.query["skip"])
    return Answer({"data": SHOP[at : at + SIZE]})


@pytest.mark.parametrize(
    ("answer", "pages"),
    [
        (by_link, {"kind": "link", "next": "meta.next"}),
        (by_header, {"kind": "link"}),
        (by_cursor, {"kind": "cursor", "parameter": "after", "next": "meta.next"}),
        (numbered, NUMBERED),
        (by_offset, {"kind": "offset", "parameter": "skip"}),
        (lambda request: Answer({"data": SHOP}), None),
    ],
)
def test_every_row_comes_once_by_every_kind_of_pages(
    tmp_path: Path, answer: Callable[[Request], Answer], pages: dict[str, Any] | None
) -> None:
    landed, _ = fetched(tmp_path, answer, pages=pages)
    assert ids(tmp_path) == list(range(ROWS))
    assert landed.rows == ROWS


def test_failures_throttling_and_broken_answers_are_tried_again(tmp_path: Path) -> None:
    draw, traps = random.Random(5), []

    def answer(request: Request) -> Answer:
        trap = draw.choice(["fine", "fine", "500", "429", "cut"])
        traps.append(trap)
        good = numbered(request)
        return {
            "fine": good,
            "500": Answer("oh", 500),
            "429": Answer("slow", 429, {"Retry-After": "0"}),
            "cut": Answer(good.body, headers={}, cut=True),
        }[trap]

    fetched(tmp_path, answer, pages=NUMBERED, retries=20)
    assert ids(tmp_path) == list(range(ROWS))
    assert {"500", "429", "cut"} <= set(traps)


def test_a_throttle_is_waited_for_as_long_as_it_says(tmp_path: Path) -> None:
    seen: list[float] = []

    def answer(request: Request) -> Answer:
        seen.append(time.monotonic())
        return Answer("", 429, {"Retry-After": "1"}) if len(seen) == 1 else Answer({"data": SHOP})

    fetched(tmp_path, answer)
    assert seen[1] - seen[0] >= 1.0


class Clock:
    """Time that passes while somebody sleeps, and never else."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_requests_keep_the_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, seen = Clock(), []
    monkeypatch.setattr(http, "time", clock)

    def answer(request: Request) -> Answer:
        seen.append(clock.now)
        return numbered(request)

    fetched(tmp_path, answer, pages=NUMBERED, requests_per_second=20)
    assert len(seen) == 5
    assert all(b - a >= 0.05 - 1e-9 for a, b in itertools.pairwise(seen))


def test_a_run_that_was_cut_off_goes_on_at_its_page(tmp_path: Path) -> None:
    def broken(request: Request) -> Answer:
        return Answer("gone", 410) if request.query["page"] == "3" else numbered(request)

    with pytest.raises(FetchError, match="answered 410: 'gone'"):
        fetched(tmp_path, broken, pages=NUMBERED)
    assert ids(tmp_path) == list(range(2 * SIZE))
    _, site = fetched(tmp_path, numbered, pages=NUMBERED)
    assert ids(tmp_path) == list(range(ROWS))
    assert site.requests[0].query["page"] == "3"


def test_a_death_between_a_file_and_its_cursor_leaves_no_row_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cut_off(monkeypatch, lambda: fetched(tmp_path, numbered, pages=NUMBERED))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    fetched(tmp_path, numbered, pages=NUMBERED)
    assert ids(tmp_path) == list(range(ROWS))
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_next_run_asks_from_the_highest_value_that_came_in_any_order(tmp_path: Path) -> None:
    mixed = random.Random(1).sample(SHOP, ROWS)
    since = {"parameter": "updated_since", "column": "updated_at"}
    _, first = fetched(tmp_path, lambda request: numbered(request, mixed), pages=NUMBERED, since=since)
    assert all("updated_since" not in a.query for a in first.requests)
    new = [row(n, day=2) for n in range(100, 103)]
    landed, second = fetched(tmp_path, lambda request: numbered(request, new), pages=NUMBERED, since=since)
    assert {a.query["updated_since"] for a in second.requests} == {row(ROWS - 1)["updated_at"]}
    assert landed.rows == 3
    assert sorted(ids(tmp_path)) == [*range(ROWS), 100, 101, 102]


def test_a_run_without_news_writes_nothing_and_keeps_its_place(tmp_path: Path) -> None:
    since = {"parameter": "updated_since", "column": "updated_at"}
    fetched(tmp_path, numbered, pages=NUMBERED, since=since)
    before = (tmp_path / STATE).read_text()
    landed, _ = fetched(tmp_path, lambda request: Answer({"data": []}), pages=NUMBERED, since=since)
    assert (landed.files, (tmp_path / STATE).read_text()) == (0, before)


@pytest.mark.parametrize(
    ("auth", "variable", "sent"),
    [
        ({"kind": "bearer"}, SECRET, lambda a: a.headers["authorization"] == f"Bearer {SECRET}"),
        ({"kind": "header", "name": "X-Api-Key"}, SECRET, lambda a: a.headers["x-api-key"] == SECRET),
        ({"kind": "query", "name": "key"}, SECRET, lambda a: a.query["key"] == SECRET),
        ({"kind": "basic"}, f"me:{SECRET}", lambda a: a.headers["authorization"].startswith("Basic ")),
    ],
)
def test_who_asks_is_said_and_the_secret_stays_out_of_files_and_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    auth: dict[str, str],
    variable: str,
    sent: Callable[[Request], bool],
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", variable)
    settings = {"auth": {**auth, "variable": "SHOP_TOKEN"}, "pages": NUMBERED}
    _, site = fetched(tmp_path, numbered, **settings)
    assert all(sent(a) for a in site.requests)
    with pytest.raises(FetchError, match="answered 403; what SHOP_TOKEN holds is refused") as refused:
        fetched(tmp_path / "other", lambda request: Answer("no", 403), **settings)
    assert SECRET not in str(refused.value)
    assert not [f for f in tmp_path.rglob("*") if f.is_file() and SECRET.encode() in f.read_bytes()]
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(FetchError, match="SHOP_TOKEN, which is not set here; export it"):
        fetched(tmp_path / "third", numbered, **settings)


def test_a_secret_that_a_server_says_back_stays_out_of_cursors_and_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    auth = {"kind": "query", "name": "key", "variable": "SHOP_TOKEN"}

    def answer(request: Request) -> Answer:
        if "at" in request.query:
            return Answer(f"bad key {request.query['key']}", 400)
        return Answer({"data": SHOP, "next": f"/orders?at=2&key={request.query['key']}"})

    with pytest.raises(FetchError, match="answered 400: 'bad key …'"):
        fetched(tmp_path, answer, auth=auth, pages={"kind": "link", "next": "next"})
    state = (tmp_path / STATE).read_text()
    assert "/orders?at=2" in state
    assert SECRET not in state


def test_a_cursor_of_another_host_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text('{"page": "http://127.0.0.1:9/orders?at=2"}')
    with pytest.raises(FetchError, match="another host"):
        fetched(tmp_path, by_link, pages={"kind": "link", "next": "meta.next"})


def test_the_last_counted_page_may_be_one_that_is_not_there(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        return Answer("no such page", 404) if int(request.query["page"]) > 4 else numbered(request)

    fetched(tmp_path, answer, pages=NUMBERED)
    assert ids(tmp_path) == list(range(ROWS))
    with pytest.raises(FetchError, match="answered 404"):
        fetched(tmp_path / "none", lambda request: Answer("no", 404), pages=NUMBERED)


def test_text_that_no_file_can_hold_is_written_with_a_mark(tmp_path: Path) -> None:
    fetched(tmp_path, lambda request: Answer(b'{"data": [{"id": 1, "text": "cut \\ud83d"}]}'))
    assert ids(tmp_path) == [1]


def test_redirects_stay_on_the_host(tmp_path: Path) -> None:
    def moved(request: Request) -> Answer:
        return Answer("", 308, {"Location": "/v2/orders"}) if request.path == "/orders" else Answer({"data": SHOP})

    fetched(tmp_path, moved)
    assert ids(tmp_path) == list(range(ROWS))
    with serving(moved) as other, pytest.raises(FetchError, match="another host; write that one into the mapping"):
        fetched(tmp_path / "out", lambda request: Answer("", 302, {"Location": f"{other.url}/orders"}))
    assert other.requests == []
    with pytest.raises(FetchError, match="more than 5 redirects"):
        fetched(tmp_path / "loop", lambda request: Answer("", 302, {"Location": "/orders"}))


def test_a_next_page_on_another_host_is_refused(tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        return Answer({"data": SHOP, "next": "http://127.0.0.1:9/steal"})

    with pytest.raises(FetchError, match=r"leads to http://127\.0\.0\.1, another host"):
        fetched(tmp_path, answer, pages={"kind": "link", "next": "next"})


@pytest.mark.parametrize(
    ("answer", "changes", "message"),
    [
        (Answer("<html>"), {}, "the answer is no JSON; fix url or parameters"),
        (Answer({"orders": []}), {}, "no list of objects at data; it has orders; fix rows in the mapping"),
        (Answer({"data": [1, 2]}), {}, "no list of objects at data"),
        (Answer([]), {}, "it is a list"),
        (Answer({"data": SHOP}), {"pages": NUMBERED}, "page 2 has the rows of the page before; fix pages"),
        (
            Answer({"data": SHOP, "next": "http://[x"}),
            {"pages": {"kind": "link", "next": "next"}},
            "'http://[x' is no address",
        ),
        (Answer("plain", headers={"Content-Encoding": "gzip"}), {"retries": 1}, "no answer (DecodingError), 2 times"),
        (Answer("", 302, {"Location": "http://[x"}), {}, "leads to what is no address"),
        (Answer("x" * (2 << 20)), {"max_mb": 1}, "the answer is larger than 1 MB; ask for smaller pages"),
        (Answer("busy", 503), {"retries": 2}, "answered 503, 3 times; run again later: what came before is kept"),
        (Answer("who", 401), {}, "answered 401; it asks who asks: give auth in the mapping"),
        (
            Answer({"data": SHOP, "next": "here"}),
            {"pages": {"kind": "cursor", "parameter": "at", "next": "next"}},
            "leads back to itself",
        ),
        (
            Answer({"data": [{"id": 1}]}),
            {"since": {"parameter": "s", "column": "updated_at"}},
            "1 of 1 rows have no updated_at",
        ),
    ],
)
def test_what_a_server_gives_wrong_is_told_with_the_cure(
    tmp_path: Path, answer: Answer, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(FetchError) as refused:
        fetched(tmp_path, lambda request: answer, **changes)
    assert message in str(refused.value)


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with serving(numbered) as site:
        gone = site.url
    with pytest.raises(FetchError, match="no answer \\(ConnectError\\), 2 times"):
        land(RestConnector(rest(gone, retries=1)), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "https://me:pw@shop/orders"}, "holds a password"),
        ({"url": "ftp://shop/orders"}, "an http or https URL"),
        ({"pages": {"kind": "cursor", "parameter": "at"}}, "cursor needs next"),
        ({"pages": {"kind": "number"}}, "need a parameter"),
        ({"auth": {"kind": "header", "variable": "X"}}, "need a name"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_before_it_is_tried(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RestConfig.model_validate({"kind": "rest", "url": "https://shop/orders"} | changes)


def test_a_cursor_that_others_broke_is_told(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("{")
    with pytest.raises(FetchError, match="is no cursor"):
        fetched(tmp_path, numbered, pages=NUMBERED)


def test_the_command_fetches_by_the_mapping_and_says_what_it_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "conf"
    (conf / "datasets").mkdir(parents=True)
    (conf / "base.yaml").write_text("{}")
    monkeypatch.setenv("FUSERANK_CONF", str(conf))
    (tmp_path / "shop").mkdir()

    def run(*words: str) -> str:
        return ran("fetch", "shop", *words).stdout

    with serving(numbered) as site:
        connect = {
            "kind": "rest",
            "url": f"{site.url}/orders",
            "rows": "data",
            "pages": NUMBERED,
            "requests_per_second": 1000,
        }
        mapping = {
            "name": "shop",
            "time_zone": "UTC",
            "currency": {"code": "EUR"},
            "root": {"folder": str(tmp_path / "shop")},
            "files": {
                "orders": {
                    "path": "orders/*",
                    "format": "jsonl",
                    "columns": {"id": "string", "user": "string", "updated_at": "timestamp"},
                }
            },
            "connect": {"orders": connect},
            "events": [
                {
                    "from": "orders",
                    "type": "purchase",
                    "role": "feedback",
                    "user": "user",
                    "item": "id",
                    "time": "updated_at",
                    "key": ["id"],
                }
            ],
        }
        (conf / "datasets" / "shop.yaml").write_text(json.dumps(mapping))
        assert "from the beginning" in run("--dry-run")
        assert site.requests == []
        assert json.loads(run("--json"))["orders"]["rows"] == ROWS
    assert ids(tmp_path / "shop" / "orders") == list(range(ROWS))
