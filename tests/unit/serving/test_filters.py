"""Filters: what they say of an item, and how wrong ones are refused."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuserank.serving.recommend.filters import compiled
from fuserank.serving.requests import Refused
from fuserank.serving.store.records import ItemRecord

FIELDS, FEATURES = {"department", "price_minor", "brand"}, {"orders"}
VALUES: st.SearchStrategy[Any] = st.sampled_from(["a", "b", 'q"\\', 1, 2, 1.5, -3])
NAMES = st.sampled_from(["department", "price_minor", "brand", "user.orders", "item", "name"])
Naive = Callable[[dict[str, Any]], bool]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _compared(sign: str, a: Any, b: Any) -> bool:
    if sign in ("==", "!="):
        return (a is not None and a == b) == (sign == "==")
    if a is None or b is None or isinstance(a, str) != isinstance(b, str):
        return False
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]


@st.composite
def _tests(draw: st.DrawFn) -> tuple[str, Naive]:
    name = draw(NAMES)
    kind = draw(st.sampled_from(["compare", "in", "not in", "is null", "is not null"]))
    if kind == "compare":
        sign, value = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])), draw(VALUES)
        return f"{name} {sign} {_text(value)}", lambda row: _compared(sign, row.get(name), value)
    if kind.endswith("null"):
        return f"{name} {kind}", lambda row: (row.get(name) is None) == (kind == "is null")
    values = draw(st.lists(VALUES, min_size=1, max_size=3))
    listed = ", ".join(_text(v) for v in values)
    return f"{name} {kind} [{listed}]", lambda row: (row.get(name) in values) == (kind == "in")


def _joined(parts: st.SearchStrategy[tuple[str, Naive]]) -> st.SearchStrategy[tuple[str, Naive]]:
    both = st.tuples(parts, parts)
    return st.one_of(
        both.map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda row: p[0][1](row) and p[1][1](row))),
        both.map(lambda p: (f"({p[0][0]}) or ({p[1][0]})", lambda row: p[0][1](row) or p[1][1](row))),
        parts.map(lambda p: (f"not ({p[0]})", lambda row: not p[1](row))),
    )


ROWS = st.fixed_dictionaries(
    {"item": st.sampled_from(["a", "b"]), "name": st.sampled_from(["a", None])},
    optional={
        "department": VALUES,
        "price_minor": VALUES,
        "brand": VALUES,
        "user.orders": st.sampled_from([1.0, None]),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.recursive(_tests(), _joined, max_leaves=6), ROWS)
def test_an_expression_says_what_a_naive_one_says(expression: tuple[str, Naive], row: dict[str, Any]) -> None:
    text, naive = expression
    fields = {name: row[name] for name in FIELDS if name in row}
    record = ItemRecord(0, row["item"], row["name"], fields)
    assert compiled(text, FIELDS, FEATURES)(record, {"orders": row.get("user.orders")}) == naive(row)


@pytest.mark.parametrize(
    ("text", "at", "cure"),
    [
        ("", 1, "write a name"),
        ('colour == "red"', 1, "brand, department, item, name, price_minor"),
        ("user.age > 3", 1, "user.orders"),
        ('brand = "a"', 7, "write =="),
        ("brand == 'a'", 10, "double quotes"),
        ('brand == "a', 10, 'close it by "'),
        ('(brand == "a"', 14, "close the ( at character 1"),
        ('brand in ["a" "b"]', 15, "a comma"),
        ("brand", 6, "write one of =="),
        ('brand == "a" item == "b"', 14, "write and, or or"),
        ("brand == __import__", 10, "items have no field"),
        ("not " * 40 + 'brand == "a"', 129, "deeper than 32"),
        ("(" * 1000, 33, "deeper than 32"),
        ('brand == "' + "a" * 2000, 2001, "at most 2,000"),
        ("brand == \N{FULLWIDTH DIGIT ONE}", 10, "is no word"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place_and_what_to_write(text: str, at: int, cure: str) -> None:
    with pytest.raises(Refused) as refused:
        compiled(text, FIELDS, FEATURES)
    found = refused.value
    assert (found.status, found.code, found.field) == (422, "filter", "filter")
    assert f"character {at}:" in found.message
    assert cure in found.message


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=300), st.text('()[]"\\`.,=!<>-e0 \tandornti', max_size=2000)))
def test_any_text_is_a_filter_or_refused_at_once(text: str) -> None:
    start = time.thread_time()
    with contextlib.suppress(Refused):
        compiled(text, FIELDS, FEATURES)
    assert time.thread_time() - start < 0.5


@pytest.mark.parametrize("text", ["1" * 1999, '"' + "\\" * 1998, "`" * 1999, "((" * 999, "brand or " * 222, "a." * 999])
def test_hostile_ones_end_within_milliseconds(text: str) -> None:
    took = []
    for _ in range(5):  # the best one: collections of garbage are not the filter's
        start = time.thread_time()
        with pytest.raises(Refused):
            compiled(text, FIELDS, FEATURES)
        took.append(time.thread_time() - start)
    assert min(took) < 0.02
