"""Which columns of a table are its user, item and time: what the cells tell counts before a name's rank."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from fuserank.sources.onboarding.guess.guesses import Hints
from fuserank.sources.onboarding.guess.names import ID_ENDS, WORDS, name_parts, rank
from fuserank.sources.onboarding.guess.nulls import empty_ids
from fuserank.sources.onboarding.guess.times import time_of, unread_time, written_time
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

SAME = 0.3  # of the ids of one table, or of the other, that both must know to speak of the same things
_RETURNS = 1.001  # occasions a user: below, an id is new in every one of them
_STABLE = 1.01  # from here on ids come back
_CROWD = 10  # users, before it is told that none of them comes back
_PEOPLE = 0.1  # of the ids that are new in every order: with fewer, those that come back are a shop's own people
_SPARSE, _PARTLY, _FULL = 0.5, 0.8, 0.95  # of the rows: a column with fewer is passed over for one that has more
_MOST_KEYS = 20  # columns of another table with an id in each row: the first
_SAME_DAY = 0.9  # of the rows in which two columns must tell one day to tell one moment
_CLOCKS = {"time", "clock", "hour", "hours", "uhrzeit", "zeit", "hora", "heure", "ora", "tijd", "godzina", "timeofday"}
_CLOCK = r"\d{1,2}[:.h]\d{2}([:.]\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
_OTHER_MOMENT = {
    "updated",
    "update",
    "modified",
    "delivered",
    "delivery",
    "shipped",
    "shipping",
    "ship",
    "estimated",
    "approved",
    "limit",
    "expires",
    "expiry",
    "expired",
    "expiration",
    "end",
    "ended",
    "due",
    "birth",
    "birthday",
    "dob",
    "deleted",
    "cancelled",
    "canceled",
    "returned",
    "refunded",
    "processed",
    "ingested",
    "loaded",
    "exported",
    "extracted",
    "snapshot",
    "closed",
    "first",
    "last",
    "registered",
    "registration",
    "signup",
    "joined",
    "release",
    "published",
    "fulfilled",
    "lieferdatum",
    "geburtsdatum",
}


@dataclass(frozen=True)
class Roles:
    """Role → column of a table of events, user, item and time among them, and what to tell of the choice."""

    columns: dict[str, str]
    remarks: tuple[str, ...] = ()


def roles_by_name(looks: Looks, table: TableLook, hints: Hints) -> Roles | None:
    """user, item and time of a table whose columns have names; None where one of them is not there."""
    names = {c.name for c in table.columns}
    fixed = {r: c for r, c in (("user", hints.user), ("item", hints.item), ("time", hints.time)) if c in names and c}
    columns, remarks = dict(fixed), list[str]()
    choices: dict[str, Callable[[Looks, TableLook, dict[str, str]], tuple[str | None, list[str]]]] = {
        "time": _time,
        "item": _item,
        "user": _user,
    }
    for role, choose in choices.items():
        if role in columns:
            continue
        column, notes = choose(looks, table, columns)
        if column is None:
            return None
        columns[role] = column
        remarks += notes
    found = {r: columns[r] for r in ("user", "item", "time")}
    if (clock := clock_of(looks, table, found)) is not None:
        found["clock"] = clock
        remarks.append(f"{found['time']} tells the day and {clock} the time of day: both make the time")
    return Roles(found, tuple(remarks))


def lacks(table: TableLook, hints: Hints) -> str:
    """Why a table can be no events, and what to name."""
    columns = ", ".join(c.name for c in table.columns)
    lacking = [r for r in ("user", "item") if best(table, r, is_id) is None and not getattr(hints, r)]
    times = [c.name for c in table.columns if time_of(c)]
    lacking += [] if times or hints.time else ["time"]
    listed = " and ".join(lacking) or "telling which is which"
    if "time" in lacking and (column := best(table, "time", lambda c: c.filled > 0 and c.found != "nested")):
        return f"{table.path} lacks {listed}: {unread_time(table, column)}"
    return f"{table.path} ({columns}) lacks {listed}: name the columns by --user, --item, --time"


def best(table: TableLook, role: str, fits: Callable[[ColumnLook], bool], taken: Collection[str] = ()) -> str | None:
    """Of the columns that fit, the one whose name says the role best; None where no name does."""
    found = named(table, role, fits, taken)
    return found[0].name if found else None


def named(table: TableLook, role: str, fits: Callable[[ColumnLook], bool], taken: Collection[str]) -> list[ColumnLook]:
    """The columns that fit and whose names say the role, the best name first."""
    ranked = [(rank(role, c.name), n, c) for n, c in enumerate(table.columns) if c.name not in taken and fits(c)]
    return [c for r, _, c in sorted((r, n, c) for r, n, c in ranked if r is not None)]


def is_id(column: ColumnLook) -> bool:
    """Whether the cells can be ids: text or whole numbers, more than one, no times and no decimals."""
    if column.found not in {"text", "integer"} or column.distinct <= 1 or written_time(column) is not None:
        return False
    return not (column.mostly(column.numbers) and any(has_decimals(v) for v, _ in column.samples))


def is_money(column: ColumnLook) -> bool:
    """Whether the cells can be amounts."""
    return column.mostly(max(column.numbers, column.comma_numbers))


def has_decimals(cell: str) -> bool:
    """Whether a cell is a number that is not whole; an analytics client's id (1005355.1670456) is none."""
    if re.fullmatch(r"\d{5,}\.\d{5,}", cell):
        return False
    try:
        return float(cell) % 1 != 0
    except ValueError:
        return False


def _strong(role: str, column: ColumnLook) -> bool:
    """Whether a name says that the column holds the role's ids, not something about
    it: customer_key, not customer_city.
    """
    place = rank(role, column.name)
    if place is None:
        return False
    parts = name_parts(column.name)
    return place < 100 or (bool(parts) and (parts[-1] in ID_ENDS or parts[-1].removesuffix("s") in WORDS[role]))


def _candidates(table: TableLook, role: str, taken: Collection[str]) -> list[ColumnLook]:
    """Columns that can be a role's ids, by name; those that only say something about it where there are no others."""
    found = named(table, role, is_id, taken)
    return [c for c in found if _strong(role, c)] or found


def _time(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[str | None, list[str]]:
    """Of the columns that tell the moment of the event the best name, but of two that tell one day the finer."""
    free = [c for c in table.columns if c.name not in columns.values()]
    found = [c for c in free if (rank("time", c.name) is not None and time_of(c)) or written_time(c)]

    def place(column: ColumnLook) -> tuple[bool, bool, bool, int]:
        other = bool(_OTHER_MOMENT & set(name_parts(column.name)))
        by_name = rank("time", column.name)
        return other, column.filled < _SPARSE * column.rows, column.distinct <= 1, 1000 if by_name is None else by_name

    found.sort(key=place)
    if not found:
        return None, []
    first = found[0]
    finer = (
        None if _hours(looks, table, first) else next((c for c in found[1:] if _refines(looks, table, first, c)), None)
    )
    chosen = finer or first
    rivals = [c.name for c in found if c not in {chosen, first} and place(c)[:3] == place(first)[:3]]
    remarks = []
    if finer:
        remarks.append(
            f"{finer.name} is taken for the time: {first.name} tells the same days without the hour (--time says"
            " another)"
        )
    elif rivals:
        remarks.append(
            f"{chosen.name} is taken for the time; {', '.join(rivals)} tell{'s' if len(rivals) == 1 else ''} times too:"
            " --time says another"
        )
    return chosen.name, remarks


def _hours(looks: Looks, table: TableLook, column: ColumnLook) -> bool:
    """Whether a column tells more than days."""
    look = time_of(column)
    span = looks.span(table.name, column.name, look) if look else None
    return span is not None and sum(n > 0 for n in span.hours) > 1


def clock_of(looks: Looks, table: TableLook, columns: dict[str, str]) -> str | None:
    """The column with the time of day, where the time is a day alone: 16:31, or whole numbers that are called so."""
    look = time_of(table.column(columns["time"]))
    if (
        look is None
        or look.type not in {"date", "timestamp"}
        or table.format == "parquet"
        or (look.type != "date" and _hours(looks, table, table.column(columns["time"])))
    ):
        return None
    for column in table.columns:
        if column.name in columns.values() or not _CLOCKS & set(name_parts(column.name)) or column.distinct <= 1:
            continue
        written, _ = looks.matching(table.name, column.name, _CLOCK)
        whole = column.mostly(column.integers) and (column.low or 0) >= 0
        if column.mostly(written) or (whole and 9 < (column.high or 0) < 2400):
            return column.name
    return None


def _refines(looks: Looks, table: TableLook, day: ColumnLook, other: ColumnLook) -> bool:
    one, two = time_of(day), time_of(other)
    if one is None or two is None or other.filled < _FULL * day.filled or not _hours(looks, table, other):
        return False
    return looks.same_day(table.name, (day.name, one), (other.name, two)) >= _SAME_DAY


def _item(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[str | None, list[str]]:
    """The ids that another table describes, one row each; else that come back; else by name."""
    found = _candidates(table, "item", {*columns.values()})
    if len(found) < 2:
        return (found[0].name if found else None), []
    known = {c.name: _described(looks, table, c) for c in found}

    def place(column: ColumnLook) -> tuple[bool, bool, float]:
        fresh = column.distinct == column.filled and column.filled > 1
        sparse = column.filled < _SPARSE * column.rows
        return fresh, sparse, -round(2 * known[column.name]) / 2

    ranked = sorted(found, key=place)
    chosen, by_name = ranked[0], found[0]
    rivals = ", ".join(c.name for c in ranked[1:])
    why = ""
    if chosen != by_name:
        why = f", rather than {by_name.name}, " + (
            "which is new in every row"
            if place(by_name)[0]
            else "which is mostly empty"
            if place(by_name)[1]
            else "because another table describes its ids"
        )
    return chosen.name, [f"{chosen.name} is taken for the item{why}; {rivals} could be it too: --item says so"]


def _described(looks: Looks, table: TableLook, column: ColumnLook) -> float:
    """The largest share of a column's ids that a table with one row for each of its ids knows; 0…1."""
    shares = [
        looks.shared(table.name, column.name, other.name, key.name)
        for other in looks.tables
        if other.name != table.name
        for key in [k for k in other.columns if is_id(k) and k.distinct >= 0.99 * other.rows][:_MOST_KEYS]
    ]
    return max(shares, default=0.0)


def _user(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[str | None, list[str]]:
    """The ids that come back, and that most rows have; else by name; else sessions, where nobody is named."""
    found = _candidates(table, "user", {*columns.values()})
    sessions = named(table, "session", lambda c: is_id(c) and c.distinct < c.filled, {*columns.values()})
    if not found:
        if not sessions or any(named(t, "user", is_id, ()) for t in looks.tables):  # another table may name the user
            return None, []
        remark = (
            f"no column names a user: {sessions[0].name} stands for one, so nobody is known from one visit to the next;"
            " --user says another"
        )
        return sessions[0].name, [remark]
    empty = empty_ids(looks, table, [c.name for c in found])
    filled = {c.name: (c.filled - sum(empty.get(c.name, {}).values())) / max(1, c.rows) for c in found}
    occasion = next((s.name for s in sessions if s not in found), columns["time"])
    back = {c.name: looks.distinct_rows(table.name, [c.name, occasion]) / max(1, c.distinct) for c in found}
    fresh = max((c.distinct for c in found if back[c.name] < _RETURNS), default=0)
    stable = any(back[c.name] >= _STABLE and c.distinct >= _PEOPLE * fresh for c in found)
    full = any(share >= _FULL for share in filled.values())

    def place(column: ColumnLook) -> tuple[bool, bool]:
        return stable and back[column.name] < _RETURNS, full and filled[column.name] < _PARTLY

    chosen, by_name = min(found, key=place), found[0]
    rivals = [c.name for c in found if c != chosen and back[c.name] > 1]
    if chosen != by_name:
        new, sparse = place(by_name)
        why = (
            f"new in every {occasion}"
            if new
            else f"told in {filled[by_name.name]:.0%} of the rows"
            if sparse
            else "less sure"
        )
        return chosen.name, [
            f"{chosen.name} is taken for the user, rather than {by_name.name}, which is {why}; --user says another"
        ]
    if back[chosen.name] < _RETURNS and chosen.distinct >= _CROWD:
        return chosen.name, [
            f"{chosen.name} is new in every {occasion}, so nobody comes back: where another column names the person,"
            " --user says so"
        ]
    if rivals:
        return chosen.name, [
            f"{chosen.name} is taken for the user; {', '.join(rivals)} could be it too: --user says so"
        ]
    return chosen.name, []
