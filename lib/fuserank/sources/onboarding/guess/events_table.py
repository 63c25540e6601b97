"""A table of events: the role of each of its columns, and a remark on each doubt."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fuserank.sources.onboarding.guess.cell_doubts import cell_doubts, table_doubts
from fuserank.sources.onboarding.guess.guesses import EventsGuess, Hints, Rule, Scale
from fuserank.sources.onboarding.guess.keys import key_of, reversed_by
from fuserank.sources.onboarding.guess.kinds import kinds_of, type_column
from fuserank.sources.onboarding.guess.money import Paid, paid, paid_by_place
from fuserank.sources.onboarding.guess.names import ID_ENDS, name_parts, rank, some
from fuserank.sources.onboarding.guess.nulls import empty_words, nulls_of, strange_ids
from fuserank.sources.onboarding.guess.places import roles_by_place
from fuserank.sources.onboarding.guess.returns import returns
from fuserank.sources.onboarding.guess.roles import Roles, best, has_decimals, is_id, is_money, named, roles_by_name
from fuserank.sources.onboarding.guess.scales import MOST_VALUES, Counts, scale_of
from fuserank.sources.onboarding.guess.times import epoch, time_of, twin, unread_time
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, Span, TableLook, TimeLook

_MOST_PLATFORMS = 30
_LISTED = 12  # of columns that nothing uses
_ONE_USER = 0.98  # of the baskets of several rows that must belong to one user each


def roles_of(looks: Looks, table: TableLook, hints: Hints) -> Roles | None:
    """User, item and time of a table, by names where it has a header; None where one of them is not there."""
    return roles_by_name(looks, table, hints) if table.header else roles_by_place(looks, table, hints)


def events_of(looks: Looks, table: TableLook, roles: Roles) -> EventsGuess:
    """The meaning of a table of events: its columns, kinds, nulls, rules and key, with remarks.

    :raises IngestError: no cell of its time can be read
    """
    columns, remarks = dict(roles.columns), list(roles.remarks)
    look, span = _times(looks, table, columns["time"])
    look = replace(look, type="date") if "clock" in columns else look  # where all cells say midnight, they tell days
    money = _by_name(looks, table, columns, remarks) if table.header else paid_by_place(looks, table, columns)
    remarks += money.remarks
    scale = None
    if "value" in columns:
        ratings = looks.numbers(table.name, columns["value"], MOST_VALUES)
        scale, notes = scale_of(ratings, columns["value"])
        remarks += notes
        if scale is None:
            del columns["value"]
        elif empty := (rating := table.column(columns["value"])).rows - rating.filled:
            remarks.append(
                f"{rating.name} is empty in {some(empty, 'row')}: weak feedback (reward.missing); without it they go to"
                " quarantine as no_value"
            )
    kinds, notes = kinds_of(looks, table, columns)
    remarks += notes
    nulls, notes = nulls_of(looks, table, columns)
    remarks += notes + strange_ids(looks, table, columns, nulls)
    if scale and scale.missing:
        nulls[columns["value"]] = (*nulls.get(columns["value"], ()), *_written(table.column(columns["value"]), scale))
    rules, notes = returns(looks, table, columns)
    blanks = empty_words(looks, table, [r.column for r in rules if r.op == "empty"])
    nulls |= {c: tuple(words) for c, words in blanks.items()}
    remarks += notes
    rules += _on_scale(ratings, columns["value"], scale) if scale else ()
    key, repeated = key_of(looks, table, columns, nulls, rules)
    reverses, notes = reversed_by(kinds, columns, key)
    remarks += notes + _doubts(table, columns, look, key, repeated)
    spoken = {c.name for c in table.columns if any(r.startswith(f"{c.name} says") for r in remarks)}
    remarks += [*cell_doubts(table, columns), *table_doubts(table, {*columns.values(), *key})]
    remarks += _unread(table, columns)
    remarks += _unused(table, {*columns.values(), *key, *(r.column for r in rules), *spoken})
    return EventsGuess(
        table, columns, look, span, kinds, key, repeated, tuple(remarks), nulls, money.per_unit, scale, rules, reverses
    )


def _times(looks: Looks, table: TableLook, column: str) -> tuple[TimeLook, Span]:
    look = time_of(table.column(column)) or epoch(table.column(column))
    span = looks.span(table.name, column, look) if look else None
    if look is None or span is None:
        raise unread_time(table, column)
    return look, span


def _by_name(looks: Looks, table: TableLook, columns: dict[str, str], remarks: list[str]) -> Paid:
    """Add to ``columns`` the other roles that names of columns show; return its money, and how that is to be read."""
    kind, notes = type_column(looks, table, {*columns.values()})
    remarks += notes
    columns |= {"type": kind} if kind else {}
    value = best(table, "value", is_money, {*columns.values()})
    columns |= {"value": value} if value else {}
    session, notes = _session(looks, table, columns)
    remarks += notes
    columns |= {"session": session} if session else {}
    of_order = set(table.fill.columns) if table.fill is not None else set()  # what its first line says is no line's
    counts = [c for c in named(table, "quantity", _is_count, {*columns.values(), *of_order}) if _says_quantity(c)]
    columns |= {"quantity": counts[0].name} if counts else {}
    money = paid(looks, table, columns)
    columns |= {"amount": money.column} if money.column else {}
    for role, fits in (("store", is_id), ("platform", _is_platform)):
        column = best(table, role, fits, {*columns.values()})
        columns |= {role: column} if column else {}
    return money


def _session(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[str | None, list[str]]:
    """A basket or a visit: of the columns so called, the first whose baskets belong to one user each."""
    if rank("session", columns["user"]) is not None and rank("user", columns["user"]) is None:
        return columns["user"], []  # nobody is named: a visit stands for a user
    remarks: list[str] = []
    called = named(table, "session", lambda c: is_id(c) and c.distinct < c.filled, {*columns.values()})
    # an order whose lines have rows is a basket, whatever it is called
    orders = [table.column(table.fill.by)] if table.fill and table.fill.by not in columns.values() else []
    for column in dict.fromkeys([*called, *orders]):
        groups, agreeing = looks.one_in_each(table.name, column.name, columns["user"])
        if groups - agreeing <= 1 or agreeing >= _ONE_USER * groups:
            return column.name, remarks
        remarks.append(
            f"{column.name} is taken for no basket: {groups - agreeing:,} of its {groups:,} values of several rows"
            " belong to several users"
        )
    return None, remarks


def _is_count(column: ColumnLook) -> bool:
    return column.mostly(column.numbers) and not any(has_decimals(v) for v, _ in column.samples)


def _says_quantity(column: ColumnLook) -> bool:
    """Whether a name says how many were taken: quantity, units; not review_count, nor units in stock."""
    parts = set(name_parts(column.name))
    place = rank("quantity", column.name)
    return place is not None and not parts & {"stock", "available", "price"} and (place < 100 or "count" not in parts)


def _is_platform(column: ColumnLook) -> bool:
    return column.found == "text" and column.distinct <= _MOST_PLATFORMS


def _written(column: ColumnLook, scale: Scale) -> list[str]:
    """The cells that stand for "not rated", as they are written: 0, 0.0."""
    missing = float(scale.missing)
    words = {scale.missing, f"{missing:.1f}", *(v for v, _ in column.samples if _number(v) == missing)}
    return sorted(words)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _on_scale(ratings: Counts, column: str, scale: Scale) -> tuple[Rule, ...]:
    """Rules for the ends of a scale that some cells are beyond."""
    rated = [v for v, _ in ratings if f"{v:g}" != scale.missing]
    above = (Rule("above_the_scale", column, "<=", scale.high, "double"),) if max(rated) > scale.high else ()
    below = (Rule("below_the_scale", column, ">=", scale.low, "double"),) if min(rated) < scale.low else ()
    return above + below


def _doubts(
    table: TableLook, columns: dict[str, str], look: TimeLook, key: tuple[str, ...], repeated: int | None
) -> list[str]:
    remarks = []
    if repeated:
        remarks.append(
            f"{repeated:,} of {some(table.rows, 'row')} repeat{'s' if repeated == 1 else ''} an earlier row's"
            f" {', '.join(key)}: they go to quarantine as duplicate_event"
        )
    if repeated is None:
        remarks.append(f"no row has user, item and time, so no key could be counted; {', '.join(key)} is the usual one")
    if look.pattern and (other := twin(look.pattern, table.column(columns["time"]).patterns)):
        remarks.append(f"{columns['time']} fits both {look.pattern} and {other}: fix the pattern if months stand first")
    return remarks


def _unread(table: TableLook, columns: dict[str, str]) -> list[str]:
    """Columns that are called an amount, a quantity or a rating, and whose cells are no numbers that can be read."""
    remarks = []
    for role in ("amount", "quantity", "value"):
        for column in named(
            table, role, lambda c: c.found == "text" and c.filled > 0 and not is_money(c), {*columns.values()}
        ):
            if (
                role not in columns
                and (rank(role, column.name) or 0) < 100
                and any(map(str.isdigit, column.samples[0][0]))
            ):
                remarks.append(
                    f"{column.name} says {column.samples[0][0]!r}: no number that can be read, so there is no {role};"
                    " write it as 1234.50"
                )
                break
    return remarks


def _unused(table: TableLook, used: Collection[str]) -> list[str]:
    """Numbers that nothing uses; of a file without a header, all that nothing uses."""
    left = [c for c in table.columns if c.name not in used and c.filled and c.found != "nested"]
    if table.header:
        left = [c for c in left if is_money(c) and time_of(c) is None and not _names_ids(c)]
    if not left:
        return []
    listed = ", ".join(_range(c) for c in left[:_LISTED])
    more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    what = "numbers" if table.header else "columns"
    return [
        f"{what} that nothing uses: {listed}{more}; the mapping can name them (amount, quantity, value, discounts …)"
    ]


def _names_ids(column: ColumnLook) -> bool:
    parts = name_parts(column.name)
    return is_id(column) and bool(parts) and parts[-1] in ID_ENDS


def _range(column: ColumnLook) -> str:
    if column.low is None or column.high is None:
        return f"{column.name} ({', '.join(v for v, _ in column.samples[:2])})"
    ends = f"{column.low:g}" if column.low == column.high else f"{column.low:g} … {column.high:g}"
    return f"{column.name} ({ends})"
