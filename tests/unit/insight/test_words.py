"""Numbers as people read them."""

from __future__ import annotations

import pytest

from fuserank.common.terminal import columns
from fuserank.insight.profiles.columns import ColumnValue, in_words
from fuserank.insight.profiles.units import Currency, money, plural, share, sparkline

EUR = Currency("EUR", 100)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, EUR, "1,234.56 EUR"),
        (5, EUR, "0.05 EUR"),
        (-150, EUR, "-1.50 EUR"),
        (1234, Currency("JPY", 1), "1,234 JPY"),
        (1234, Currency("KWD", 1000), "1.234 KWD"),
        (9_007_199_254_740_993, EUR, "90,071,992,547,409.93 EUR"),  # more than a double holds
    ],
)
def test_money_is_exact_in_the_currency_s_own_digits(minor: int, currency: Currency, text: str) -> None:
    assert money(minor, currency) == text


def test_a_share_reads_as_none_or_all_only_where_it_is() -> None:
    assert [share(v) for v in (0, 0.1234, 0.0004, 0.0000012, 0.99999, 1)] == [
        "0.0 %",
        "12.3 %",
        "< 0.1 %",
        "0.0001 %",
        "> 99.9 %",
        "100.0 %",
    ]


def test_a_sparkline_shows_every_value_or_sums_of_equal_stretches() -> None:
    assert sparkline([0, 1, 7]) == ("▁▂█", 1)
    assert sparkline([1, 1, 2, 2, 0], width=3) == ("▅█▁", 2)
    assert sparkline([0, 0]) == ("▁▁", 1)
    assert sparkline([]) == ("", 1)


def test_columns_stand_under_each_other() -> None:
    assert columns([("a", "1"), ("bbb", "22")], right=(1,)) == ["  a     1", "  bbb  22"]
    assert columns([]) == []


def test_one_day_and_many_days() -> None:
    assert (plural(1, "day"), plural(1200, "day")) == ("1 day", "1,200 days")


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("minor_units", 1050.4, "10.50 EUR"),
        ("share_0_1", 0.5, "50.0 %"),
        ("days", 3, "3 days"),
        ("days", 1, "1 day"),
        ("ratio", 1.5, "1.50 ×"),
        ("count", 12345, "12,345"),
        ("name", "GROCERY", "GROCERY"),
    ],
)
def test_a_feature_reads_by_its_unit(unit: str, value: object, text: str) -> None:
    assert in_words(ColumnValue("f", value, unit, ""), EUR) == text
