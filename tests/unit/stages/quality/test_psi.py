"""The Population Stability Index by hand, its bins, and how large chance makes it."""

from __future__ import annotations

import math
import random

import pytest

from fuserank.stages.quality.psi import REST, Binned, by_chance, most, of_names, of_numbers, psi


def binned(reference: list[int], current: list[int]) -> Binned:
    return Binned(tuple(f"b{n}" for n in range(len(reference))), tuple(reference), tuple(current))


def test_psi_is_the_sum_of_share_differences_times_log_ratios() -> None:
    # shares with half a row in each bin: 60.5/101 and 40.5/101, then the other way round
    # 2 · (0.599010 − 0.400990) · ln(60.5 / 40.5) = 2 · 0.198020 · 0.401342
    assert psi(binned([60, 40], [40, 60])) == pytest.approx(0.158947, abs=1e-6)
    assert psi(binned([600, 400], [6000, 4000])) == pytest.approx(0, abs=1e-6)


def test_an_empty_bin_counts_without_being_infinite() -> None:
    gone = psi(binned([500, 500], [1000, 0]))
    assert math.isfinite(gone)
    assert gone > 2
    assert psi(binned([1000], [7])) == 0.0


def test_categories_that_are_rare_or_new_are_one_bin() -> None:
    found = of_names({"view": (900, 100), "cart": (95, 5), "wish": (5, 1), "robot": (0, 894)})
    assert found == Binned(("view", "cart", REST), (900, 95, 5), (100, 5, 895))
    assert most(found) == f"{REST} (0.5% → 89.4%)"


def test_numbers_are_cut_where_the_reference_window_has_a_tenth_each() -> None:
    found = of_numbers(dict.fromkeys(range(20), (10, 20)))
    assert found.reference == (20,) * 10
    assert found.current == (40,) * 10
    skewed = of_numbers({-3: (0, 7), 0: (50, 0), 4: (45, 1), 8: (5, 0), 12: (0, 3)})
    assert (sum(skewed.reference), sum(skewed.current)) == (100, 11)
    assert all(n > 0 for n in skewed.reference)  # bins are of the reference window
    assert skewed.current[-1] == 4  # what is above all that was seen goes to the last bin
    assert of_numbers({4: (0, 9)}, none=(9, 0)) == Binned(("1…1", "none"), (0, 9), (9, 0))


def test_bins_of_one_distribution_stay_below_what_chance_allows() -> None:
    draw = random.Random(7)
    above = 0
    for _ in range(300):
        samples = [[0] * 8 for _ in range(2)]
        for counts in samples:
            for _ in range(400):
                counts[draw.randrange(8)] += 1
        both = binned(*samples)
        above += psi(both) > by_chance(both)
    assert above <= 3
    assert by_chance(binned([400] * 8, [400] * 8)) == pytest.approx((2 / 3200) * 24.32, rel=0.001)  # χ²₇ at 99.9 %
