"""Pseudonyms: what they are made of, what makes the same one, and what a key must be."""

from __future__ import annotations

import hashlib
import hmac
import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuserank.common.ids import normal_id
from fuserank.privacy.keys import Key, KeyProblem, RowProblem, is_pseudonym

TEXT = "0123456789abcdef" * 4
KEY = Key.of_text(TEXT, "K")


def test_a_pseudonym_is_the_first_half_of_hmac_sha256_over_version_and_normal_id() -> None:
    for user_id in ("u1", "Jürgen", "1", "a" * 10_000, "😀"):
        whole = hmac.new(TEXT.encode(), b"\x01" + user_id.encode(), hashlib.sha256).hexdigest()
        assert KEY.of(user_id) == f"p1_{whole[:32]}"
    by_openssl = "p1_87377ff8184703b0752481a0fffd1ad3"  # printf '\001u1' | openssl dgst -sha256 -hmac 0123456789abcdef…
    assert KEY.of("u1") == by_openssl


def test_one_id_has_one_pseudonym_however_it_is_written() -> None:
    user_id = "Zoë Müller"
    written = [
        user_id,
        unicodedata.normalize("NFD", user_id),
        f"  {user_id}\t",
        f"{unicodedata.normalize('NFD', user_id)}\n",
    ]
    assert len({KEY.of(w) for w in written}) == 1
    assert len({KEY.of(w) for w in ("007", "7", "U1", "u1")}) == 4


@pytest.mark.parametrize("nothing", [None, "", "  ", "\t\n"])
def test_nothing_stays_nothing(nothing: str | None) -> None:
    assert KEY.of(nothing) is None


def test_what_is_replaced_already_is_left_alone() -> None:
    once = KEY.of("u1") or ""
    assert is_pseudonym(once)
    assert KEY.of(f" {once} ") == once
    for close in (once.upper(), once[:-1], f"x{once}", f"{once}\n"):
        assert not is_pseudonym(close)


@given(st.lists(st.text(max_size=40), min_size=2, max_size=200))
def test_ids_collide_only_where_they_are_one_id(texts: list[str]) -> None:
    ids = {normal_id(s) for s in texts}
    assert len({KEY.of(s) for s in texts}) == len(ids)


def test_a_hundred_thousand_ids_have_as_many_pseudonyms() -> None:
    assert len({KEY.of(str(n)) for n in range(100_000)}) == 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "MY_KEY, which is not set here"),
        (" \n", "is not set here"),
        ("short", "MY_KEY is too weak: at least 32 signs"),
        ("a" * 64, "8 of them different"),
    ],
)
def test_a_key_that_is_none_is_told_and_not_repeated(text: str, message: str) -> None:
    with pytest.raises(KeyProblem, match=message) as refused:
        Key.of_text(text, "MY_KEY")
    assert "openssl rand -hex 32" in str(refused.value)
    assert not text.strip() or text not in str(refused.value)


def test_a_key_shows_itself_nowhere_and_another_gives_other_pseudonyms() -> None:
    assert TEXT not in f"{KEY} {KEY!r} {KEY.fingerprint} {KEY.of('u1')}"
    assert Key.of_text(f"{TEXT}\n", "K") == KEY  # secrets are often kept with a line's end
    other = Key.of_text(TEXT.replace("0", "z"), "K")
    assert other.fingerprint != KEY.fingerprint
    assert other.of("u1") != KEY.of("u1")
    assert pickle.loads(pickle.dumps(KEY)).of("u1") == KEY.of("u1")


def test_a_json_row_loses_its_ids_and_what_nobody_declared() -> None:
    row = {"user": " u1", "card": 42, "guest": None, "mail": "u1@shop.example", "item": "i1", "price": 1.5}
    replaced = KEY.row(row, {"user", "card", "guest"}, {"user", "card", "guest", "item", "price", "absent"})
    assert replaced == {"user": KEY.of("u1"), "card": KEY.of("42"), "guest": None, "item": "i1", "price": 1.5}
    with pytest.raises(RowProblem, match="field user is no id but holds others") as refused:
        KEY.row({"user": {"id": "canary"}}, {"user"}, {"user"})
    assert "canary" not in str(refused.value)
