"""docs/bad-input.md says what is said."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.bad_input_page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "bad-input.md"


def test_the_page_has_the_words_of_the_cases() -> None:
    if os.environ.get("GOLDEN") == "rewrite":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "docs/bad-input.md is out of date: GOLDEN=rewrite, and read the diff"
    )
