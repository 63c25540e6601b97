"""Whom users trust: from a file by the mapping into silver, as pseudonyms where users are, bad rows told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.mapping.load import MappingError
from fuserank.config.mapping.pseudonym_columns import replaced_columns
from fuserank.privacy.keys import Key
from fuserank.tables import silver as t
from fuserank.tables.ops import QUARANTINE
from tests.support.people import SECRET, VARIABLE
from tests.support.shop import ingest, mapping, sales, write_csv

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake

COLUMNS = {"truster": "string", "trusted": "string", "how_much": "double", "since": "date"}
TRUST = {"from": "trust", "user": "truster", "other": "trusted", "weight": "how_much", "known_at": {"column": "since"}}
LINK = {"truster": "u1", "trusted": "u2", "how_much": "1", "since": "2019-03-01"}


def shop(root: Path, columns: dict[str, str] = COLUMNS, **changes: Any) -> Any:
    files = {"trust": {"path": "trust.csv", "format": "csv", "columns": columns}}
    return mapping(root, files=files, dimensions={"social": TRUST}, **changes)


def test_links_are_in_silver_by_pseudonyms_and_bad_ones_in_quarantine(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    rows = [
        LINK,
        LINK | {"how_much": "0", "since": "2019-05-01"},  # no longer
        LINK | {"trusted": "u3", "how_much": ""},
        LINK | {"trusted": " u1"},
        LINK | {"trusted": ""},
        LINK | {"how_much": "0.5"},  # says otherwise of the same two and day
    ]
    write_csv(tmp_path / "trust.csv", rows)
    write_csv(tmp_path / "sales.csv", sales({"user": "u1"}))
    dataset = shop(tmp_path, pseudonyms={})
    ingest(lake, dataset)
    key = Key.of_text(SECRET, VARIABLE)
    found = lake.read(t.SOCIAL).orderBy("other_id", "known_at").collect()
    names = {key.of(name): name for name in ("u1", "u2", "u3")}
    links = [(names[r["user_id"]], names[r["other_id"]], f"{r['known_at']:%m-%d}", r["weight"]) for r in found]
    assert sorted(links) == [  # from midnight in the shop's zone
        ("u1", "u2", "02-28", 1.0),
        ("u1", "u2", "04-30", 0.0),
        ("u1", "u3", "02-28", None),
    ]
    bad = {(r["source_table"], r["row"], r["rule"]) for r in lake.read(QUARANTINE).collect()}
    assert bad == {("trust", 3, "links_itself"), ("trust", 4, "no_other"), ("trust", 5, "duplicate_key")}


def test_both_ids_are_people_and_the_weight_is_a_number(tmp_path: Path) -> None:
    assert replaced_columns(shop(tmp_path, pseudonyms={}))["trust"] == {"truster", "trusted"}
    with pytest.raises(MappingError, match=r"social\.weight: column how_much is string; it must be"):
        shop(tmp_path, COLUMNS | {"how_much": "string"})
