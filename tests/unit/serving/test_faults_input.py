"""Wrong input, sent to a service that is a process of its own; docs/faults.md has a row for each.

Whatever is sent, the answer comes at once, names what is wrong, and the next request gets its list.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.load import published
from tests.support.processes import COMMAND, started
from tests.support.service import ask

USER, RANK = "/v1/users/u1/recommendations", "/v1/rank"
LONG, MANY = "u" * 10_000, 1_000_000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A service that all cases of wrong input go to, one after the other; it has to bear them all."""
    root = tmp_path_factory.mktemp("faults") / "store"
    published(root)
    words = ["serve", "--store", str(root), "--port", "0", "--insecure-local", "--log-level", "error"]
    with started(COMMAND, *words) as (process, port):
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "", "no line of level error"


def items(body: Any) -> list[str]:
    return [row["item"] for row in body["items"]]


def test_an_unknown_user_gets_what_is_popular(port: int) -> None:
    reply = ask(port, "GET", "/v1/users/nobody/recommendations?k=3")
    assert (reply.status, reply.json["served_from"], items(reply.json)) == (200, "popular", ["i2", "i0", "i1"])


def test_an_unknown_item_is_named_where_it_is_the_question_and_left_out_elsewhere(port: int) -> None:
    reply = ask(port, "GET", "/v1/items/nothing/similar")
    assert (reply.status, reply.error["code"]) == (404, "unknown_item")
    assert items(ask(port, "POST", RANK, {"candidates": ["nothing", "i3"], "user": "u1"}).json) == ["i3"]
    basket = ask(port, "POST", "/v1/baskets/recommendations", {"basket": ["nothing"], "k": 2})
    assert (basket.status, basket.json["served_from"]) == (200, "popular")


WRONG: list[tuple[str, str, str, Any, int, str]] = [
    ("an empty user", "GET", "/v1/users//recommendations", None, 422, "wrong_value"),
    ("an empty item", "GET", "/v1/items//similar", None, 422, "wrong_value"),
    ("an empty candidate", "POST", RANK, {"candidates": [""]}, 422, "wrong_value"),
    ("a user of 10 kB", "GET", f"/v1/users/{LONG}/recommendations", None, 422, "wrong_value"),
    ("an item of 10 kB", "GET", f"/v1/items/{LONG}/similar", None, 422, "wrong_value"),
    ("a candidate of 10 kB", "POST", RANK, {"candidates": [LONG]}, 422, "wrong_value"),
    ("k of 0", "GET", USER + "?k=0", None, 422, "wrong_value"),
    ("k of 0 in a body", "POST", USER, {"k": 0}, 422, "wrong_value"),
    ("k of a million", "GET", USER + "?k=1000000", None, 422, "wrong_value"),
    ("k of a million in a body", "POST", USER, {"k": MANY}, 422, "wrong_value"),
    ("a million excludes", "POST", USER, b'{"exclude":["i1"' + b',"i1"' * (MANY - 1) + b"]}", 413, "body_too_large"),
    ("10,001 excludes", "POST", USER, {"exclude": ["i1"] * 10_001}, 422, "wrong_value"),
    ("20,000 excludes as parameters", "GET", USER + "?exclude=" + "i1," * 20_000, None, 431, "headers_too_large"),
    ("half a body", "POST", USER, b'{"k": 1', 400, "malformed_json"),
    ("no JSON", "POST", USER, b"k = 1", 400, "malformed_json"),
    ("no UTF-8", "POST", USER, b'{"filter": "\xff"}', 400, "malformed_json"),
    ("lists in lists", "POST", USER, b'{"exclude":' + b"[" * 400_000 + b"]" * 400_000 + b"}", 422, "wrong_value"),
    ("objects in an unknown field", "POST", USER, b'{"x":' * 150_000 + b"1" + b"}" * 150_000, 422, "unknown_field"),
    ("a filter of parentheses", "POST", USER, {"filter": "(" * 2000}, 422, "wrong_value"),
    ("a filter of not", "POST", USER, {"filter": "not " * 490 + 'item == "a"'}, 422, "wrong_value"),
    ("a filter without an end", "POST", USER, {"filter": 'item == "' + "\\" * 1990}, 422, "wrong_value"),
    ("a filter of 2,001 characters", "POST", USER, {"filter": "x" * 2001}, 422, "wrong_value"),
    ("a number of 1,990 digits", "POST", USER, {"filter": "price_minor<" + "9" * 1988, "k": 1}, 200, ""),
]  # fmt: skip


NAMES = ("method", "path", "body", "status", "code")


@pytest.mark.parametrize(NAMES, [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_wrong_input_is_refused_at_once(port: int, method: str, path: str, body: Any, status: int, code: str) -> None:
    began = time.monotonic()
    reply = ask(port, method, path, body)
    took = time.monotonic() - began
    assert reply.status == status, reply.body[:300]
    if code:
        assert reply.error["code"] == code
    assert took < 5, "seconds, on a machine with much else to do"
    assert items(ask(port, "GET", USER + "?k=3&fill=never").json) == ["i2", "i3", "i4"]


def test_the_longest_filter_that_is_one_is_answered(port: int) -> None:
    text = " or ".join(['item == "i3"'] * 124)
    reply = ask(port, "POST", USER, {"filter": text, "fill": "never"})
    assert 1_900 < len(text) <= 2_000
    assert (reply.status, items(reply.json)) == (200, ["i3"])
