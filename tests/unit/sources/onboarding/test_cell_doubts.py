"""What init tells of cells whose spelling leaves a doubt, and of times that it does not understand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from fuserank.common.errors import IngestError
from fuserank.sources.onboarding.guess.guess import Guess, Hints, guess
from fuserank.sources.onboarding.scan.folder import LocalLooks

NOW = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
DAY = dt.datetime(2023, 1, 2, 12, 23, 21, tzinfo=dt.UTC)


def guessed(folder: Path, price: Callable[[int], str], time: Callable[[dt.datetime], str]) -> Guess:
    rows = (f"u{k % 7};i{k % 5};{time(DAY + dt.timedelta(days=3 * k))};{price(k)}\n" for k in range(80))
    (folder / "orders.csv").write_text("user;item;date;price\n" + "".join(rows), encoding="utf-8")
    return guess(LocalLooks(folder), Hints(), NOW)


@pytest.mark.parametrize(
    ("price", "currency", "says"),
    [
        (lambda k: f"{k}.234,50 €", "EUR", ""),
        (lambda k: f"{k},5 zł", "PLN", ""),
        (lambda k: f"${k}.50", "XXX", "no currency was found"),
        (lambda k: f"{k}.50 {'EUR' if k % 2 else 'USD'}", "XXX", "price: cells are in several currencies (EUR, USD)"),
        (
            lambda k: f"1,{100 + k}",
            "XXX",
            "price: in '1,100' the sign may stand before decimals too; it is read as thousands",
        ),
        (
            lambda k: f"1.{100 + k}",
            "XXX",
            "price: in '1.100' the sign may stand before thousands too; it is read as decimals",
        ),
        (lambda k: f"{k} kg", "XXX", "no number that can be read"),
    ],
)
def test_amounts_say_their_currency_and_their_doubts(
    tmp_path: Path, price: Callable[[int], str], currency: str, says: str
) -> None:
    found = guessed(tmp_path, price, lambda t: t.date().isoformat())
    assert found.currency == currency
    assert says in "; ".join((*found.remarks, *found.events[0].remarks))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (
            lambda t: f"{t:%Y-%m-%d %H:%M:%S} BST",
            "BST is no zone, or means several: write offsets such as +01:00 in the file",
        ),
        (
            lambda t: f"{t:%d.%m.%Y}" if t.day % 2 else f"{t:%Y/%m/%d}",
            "its cells are of several spellings; one is '01.02.2023' (d.M.yyyy), another '2023/01/02'",
        ),
        (lambda t: f"{44928 + (t - DAY).days}.5", "a spreadsheet's number of days"),
        (lambda t: f"{t:%G-W%V-%u}", "a cell is '2023-W01-1'; name another by --time"),
    ],
)
def test_times_that_are_not_understood_are_shown_with_the_cure(
    tmp_path: Path, time: Callable[[dt.datetime], str], words: str
) -> None:
    with pytest.raises(IngestError) as refused:
        guessed(tmp_path, str, time)
    assert any(word in str(refused.value) for word in words.split("|")), str(refused.value)
