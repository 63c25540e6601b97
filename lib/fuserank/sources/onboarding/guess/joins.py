"""Orders in one table and their lines in another: which belong together, and what the lines then say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fuserank.sources.onboarding.guess.events_table import events_of, roles_of
from fuserank.sources.onboarding.guess.guesses import EventsGuess, Hints
from fuserank.sources.onboarding.guess.names import letters, rank
from fuserank.sources.onboarding.guess.roles import best, is_id
from fuserank.sources.onboarding.scan.looks import ColumnLook, JoinLook, Looks, TableLook

_KNOWN = 0.5  # of the lines' orders that the other table must know
_PLACES = (
    "ordernumber",
    "orderno",
    "sequence",
    "seq",
    "visitnumber",
    "sessionnumber",
    "step",
    "rank",
    "position",
    "nth",
)


@dataclass(frozen=True)
class Joined:
    """Lines with what their orders tell: events by time, or by the place among the user's orders."""

    events: EventsGuess
    order: Literal["time", "position"]


def joined_lines(looks: Looks, hints: Hints) -> Joined | None:
    """Where no table tells user, item and time, but lines and their orders do together; None where none do."""
    pairs = [
        (share, lines, orders, join)
        for lines in looks.tables
        if lines.header and best(lines, "item", is_id) and hints.table in {None, lines.name}
        for orders in looks.tables
        if orders.name != lines.name and orders.header and (best(orders, "user", is_id) or hints.user)
        for share, join in _joins(looks, lines, orders)
    ]
    tried: set[str] = set()
    for _, lines, orders, join in sorted(pairs, key=lambda p: (-p[0], -p[1].rows)):
        if lines.name in tried:  # it has been read with other orders
            continue
        tried.add(lines.name)
        made = looks.joined(lines.name, join)
        remark = (
            f"{join.table} tells {', '.join(join.columns)} of the lines in {lines.name}, by {join.ours}: read together"
            " (join)"
        )
        if (roles := roles_of(looks, made, hints)) is not None:
            return Joined(_with(events_of(looks, made, roles), orders, remark), "time")
        if (placed := _placed(looks, made, hints)) is not None:
            return Joined(_with(placed, orders, remark), "position")
    return None


def _joins(looks: Looks, lines: TableLook, orders: TableLook) -> list[tuple[float, JoinLook]]:
    """By each pair of columns with the same ids, of which the orders have one row for each."""
    item = best(lines, "item", is_id)
    found = []
    for theirs in orders.columns:
        if not is_id(theirs) or theirs.distinct < theirs.filled or theirs.filled < 0.99 * orders.rows:
            continue
        for ours in lines.columns:
            if ours.name == item or not is_id(ours) or not _alike(ours, theirs, orders):
                continue
            share = looks.shared(lines.name, ours.name, orders.name, theirs.name)
            own = {c.name.lower() for c in lines.columns}
            more = tuple(c.name for c in orders.columns if c != theirs and c.name.lower() not in own and _of_a_line(c))
            if share >= _KNOWN and more:
                found.append((share, JoinLook(orders.name, ours.name, theirs.name, more)))
    return found


def _of_a_line(column: ColumnLook) -> bool:
    """Whether what an order says holds for each of its lines: its total and its number of pieces do not."""
    sums = rank("amount", column.name) is not None or rank("quantity", column.name) is not None
    return column.found != "nested" and not (
        sums and column.mostly(max(column.numbers, column.decimal_commas + column.integers))
    )


def _alike(ours: ColumnLook, theirs: ColumnLook, orders: TableLook) -> bool:
    """Whether two columns can be one id: by the same name, as an order's in both, or
    as order_id beside id of the table orders.
    """
    one, two = letters(ours.name), letters(theirs.name)
    of_table = letters(orders.name).removesuffix("s")
    by_session = rank("session", ours.name) is not None and rank("session", theirs.name) is not None
    return (
        one == two
        or by_session
        or (two in {"id", "name", "number"} and one.removesuffix("id") in {of_table, f"{of_table}s", "order", "parent"})
    )


def _placed(looks: Looks, table: TableLook, hints: Hints) -> EventsGuess | None:
    """Events without times, in the order of the user's orders, one of which is one basket."""
    user, item = hints.user or best(table, "user", is_id), hints.item or best(table, "item", is_id)
    place = next(
        (c.name for word in _PLACES for c in table.columns if letters(c.name) == word and c.mostly(c.integers)), None
    )
    join = table.join
    if user is None or item is None or place is None or join is None:
        return None
    columns = {"user": user, "item": item, "place": place, "session": join.ours}
    key = (user, join.ours, item)
    repeated = table.rows - looks.distinct_rows(table.name, key)
    remark = (
        f"there are no times: {place} tells the order of a user's baskets, and the last event of each user is held out"
    )
    return EventsGuess(table, columns, None, None, {"": ("purchase", "feedback", 1.0)}, key, repeated, (remark,))


def _with(events: EventsGuess, orders: TableLook, remark: str) -> EventsGuess:
    return replace(events, orders=orders, remarks=(remark, *events.remarks))
