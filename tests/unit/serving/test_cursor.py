"""Cursors: what came before comes out of them, and nothing else is one."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuserank.serving.recommend.cursor import LONGEST, cursor_of, items_before, request_hash
from fuserank.serving.requests import Options, RecommendRequest, Refused, SessionEvent

REQUEST = request_hash("recommend", RecommendRequest(user="a"))


@settings(deadline=None)
@given(st.sets(st.integers(0, 2**31 - 1), max_size=500))
def test_the_items_before_come_back(items: set[int]) -> None:
    cursor = cursor_of("s", REQUEST, items)
    assert cursor is not None
    assert items_before(cursor, REQUEST) == sorted(items)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda b: base64.urlsafe_b64encode(b).decode())))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="send the cursor of the answer before") as refused:
        items_before(text, REQUEST)
    assert (refused.value.status, refused.value.code, refused.value.field) == (422, "cursor", "cursor")


@pytest.mark.parametrize("steps", [[5, -3], [2**31], [2**63, 2**63]])
def test_indices_that_no_item_has_are_refused(steps: list[int]) -> None:
    forged = base64.urlsafe_b64encode(msgspec.msgpack.encode((1, "s", REQUEST, steps))).decode()
    with pytest.raises(Refused):
        items_before(forged, REQUEST)


def test_a_cursor_is_of_one_request_whatever_its_length_session_and_fields() -> None:
    cursor = cursor_of("s", REQUEST, [3])
    assert cursor is not None
    same = RecommendRequest(user="a", k=50, fields=["x"], explain=True, session=[SessionEvent("i")])
    assert items_before(cursor, request_hash("recommend", same)) == [3]
    for other in (RecommendRequest(user="b"), RecommendRequest(user="a", filter="x"), Options()):
        with pytest.raises(Refused, match="another request"):
            items_before(cursor, request_hash("recommend", other))


def test_there_is_none_that_could_not_be_sent_back() -> None:
    assert len(cursor_of("s", REQUEST, range(10_000)) or "") <= LONGEST
    assert cursor_of("s", REQUEST, range(0, 10**8, 10**4)) is None
