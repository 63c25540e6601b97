"""Formulas as data: their text, their columns, their values."""

from __future__ import annotations

import numpy as np
import pytest

from fuserank.tables.features.formulas import (
    Columns,
    Formula,
    at_least,
    clip,
    either,
    is_known,
    known,
    log,
    log1p,
    of_all,
    of_same,
    positive,
    q20,
    share,
)

pair, setting = Columns("pair"), Columns("setting")
NAN = np.nan


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ((pair.a + 2) / (pair.b / 3 + 2), "(pair.a + 2) / (pair.b / 3 + 2)"),
        (pair.a - (pair.b - pair.c), "pair.a - (pair.b - pair.c)"),
        (pair.a - pair.b - pair.c, "pair.a - pair.b - pair.c"),
        (pair.a * (pair.b + 1) * pair.c, "pair.a * (pair.b + 1) * pair.c"),
        (600 / pair["a"], "600 / pair.a"),
        (log1p(known(pair.a) / setting.b), "log1p(known(pair.a, 0) / setting.b)"),
        (clip(pair.a, 0.3, 2), "at_most(at_least(pair.a, 0.3), 2)"),
    ],
)
def test_a_formula_reads_as_it_was_written(made: Formula, text: str) -> None:
    assert str(made) == text


def test_columns_are_named_once_in_their_order() -> None:
    assert (pair.b + pair.a / pair.b - setting.c).columns == ("pair.b", "pair.a", "setting.c")


@pytest.mark.parametrize(
    ("made", "values"),
    [
        (pair.x + 1, [NAN, 1, 3]),
        (known(pair.x, 7), [7, 0, 2]),
        (either(pair.x, pair.y), [5, 0, 2]),
        (positive(pair.x), [NAN, NAN, 2]),
        (is_known(pair.x), [0, 1, 1]),
        (share(pair.y, known(pair.x)), [0, 0, 0.5]),
        (at_least(pair.x, 1), [NAN, 1, 2]),
        (log(known(pair.x), 0.02), [np.log(0.02), np.log(0.02), np.log(2.02)]),
        (log1p(pair.y - 3), [np.log(3), np.log(2), 0]),
        (q20(pair.y / 3), [5 * 2**20 // 3, 4 * 2**20 // 3, 2**20 // 3]),
        (of_all(pair.y), [10, 10, 10]),
        (of_same(pair.y, pair.g), [0, 5, 5]),
        (pair.y / setting.n, [2.5, 2, 0.5]),
    ],
)
def test_what_a_formula_makes_of_known_and_unknown(made: Formula, values: list[float]) -> None:
    columns = {"pair.x": [NAN, 0, 2], "pair.y": [5, 4, 1], "pair.g": [NAN, 3, 3], "setting.n": 2}
    np.testing.assert_allclose(made.of(columns), values, rtol=1e-15)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match=r"pair\.z"):
        pair.z.of({"pair.x": [1]})
