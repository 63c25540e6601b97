from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from fuserank.config.mapping.load import MappingError, load_dataset, parse_dataset

DATASETS = Path(__file__).resolve().parents[4] / "conf" / "datasets"


def _raw() -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load((DATASETS / "completejourney.yaml").read_text(encoding="utf-8")))


def _put(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    here: Any = raw
    *way, last = path.split(".")
    for part in way:
        here = here[int(part)] if isinstance(here, list) else here[part]
    here[last] = value
    return raw


def test_the_demo_mapping_loads_and_declares_all_seven_dimensions() -> None:
    mapping = load_dataset("completejourney", DATASETS)
    assert set(mapping.dimensions.declared()) == {
        "items",
        "users",
        "campaigns",
        "campaign_users",
        "coupons",
        "redemptions",
        "promotions",
    }


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("events.0.usr", "household_id", "events.0.usr: unknown key"),
        ("files.products.colums", {}, "files.products.colums: unknown key"),
        ("dimensions.items.known_at.form", "2017-01-01", "dimensions.items.known_at.form: unknown key"),
        ("events.0.user", "household", "events.0.user: no column 'household' in files.transactions.columns"),
        ("events.0.time", "quantity", "events.0.time: column quantity is long"),
        ("events.0.from", "sales", "events.0.from: no table 'sales'"),
        ("events.0.role", "wish", "events.0.role:"),
        ("events.0.role", None, "events.0: type needs its role"),
        ("events.0.key", [], "events.0.key:"),
        (
            "events.0.amount",
            {"column": "household_id", "unit": "major"},
            "events.0.amount.column: column household_id is string",
        ),
        ("files.transactions.columns.quantity", "integer", "files.transactions.columns.quantity.type:"),
        ("files.transactions.rules", [{"name": "x", "column": "quantity", "op": "~", "value": 1}], "rules.0.op:"),
        ("files.transactions.rules", [{"name": "x", "column": "quantity", "op": ">", "value": "a"}], "rules.0.value:"),
        ("weeks", None, "dimensions.promotions: week numbers need weeks.week_1_starts"),
        ("dimensions.campaigns", None, "dimensions.coupons.known_at.campaign: dimensions.campaigns is not there"),
        ("dimensions.items.known_at", {}, "dimensions.items.known_at: give exactly one of"),
        ("time_zone", "New York", "time zone 'New York' is not in the IANA list"),
        ("root", {}, "root: name a folder"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_path_of_the_key(path: str, value: Any, message: str) -> None:
    with pytest.raises(MappingError) as refused:
        parse_dataset(_put(_raw(), path, value), "completejourney.yaml")
    assert any(
        line.startswith("completejourney.yaml: ") and message in line for line in str(refused.value).splitlines()
    )


def test_every_wrong_key_is_told_at_once() -> None:
    raw = _put(_put(_raw(), "events.0.user", "nobody"), "events.0.store", "nowhere")
    with pytest.raises(MappingError) as refused:
        parse_dataset(raw, "x.yaml")
    assert "events.0.user" in str(refused.value)
    assert "events.0.store" in str(refused.value)
