"""What was paid for a line: of the columns with money the line's own, or a unit's price times the quantity."""

from __future__ import annotations

from dataclasses import dataclass

from fuserank.sources.onboarding.guess.names import letters, name_parts
from fuserank.sources.onboarding.guess.roles import is_money, named
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

_PRICES = ("price", "preis", "prix", "precio", "prezzo", "unit", "rate", "each", "stueck", "stück")
_LINES = (
    "amount",
    "total",
    "revenue",
    "sales",
    "value",
    "paid",
    "spend",
    "betrag",
    "umsatz",
    "importe",
    "line",
    "sum",
    "ext",
    "montant",
)
_NO_PAY = {
    "tax",
    "taxes",
    "vat",
    "mwst",
    "shipping",
    "freight",
    "discount",
    "coupon",
    "rabatt",
    "refund",
    "refunded",
    "tip",
    "fee",
    "cost",
    "costs",
    "balance",
    "stock",
    "weight",
    "list",
    "original",
    "old",
    "regular",
    "msrp",
    "rrp",
    "count",
    "id",
    "code",
    "method",
    "compare",
    "currency",
}
_SURE = 0.7  # of the items that were taken in several quantities must say so
_FULL = 0.9  # of the rows have a line's amount, where any column has
_EQUAL = 0.9  # of the rows: then one column is the product of two others
_ORDERS = 5  # of several lines, before it is believed that a column is the order's


@dataclass(frozen=True)
class Paid:
    """The column with what was paid, whether it is for one unit, and what to tell."""

    column: str | None = None
    per_unit: bool = False
    remarks: tuple[str, ...] = ()


def paid(looks: Looks, table: TableLook, columns: dict[str, str]) -> Paid:
    """The money of a line; ``columns``: role → column, so far."""
    found = [c for c in named(table, "amount", is_money, {*columns.values()}) if not _NO_PAY & set(name_parts(c.name))]
    # what an order's first line alone says is the order's
    of_first = table.fill.columns if table.fill is not None else ()
    whole = [c for c in found if c.name in of_first or _of_order(looks, table, columns, c)]
    remarks = [
        f"{c.name} says one thing in all lines of an order: it is the order's, so no line's amount" for c in whole
    ]
    found = [c for c in found if c not in whole]
    # an order's own stand in its first line alone
    found = [c for c in found if c.filled >= _FULL * table.rows] or found
    if not found:
        return Paid(None, False, tuple(remarks))
    quantity = columns.get("quantity")
    if quantity is None and (parts := named(table, "quantity", is_money, {*columns.values()})):
        return _of_parts(looks, table, columns, parts[0], found, remarks)
    if quantity is None or not _differs(table.column(quantity)):
        lines = [c for c in found if not _is_price(c)]
        return Paid((lines or found)[0].name, False, tuple(remarks))
    for one in found:
        for other in found:
            if one != other and looks.times_is(table.name, quantity, one.name, other.name) >= _EQUAL:
                return Paid(
                    other.name, False, (*remarks, f"{other.name} is what was paid: it is {quantity} times {one.name}")
                )
    best = next((c for c in found if not _is_price(c)), found[0])
    return _of_one(looks, table, columns, best, remarks)


def _of_parts(
    looks: Looks,
    table: TableLook,
    columns: dict[str, str],
    parts: ColumnLook,
    found: list[ColumnLook],
    remarks: list[str],
) -> Paid:
    """Beside quantities that are not whole, such as kilograms: the line's amount, where there is one."""
    best = next((c for c in found if not _is_price(c)), found[0])
    items, unit, line = looks.steady(table.name, columns["item"], parts.name, best.name)
    by_unit = unit > line if items and max(unit, line) >= _SURE * items else _is_price(best)
    whole = f"{parts.name} is not whole everywhere, so there is no quantity"
    if by_unit:
        remark = (
            f"{whole}; {best.name} is taken for what one unit costs, so there is no amount: bring a column with the"
            " line's"
        )
        return Paid(None, False, (*remarks, remark))
    return Paid(best.name, False, (*remarks, f"{whole}; {best.name} is taken for what the whole line cost"))


def paid_by_place(looks: Looks, table: TableLook, columns: dict[str, str]) -> Paid:
    """As ``paid``, of a file without a header, whose amount was found by its place beside a quantity."""
    if "amount" not in columns or "quantity" not in columns or not _differs(table.column(columns["quantity"])):
        return Paid(columns.get("amount"))
    return _of_one(looks, table, columns, table.column(columns["amount"]), [])


def _of_one(looks: Looks, table: TableLook, columns: dict[str, str], money: ColumnLook, remarks: list[str]) -> Paid:
    """Whether a column beside a quantity is the line's or a unit's: items taken in
    several quantities say so, else its name.
    """
    quantity = columns["quantity"]
    items, unit, line = looks.steady(table.name, columns["item"], quantity, money.name)
    by_unit = _is_price(money)
    why = "by its name" if table.header else "nothing says otherwise"
    if items and max(unit, line) >= _SURE * items:
        by_unit = unit > line
        why = (
            f"it stays the same in {unit:,} of {items:,} items that were taken in several quantities"
            if by_unit
            else (f"it grows with the quantity in {line:,} of {items:,} items that were taken in several")
        )
    example = _example(table.column(quantity), money)
    if by_unit:
        remark = (
            f"{money.name} is taken for what one unit costs ({why}): a line is {quantity} times it{example}; where it"
            " is the line's, write per: line"
        )
    else:
        remark = (
            f"{money.name} is taken for what the whole line cost ({why}); where it is for one unit, write per: unit"
        )
    return Paid(money.name, by_unit, (*remarks, remark))


def _example(quantity: ColumnLook, money: ColumnLook) -> str:
    counts = [v for v, _ in quantity.samples if v.isdecimal() and int(v) > 1]
    price = next((v for v, _ in money.samples), "")
    try:
        return f" ({counts[0]} × {price} = {int(counts[0]) * float(price):.2f})" if counts else ""
    except ValueError:
        return ""


def _of_order(looks: Looks, table: TableLook, columns: dict[str, str], money: ColumnLook) -> bool:
    """Whether the money is the same in all lines of an order, though orders differ, and it is no price."""
    session = columns.get("session")
    if session is None or _is_price(money) or money.distinct < _ORDERS:
        return False
    orders, agreeing = looks.one_in_each(table.name, session, money.name)
    _, prices = looks.one_in_each(table.name, columns["item"], money.name)
    return orders >= _ORDERS and agreeing >= 0.98 * orders and prices < 0.98 * orders


def _differs(quantity: ColumnLook) -> bool:
    return quantity.distinct > 1 or (quantity.low or 0.0) > 1


def _is_price(column: ColumnLook) -> bool:
    plain = letters(column.name)
    return any(w in plain for w in _PRICES) and not any(w in plain for w in _LINES)
