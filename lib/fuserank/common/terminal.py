"""Cells of a shop's files as people read them on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def printable(value: object, most: int = 80) -> str:
    """On one line, at most ``most`` characters, signs that would move or colour a terminal as escapes."""
    text = str(value)
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def columns(rows: Sequence[Sequence[str]], right: Iterable[int] = (), indent: str = "  ") -> list[str]:
    """Rows of cells as lines whose columns stand under each other; those in ``right`` end together."""
    if not rows:
        return []
    ends = set(right)
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        (
            indent
            + "  ".join(
                c.rjust(w) if n in ends else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))
            )
        ).rstrip()
        for row in rows
    ]
