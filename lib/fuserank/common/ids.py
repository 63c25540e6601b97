"""Business ids, compared after NFC and outer trim, else byte for byte."""

from __future__ import annotations

import unicodedata


def normal_id(text: str | None) -> str | None:
    """NFC (Unicode Standard Annex 15), outer white space off; None where nothing is left."""
    if text is None:
        return None
    stripped = text.strip()
    if not stripped:
        return None
    return stripped if stripped.isascii() else unicodedata.normalize("NFC", stripped).strip() or None
