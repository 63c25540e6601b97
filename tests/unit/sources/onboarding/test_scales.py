"""Scales of ratings: of tables that are too small to say much."""

from __future__ import annotations

import pytest

from fuserank.sources.onboarding.guess.guesses import Scale
from fuserank.sources.onboarding.guess.scales import scale_of


@pytest.mark.parametrize(("ratings", "scale"), [((7, 8), Scale(1, 10)), ((80, 95), Scale(0, 100)), ((300, 400), None)])
def test_two_ratings_are_on_a_scale_that_has_one_of_them(ratings: tuple[float, float], scale: Scale | None) -> None:
    found, _ = scale_of([(value, 1) for value in ratings], "rating")
    assert found == scale
