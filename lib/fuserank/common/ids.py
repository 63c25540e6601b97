"""Business ids, compared after NFC and outer trim, else byte for byte; 123.0 is
123, as some tools write whole numbers.
"""

from __future__ import annotations

import unicodedata


def normal_id(text: str | None) -> str | None:
    """NFC (Unicode Standard Annex 15), outer white space off, and .0 off digits; None where nothing is left."""
    if text is None:
        return None
    stripped = text.strip()
    if not stripped:
        return None
    if stripped.endswith(".0") and stripped[:-2].isdecimal():
        return stripped[:-2]
    return stripped if stripped.isascii() else unicodedata.normalize("NFC", stripped).strip() or None
