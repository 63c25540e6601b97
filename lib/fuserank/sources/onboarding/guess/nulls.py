"""Cells that stand for nothing: words of exports, ids of guests; and ids that no one can be."""

from __future__ import annotations

from collections.abc import Sequence

from fuserank.sources.onboarding.scan.looks import EMPTY, Looks, TableLook

# Ids of people who are none.
GUESTS = (
    "guest",
    "(guest)",
    "guest user",
    "guest_user",
    "guestuser",
    "gast",
    "invité",
    "invitado",
    "anonymous",
    "anon",
    "anonym",
    "anonymous user",
    "unknown",
    "not logged in",
    "not logged-in",
    "logged out",
    "loggedout",
    "visitor",
    "(direct)",
    "00000000-0000-0000-0000-000000000000",
    "noreply",
)
# Of ids: where far commoner than others.
_ZEROS = (
    "0",
    "-1",
    "0.0",
    "-1.0",
    "00000",
    "99999",
    "9999",
    "999999",
    "-99",
    "-999",
)
_GIANT = 0.2  # of the rows: one id with more is told
_FAR = 3  # times as common as the next id
_NEEDED = ("user", "item", "time", "type")
_LONG = r"[+-]?\d(\.\d+)?[eE]\+\d+"


def empty_ids(looks: Looks, table: TableLook, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    """Column → its cells that are no ids, as they are written, and how often: empty words, guests (where they are
    among the commonest cells), and numbers that stand for a guest where they are by far the commonest.
    """
    found = empty_words(looks, table, columns)
    for name in dict.fromkeys(columns):
        guests = {v: n for v, n in table.column(name).samples if v.lower() in GUESTS}
        if more := guests | _zero(table, name, guests):
            found[name] = found.get(name, {}) | more
    return found


def empty_words(looks: Looks, table: TableLook, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    """``empty_ids`` of columns that hold no ids: the words of exports alone."""
    lacking = [
        c for c in dict.fromkeys(columns) if table.column(c).found != "nested" and table.column(c).filled < table.rows
    ]
    return looks.saying(table.name, lacking, EMPTY)


def nulls_of(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Column → cells of a table of events that say nothing, and what to tell of them.

    :param columns: role → column
    """
    ids = [columns[r] for r in ("user", "item", "session", "store") if r in columns]
    found = empty_ids(looks, table, ids) | empty_words(looks, table, [c for c in columns.values() if c not in ids])
    roles = {c: r for r, c in reversed(columns.items())}
    remarks = [_empty_remark(table, c, roles[c], words) for c, words in found.items()]
    return {c: tuple(words) for c, words in found.items()}, remarks + _blank(table, columns, found)


def _blank(table: TableLook, columns: dict[str, str], found: dict[str, dict[str, int]]) -> list[str]:
    """What to tell of blank cells where a row needs one that says something."""
    remarks = []
    for role in (r for r in _NEEDED if r in columns):
        column = table.column(columns[role])
        words = sum(n for word, n in found.get(column.name, {}).items() if word.lower() in EMPTY)
        if (rows := column.rows - column.filled - words) > 0:
            remarks.append(
                f"{column.name} is empty in {rows:,} of {table.rows:,} rows: they go to quarantine as no_{role}"
            )
    return remarks


def strange_ids(
    looks: Looks, table: TableLook, columns: dict[str, str], nulls: dict[str, tuple[str, ...]]
) -> list[str]:
    """What to tell of ids that are suspiciously common, or that a spreadsheet has cut to a few digits."""
    remarks = []
    for role in ("user", "item"):
        column = table.column(columns[role])
        ids = [(v, n) for v, n in column.samples if v not in nulls.get(column.name, ())]
        if ids and column.distinct > 2 and ids[0][1] > _GIANT * column.rows:
            next_one = ids[1][1] if len(ids) > 1 else 0
            if column.distinct >= 8 or ids[0][1] >= _FAR * next_one:
                remarks.append(
                    f"one {role}, {ids[0][0]!r}, stands in {ids[0][1]:,} of {column.rows:,} rows of {column.name}:"
                    " where it stands for nobody in particular (guests, a test, a default), write nulls:"
                    f" [{ids[0][0]!r}] at the column, or its rows count as one {role}'s"
                )
    for role in ("user", "item", "session"):
        if role in columns and table.column(columns[role]).numbers > table.column(columns[role]).integers:
            n, first = looks.matching(table.name, columns[role], _LONG)
            if n:
                remarks.append(
                    f"{columns[role]} says numbers such as {first} in {n:,} rows, as a spreadsheet writes long ids: it"
                    f" has cut their last digits, so different {role}s have become one; export the file again with this"
                    " column as text"
                )
    return remarks


def _zero(table: TableLook, name: str, others: dict[str, int]) -> dict[str, int]:
    """A number that stands for a guest: in many rows, and in far more than any other id that says something."""
    column = table.column(name)
    ids = [(v, n) for v, n in column.samples if v not in others]
    if len(ids) < 2 or column.distinct < 4:
        return {}
    (first, n), (_, second) = ids[:2]
    return {first: n} if first in _ZEROS and n >= _FAR * second and n > 2 else {}


def _empty_remark(table: TableLook, column: str, role: str, words: dict[str, int]) -> str:
    listed = ", ".join(repr(w) for w in words)
    goes = f": these rows go to quarantine as no_{role}" if role in _NEEDED else ""
    return (
        f"{column} says {listed} in {sum(words.values()):,} of {table.rows:,} rows: taken for an empty cell{goes};"
        " where it means more, take it out of nulls"
    )
