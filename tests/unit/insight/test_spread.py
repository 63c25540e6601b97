"""Quantiles, top shares and Gini from a histogram, by hand and against the plain way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuserank.insight.profiles.spread import CURVE, QUANTILES, TOPS, spread


def test_four_users_of_one_one_two_and_six_events() -> None:
    found = spread({1: 2, 2: 1, 6: 1})
    assert found is not None
    assert (found.entities, found.events, found.mean) == (4, 10, 2.5)
    assert found.quantiles == {0: 1, 10: 1, 25: 1, 50: 1, 75: 2, 90: 6, 99: 6, 100: 6}
    assert found.tops == {1: 0.6, 10: 0.6, 20: 0.6}  # one of four each
    assert found.curve == [(0.5, 0.8), (1.0, 1.0)]
    assert found.gini == 0.4  # (−3·1 − 1·1 + 1·2 + 3·6) / (4 · 10)


def test_nobody_has_no_spread() -> None:
    assert spread({}) is None
    assert spread({0: 5}) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
def test_a_histogram_says_what_the_sorted_counts_say(counts: list[int]) -> None:
    found = spread({k: counts.count(k) for k in counts})
    assert found is not None
    up, n = sorted(counts), len(counts)
    differences = sum(abs(a - b) for a in up for b in up)  # Gini by its first definition
    assert found.gini == pytest.approx(differences / (2 * n * sum(up)))
    assert found.quantiles == {q: up[max(math.ceil(q * n / 100), 1) - 1] for q in QUANTILES}
    down = up[::-1]
    assert found.tops == {p: sum(down[: math.ceil(p * n / 100)]) / sum(up) for p in TOPS}
    assert found.curve[-1] == (CURVE[-1], 1.0)
