"""What the columns of a file without a header are: by their cells, then by their place."""

from __future__ import annotations

import re

from fuserank.sources.onboarding.guess.guesses import Hints
from fuserank.sources.onboarding.guess.kinds import type_column
from fuserank.sources.onboarding.guess.roles import Roles, is_id
from fuserank.sources.onboarding.guess.scales import MOST_VALUES, is_rating
from fuserank.sources.onboarding.guess.times import epoch, time_of
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

_GOODS = re.compile(r"B0[0-9A-Z]{8}|97[89]\d{10}|\d{9}X")
_AGREE = 0.99  # of the items with several rows: what says one thing in all of them is the item's own


def roles_by_place(looks: Looks, table: TableLook, hints: Hints) -> Roles | None:
    """User, item and time, and what else the cells tell: kinds, ratings, quantities and money.

    None where one is not there.

    Columns of ``hints`` are taken; the rest is guessed as if there were none: the first id is the user's, the next the
    item's, but numbers of rows are neither, and an id that belongs to one user each is a basket.
    """
    names = {c.name for c in table.columns}
    fixed = {r: c for r, c in (("user", hints.user), ("item", hints.item), ("time", hints.time)) if c in names and c}
    times = [c.name for c in table.columns if c.name not in fixed.values() and (time_of(c) or epoch(c))]
    if "time" not in fixed:
        if not times:
            return None
        fixed["time"] = times[0]
    kind, remarks = type_column(looks, table, {*fixed.values(), *times})
    left = [c for c in table.columns if c.name not in {*fixed.values(), *times, kind} and c.distinct > 1]
    ids = [c for c in left if is_id(c)]
    ids = [c for c in ids if not (_numbers_rows(c) and sum(other.distinct > 2 for other in ids) > 2)]
    session = None
    if not {"user", "item"} <= set(fixed):
        session = (
            _session_before_user(looks, table, ids) if len(ids) > 2 and not {"user", "item"} & set(fixed) else None
        )
        free = [c for c in ids if c.name != session]
        if len(free) > 1 and not {"user", "item"} & set(fixed) and _names_goods(free[0]) and not _names_goods(free[1]):
            free[:2] = free[1::-1]
        for role in ("user", "item"):
            if role not in fixed:
                if not free:
                    return None
                fixed[role] = free.pop(0).name
    columns = {r: fixed[r] for r in ("user", "item", "time")}
    columns |= {"session": session} if session else {}
    columns |= {"type": kind} if kind else _measures(looks, table, columns, left)
    taken = ", ".join(f"{c} for the {r}" for r, c in columns.items())
    remarks.append(
        f"the file has no header: by place and cells {taken}; --user, --item, --time say otherwise, with _c0 for the"
        " first column"
    )
    return Roles(columns, tuple(remarks))


def _names_goods(column: ColumnLook) -> bool:
    """Whether the ids are of a kind that only goods have: Amazon's, books', barcodes of one length."""
    cells = [v for v, _ in column.samples]
    return bool(cells) and sum(bool(_GOODS.fullmatch(v)) for v in cells) > 0.9 * len(cells)


def _numbers_rows(column: ColumnLook) -> bool:
    """Row numbers, such as pandas writes before the first column."""
    whole = column.distinct == column.rows and column.mostly(column.integers) and column.low in {0.0, 1.0}
    return whole and column.high == column.rows - 1 + column.low  # type: ignore[operator]  # low is a number here


def _session_before_user(looks: Looks, table: TableLook, ids: list[ColumnLook]) -> str | None:
    """The first id, where it belongs to one user each, the second id, who has several of it: then it is a basket."""
    one, two = ids[0], ids[1]
    groups, agreeing = looks.one_in_each(table.name, one.name, two.name)
    back, alone = looks.one_in_each(table.name, two.name, one.name)
    nested = groups >= 5 and agreeing == groups and two.distinct < one.distinct and alone < 0.9 * back
    return one.name if nested and one.distinct < one.rows else None


def _measures(looks: Looks, table: TableLook, columns: dict[str, str], left: list[ColumnLook]) -> dict[str, str]:
    """A rating, or a quantity and the money beside it, among the numbers that are
    neither ids of this file nor places on earth.
    """
    found: dict[str, str] = {}
    rest = [c for c in left if c.name not in columns.values()]
    numbers = [c for c in rest if c.mostly(c.numbers) and not _of_item(looks, table, columns["item"], c)]
    for column in numbers:
        if is_rating(looks.numbers(table.name, column.name, MOST_VALUES)):
            return {"value": column.name}
    money = [
        c for c in rest if c.mostly(c.numbers) and not _on_earth(c) and (c.low or 0.0) >= 0 and (c.high or 0.0) > 1
    ]
    after = [c.name for c in table.columns]
    for column in (c for c in table.columns if c.name not in columns.values() and _is_count(looks, table, c)):
        beside = [
            m for m in money if m.name != column.name and abs(after.index(m.name) - after.index(column.name)) == 1
        ]
        if beside:
            found = {"quantity": column.name, "amount": beside[0].name}
    if not found and len(cents := [c for c in money if _in_cents(c)]) == 1:
        found = {"amount": cents[0].name}
    return found


def _is_count(looks: Looks, table: TableLook, column: ColumnLook) -> bool:
    """Whole numbers, most of them 0 or 1 (or one only), none large: how many were taken."""
    if (
        not column.filled
        or not column.mostly(column.integers)
        or column.leading_zeros
        or abs(column.high or 0.0) > 1_000
    ):
        return False
    values = looks.numbers(table.name, column.name, MOST_VALUES)
    total = sum(n for _, n in values)
    return sum(n for v, n in values if v in {0, 1}) > 0.5 * total


def _in_cents(column: ColumnLook) -> bool:
    """Whether nearly all cells have one or two decimals, as prices have; many have two."""
    places = [len(v.partition(".")[2]) for v, _ in column.samples]
    return column.distinct > 2 and all(n <= 2 for n in places) and sum(n == 2 for n in places) > 0.5 * len(places)


def _of_item(looks: Looks, table: TableLook, item: str, column: ColumnLook) -> bool:
    """Whether the column says one thing of each item: then it is a category or a price, no rating."""
    groups, agreeing = looks.one_in_each(table.name, item, column.name)
    return groups >= 5 and agreeing >= _AGREE * groups


def _on_earth(column: ColumnLook) -> bool:
    """Degrees of latitude or longitude: decimals, many of them, within a half circle."""
    decimals = [v.partition(".")[2] for v, _ in column.samples]
    many = sum(len(d) >= 4 for d in decimals) > 0.5 * len(decimals) if decimals else False
    return many and column.low is not None and column.high is not None and column.low >= -180 and column.high <= 180
