"""Whether a column's name says that its money is in minor units."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.folder import LocalLooks


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("price_cents", "minor"),
        ("AmountInCent", "minor"),
        ("total_pence", "minor"),
        ("betrag_pfennig", "minor"),
        ("amount_minor", "minor"),
        ("amount_after_percent_off", "major"),
        ("center_amount", "major"),
        ("recent_total", "major"),
        ("price", "major"),
    ],
)
def test_cents_are_a_word_or_its_end(tmp_path: Path, name: str, unit: str) -> None:
    rows = (f"u{n % 9},i{n % 7},{dt.date(2023, 1, 1) + dt.timedelta(days=n)},{n % 7 + 1}50" for n in range(90))
    (tmp_path / "orders.csv").write_text("\n".join([f"user,item,date,{name}", *rows, ""]))
    looks = LocalLooks(tmp_path)
    found = mapping_text("x", looks.root, guess(looks, Hints(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    assert yaml.safe_load(found)["events"][0]["amount"] == {"column": name, "unit": unit}
