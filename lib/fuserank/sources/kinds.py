"""What kinds of events a table tells: by its type column, its ratings, its name."""

from __future__ import annotations

from fuserank.common.looks import TableLook
from fuserank.sources.names import TYPES, kind_of_file, letters, word


def kinds_of(table: TableLook, columns: dict[str, str]) -> tuple[dict[str, tuple[str, str, float]], list[str]]:
    """What the type column says ("": there is none) → event type, role, reward; and what to tell."""
    if "type" in columns:
        said = dict(table.column(columns["type"]).samples)
        known = {v: TYPES.get(letters(v)) or TYPES.get(letters(v).removesuffix("s")) for v in said}
        if any(known.values()):
            strange = [v for v, k in known.items() if k is None]
            remarks = [f"{', '.join(strange)} are taken as weak feedback: say what they are"] if strange else []
            return {v: (word(v), *(k or ("feedback", 0.1))) for v, k in known.items()}, remarks
        del columns["type"]
    if "value" in columns:
        return {"": ("rating", "feedback", 1.0)}, []
    kind = kind_of_file(table.name) or ("purchase" if {"amount", "session"} & set(columns) else "interaction")
    return {"": (kind, "feedback", 1.0)}, []
