"""Ids and flags that pandas wrote as floats, as one of them is missing: what init names in a
mapping is what the chain finds in the cells.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fuserank.sources.onboarding.guess.guess import Hints, guess
from fuserank.sources.onboarding.guess.mapping_text import mapping_text
from fuserank.sources.onboarding.scan.folder import LocalLooks

NAMES = ("user_id", "item", "date", "is_returned")
ROWS = [
    (
        None if n == 7 else 0.0 if n % 3 else float(n % 40 + 1),
        f"i{n % 7}",
        str(dt.date(2023, 1, 1) + dt.timedelta(days=n)),
        float(n % 9 == 0),
    )
    for n in range(160)
]


@pytest.fixture(params=["csv", "parquet"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "csv":
        lines = (",".join("" if c is None else str(c) for c in row) for row in ROWS)
        (tmp_path / "orders.csv").write_text("\n".join([",".join(NAMES), *lines, ""]))
    else:
        pq.write_table(pa.table(dict(zip(NAMES, zip(*ROWS, strict=True), strict=True))), tmp_path / "orders.parquet")
    looks = LocalLooks(tmp_path)
    text = mapping_text("x", looks.root, guess(looks, Hints(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    found: dict[str, Any] = yaml.safe_load(text)["files"]["orders"]
    return found


def test_a_guest_s_number_is_nobody_as_the_file_writes_it(files: dict[str, Any]) -> None:
    assert files["columns"]["user_id"] == {"type": "long", "nulls": ["0", "0.0"]}


def test_a_flag_is_compared_as_a_number(files: dict[str, Any]) -> None:
    assert files["columns"]["is_returned"] == "long"
    assert files["rules"] == [{"name": "not_is_returned", "column": "is_returned", "op": "!=", "value": 1}]
