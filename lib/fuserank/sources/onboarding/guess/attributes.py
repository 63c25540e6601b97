"""What a catalogue says beyond the contract's words: its other columns become attributes, where their
cells can tell items apart or order them.
"""

from __future__ import annotations

from collections.abc import Collection

from fuserank.sources.onboarding.guess.names import ID_ENDS, name_parts, word
from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook
from fuserank.tables import attributes as a

_PLACES = {
    "item": {"category": len(a.ITEM_CATEGORIES), "number": len(a.ITEM_NUMBERS)},
    "user": {"category": len(a.USER_CATEGORIES), "number": len(a.USER_NUMBERS)},
}
_SHARED = 0.5  # of the filled cells at most are values of a category: then two rows have one, on the average
_CODES = 20  # whole numbers with so few values are codes
_FILLED = 0.2  # of the rows must say something
_LONGEST = 60  # characters of a category; what is longer is a text


def attributes(table: TableLook, side: str, used: Collection[str]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Name → (column, type) of what a table of items or users ("item", "user") says
    beside ``used``, and what to tell of it.

    Where there are more than the contract has places for, those that most rows have
    come first, then those that stand first.
    """
    found = [(c, kind) for c in table.columns if c.name not in used and (kind := _kind(c)) is not None]
    ordered = sorted(enumerate(found), key=lambda e: (-round(e[1][0].filled / max(e[1][0].rows, 1), 1), e[0]))
    chosen: dict[str, tuple[str, str]] = {}
    free, left = dict(_PLACES[side]), []
    for _, (column, kind) in ordered:
        name = word(column.name)
        while name in chosen:  # of names in other alphabets little is left
            name += "_2"
        if free[kind]:
            chosen[name] = (column.name, kind)
            free[kind] -= 1
        else:
            left.append(column.name)
    if not left:
        return chosen, []
    cure = "a role gives an attribute another place, docs/data.md" if side == "item" else "docs/data.md"
    return chosen, [
        f"{table.name} says more of {side}s than there are places for: {', '.join(left)} is left out ({cure})"
    ]


def _kind(column: ColumnLook) -> str | None:
    """category, number, or None: it is a name, a text, a time, or the same everywhere."""
    timely = bool(column.patterns) or column.mostly(column.iso_times) or column.found in ("date", "timestamp", "nested")
    if timely or column.filled < _FILLED * column.rows or column.distinct < 2:
        return None
    shared = column.distinct <= _SHARED * column.filled
    parts = name_parts(column.name)
    numeric = column.mostly(column.numbers) and not column.leading_zeros and not (parts and parts[-1] in ID_ENDS)
    if numeric and not (column.mostly(column.integers) and column.distinct <= _CODES):
        return "number"
    return "category" if shared and column.longest <= _LONGEST else None
