"""What no run can learn from is told with a day that can do, before anything is computed."""

from __future__ import annotations

import datetime as dt

import pytest

from fuserank.history.limits import History, problem, short_lists

FIRST = dt.date(2023, 1, 2)
DAYS = {FIRST + dt.timedelta(days=n): 3 for n in range(200)}  # to 2023-07-20


def problem_of(as_of: str, days: dict[dt.date, int] = DAYS, label_days: int = 28, **more: object) -> str | None:
    return problem(History(days, **more), dt.date.fromisoformat(as_of), label_days)  # type: ignore[arg-type]


@pytest.mark.parametrize("as_of", ["2023-06-23", "2023-07-21", "2023-08-17", "2023-03-01"])
def test_a_day_with_history_and_both_windows_can_do(as_of: str) -> None:
    assert problem_of(as_of, items=6, back={2: 3, 1: 3}) is None


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        (
            "2023-12-01",
            "nothing was taken in 2023-10-06 .. 2023-11-02, from which a run as of 2023-12-01 learns (train)",
        ),
        (
            "2023-08-18",
            "nothing was taken in 2023-07-21 .. 2023-08-17, from which a run as of 2023-08-18 learns (valid)",
        ),
        ("2022-06-01", "nothing was taken before as_of 2022-06-01"),
        ("2023-01-02", "nothing was taken before as_of 2023-01-02"),
        (
            "2023-01-20",
            "nothing was taken in 2022-11-25 .. 2022-12-22, from which a run as of 2023-01-20 learns (train)",
        ),
        ("2023-02-20", "nothing was taken before 2022-12-26, and a run as of 2023-02-20 learns from what came before"),
    ],
)
def test_a_day_that_cannot_do_is_told_with_one_that_can(as_of: str, words: str) -> None:
    message = problem_of(as_of)
    assert words in str(message)
    assert "what was taken is of 2023-01-02 .. 2023-07-20; --as-of 2023-07-21 can do" in str(message)


def test_a_short_history_is_told_which_window_fits() -> None:
    days = {FIRST + dt.timedelta(days=n): 1 for n in range(40)}
    message = problem_of("2023-02-11", days)
    assert "--set windows.label_days=13" in str(message)
    assert problem_of("2023-02-11", days, 13) is None
    assert "there are too few days" in str(problem_of("2023-01-03", {FIRST: 9}))


def test_nobody_who_comes_back_one_item_and_nothing_taken_are_told() -> None:
    assert "none had taken anything before" in str(problem_of("2023-07-21", items=9, back={2: 4, 1: 0}))
    assert "only one item" in str(problem_of("2023-07-21", items=1))
    assert "no event has a reward above 0" in str(problem_of("2023-07-21", {}))


def test_fewer_items_than_a_list_has_rows_are_told() -> None:
    assert "at most 6 rows, not ranking.k = 20" in str(short_lists(History(DAYS, 6), 20))
    assert short_lists(History(DAYS, 20), 20) is None
