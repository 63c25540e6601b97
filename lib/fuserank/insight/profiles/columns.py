"""Rows of made tables in words: a column's value by its unit, with what its contract says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fuserank.insight.profiles.units import Currency, money, number, share
from fuserank.tables import Table


@dataclass(frozen=True)
class ColumnValue:
    """One column of one row: name, value, unit and meaning as the contract has them."""

    name: str
    value: Any
    unit: str
    meaning: str


# shares and ratios that say nothing where no amount is told
_OF_MONEY = frozenset({"price_14d_ratio", "discount_line_share", "coupon_line_share"})


def column_values(
    table: Table, row: Mapping[str, Any] | None, names: Iterable[str], amounts: bool = True
) -> list[ColumnValue]:
    """The named columns that have a value; without ``amounts`` none that is of money. No row: nothing."""
    if row is None:
        return []
    columns = [table.column(name) for name in names]
    return [
        ColumnValue(c.name, row[c.name], c.unit, c.doc)
        for c in columns
        if row[c.name] is not None and (amounts or not (c.unit == "minor_units" or c.name in _OF_MONEY))
    ]


def in_words(one: ColumnValue, currency: Currency) -> str:
    """The value as its unit is read."""
    if one.unit == "minor_units":
        return money(one.value, currency)
    if one.unit == "share_0_1":
        return share(one.value)
    if isinstance(one.value, int | float):
        unit = {"days": " day" if one.value == 1 else " days", "ratio": " ×"}.get(one.unit, "")
        return number(one.value) + unit
    return str(one.value)
