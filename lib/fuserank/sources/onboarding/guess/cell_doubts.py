"""Doubts about how the cells of a used column are spelled: numbers and ids that may have
lost their meaning before they came here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook

_AMBIGUOUS = {"CST": "-06:00 (North America)"}  # in China it is +08:00
# signs that one currency alone has
_CODES = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "руб.": "RUB",
    "₺": "TRY",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "฿": "THB",
    "₴": "UAH",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "R$": "BRL",
    "A$": "AUD",
    "US$": "USD",
}


def currency_in_cells(table: TableLook, columns: Mapping[str, str]) -> str | None:
    """The currency that the amounts' cells say, where it is one; None for $, which several have."""
    signs = table.column(columns["amount"]).signs if "amount" in columns else ()
    sign = signs[0] if len(signs) == 1 else ""
    return _CODES.get(sign) or (sign if len(sign) == 3 and sign.isalpha() and sign.isupper() else None)


def table_doubts(table: TableLook, used: Collection[str]) -> list[str]:
    """How the files are written, and which of the used columns some of them lack."""
    lacking = [
        f"{name} is in {n} of the {table.files} files of {table.name}: it is empty in the others (optional: true)"
        for name, n in table.partial
        if name in used
    ]
    return [*table.remarks, *lacking]


def cell_doubts(table: TableLook, columns: Mapping[str, str]) -> list[str]:
    """A sentence for each, with column, cells and cure. ``columns``: role → column of a table of events."""
    found: list[str] = []
    for role, name in columns.items():
        column = table.column(name)
        if role in {"amount", "value", "quantity"}:
            found += _of_number(column)
        elif role == "time":
            found += _of_time(column)
    return found


def _of_number(column: ColumnLook) -> Iterator[str]:
    decided = column.decimal_commas or column.numbers - column.integers > column.either
    if column.either and not decided:
        other = "." if column.decimal == "," else ","
        how = "without decimal" if column.decimal == "," else f"{{type: decimal, decimal: '{other}'}}"
        cell = next((v for v, _ in column.samples if "." in v or "," in v), "1,234")
        meant = "thousands" if ("," in cell) == (column.decimal == ".") else "decimals"
        yield (
            f"{column.name}: in {cell!r} the sign may stand before {'thousands' if meant == 'decimals' else 'decimals'}"
            f" too; it is read as {meant}; else write {how} in the mapping"
        )
    if len(column.signs) > 1:
        currencies = ", ".join(column.signs)
        yield (
            f"{column.name}: cells are in several currencies ({currencies}) and are added up as one: bring them in one"
            " currency"
        )


def _of_time(column: ColumnLook) -> Iterator[str]:
    for value, _ in column.samples:
        zone = value.split()[-1] if value.split() else ""
        if zone in _AMBIGUOUS:
            yield (
                f"{column.name}: {zone} is read as {_AMBIGUOUS[zone]}; write offsets, such as -06:00, where another is"
                " meant"
            )
            return
