"""Cells of a shop's files as people read them on a terminal."""

from __future__ import annotations


def shown(value: object, most: int = 80) -> str:
    """On one line, at most ``most`` characters, signs that would move or colour a terminal as escapes."""
    text = str(value)
    cut = text if len(text) <= most else f"{text[:most]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
