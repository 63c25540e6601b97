"""Which columns tell the rows of a table apart: counted over the rows that will live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fuserank.sources.onboarding.guess.guesses import Rule
from fuserank.sources.onboarding.guess.kinds import Kinds
from fuserank.sources.onboarding.guess.roles import best, is_id
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

_LACKING = 0.001  # of the rows that live may lack a part of the key: they would be lost


def key_of(
    looks: Looks,
    table: TableLook,
    columns: dict[str, str],
    nulls: Mapping[str, Sequence[str]],
    rules: Sequence[Rule] = (),
) -> tuple[tuple[str, ...], int | None]:
    """The shortest of some sets of columns that tells apart all rows that live, or the one that tells most apart; and
    how many rows repeat it, None where nothing could be counted.

    A row lives where user, item, time and type say something, and no rule is broken. A row's own id is a key; an
    order's id is one only with the item (there may come a second line) and the user (who may count his own). A column
    that is empty in rows that live is part of no key, or they would be lost.
    """

    def is_unique(column: ColumnLook) -> bool:
        return is_id(column) and column.distinct == column.rows

    own = best(table, "event", is_unique, {*columns.values()})
    user, item, time = columns["user"], columns["item"], columns["time"]
    whens, kind = [time, *([columns["clock"]] if "clock" in columns else [])], columns.get("type")
    basket = columns.get("session")
    order = basket or best(table, "session", is_id, {*columns.values(), *([own] if own else [])})
    more = [c for c in (columns.get("value"), columns.get("quantity"), columns.get("amount")) if c]
    sets: list[list[str | None]] = [
        [own],
        [user, order, item],
        [user, item, *whens],
        [user, item, *whens, kind],
        [user, order, item, *whens],
        [user, order, item, *whens, kind, *more],
        [user, item, *whens, kind, *more],
    ]
    wanted = list(dict.fromkeys(tuple(dict.fromkeys(c for c in s if c)) for s in sets if s[0] and None not in s[:3]))
    needed = [c for c in (user, item, time, kind) if c]
    counted: list[tuple[int, tuple[str, ...]]] = []
    counts = looks.counted(table.name, wanted, needed, nulls, [(r.column, r.op, r.value) for r in rules])
    for key, (rows, apart, incomplete) in zip(wanted, counts, strict=False):  # the shortest that is unique ends it
        if rows == 0:
            break
        if incomplete > _LACKING * rows:
            continue
        counted.append((rows - apart, key))
        if apart == rows:
            break
    if not counted:
        return (user, item, time), None
    repeated, chosen = min(counted, key=lambda c: c[0])
    return chosen, repeated


def reversed_by(kinds: Kinds, columns: dict[str, str], key: tuple[str, ...]) -> tuple[str | None, list[str]]:
    """The type of purchase that reversals of the same table take back, where they
    name its order and item; and what to tell.
    """
    back = [value for value, (_, role, _) in kinds.items() if role == "reversal"]
    if not back:
        return None, []
    bought = {kind for kind, role, reward in kinds.values() if role == "feedback" and reward == 1.0}
    named = set(key) <= {columns["user"], columns["item"], columns.get("session")} and "session" in columns
    listed = ", ".join(back)
    if len(bought) == 1 and named:
        kind = bought.pop()
        return kind, [f"{listed}: taken for what takes back the {kind} with the same {', '.join(key)}"]
    return None, [
        f"{listed}: taken for reversals, but nothing here says which purchase each takes back (reverses), so none is"
        " taken back"
    ]
