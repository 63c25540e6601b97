"""`fuserank check`: a mapping tried on the first rows, by the chain's own rules."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fuserank.common.errors import IngestError
from tests.support.cli import ran

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GOOD = "".join(f"{k};u{k % 3};i{k % 4};{1 + k % 28}.3.2024 10:00;{k},5\n" for k in range(1, 21))
BAD = (
    "21;;i1;1.3.2024 10:00;1,0\n22;u1;i1;never;1,0\n23;u1;i1;1.3.2024 10:00;much\n24;u1;i1;1.3.2099"
    " 10:00;1,0\n1;u1;i1;1.3.2024 10:00;1,0\n"
)


def shop(folder: Path, rows: str, **columns: Any) -> Path:
    (folder / "sales.csv").write_text("line;user;item;time;paid\n" + rows)
    (folder / "items.csv").write_text("item,name\ni1,One\ni2,Two\n,Nameless\n")
    mapping = {
        "name": "shop",
        "time_zone": "Europe/Berlin",
        "currency": {"code": "EUR"},
        "root": {"folder": str(folder)},
        "files": {
            "sales": {
                "path": "sales.csv",
                "format": "csv",
                "delimiter": ";",
                "columns": {
                    "line": "string",
                    "user": "string",
                    "item": "string",
                    "paid": {"type": "decimal", "decimal": ","},
                    "time": {"type": "timestamp", "pattern": "d.M.yyyy H:mm", "zone": "Europe/Berlin"},
                    **columns,
                },
            },
            "items": {"path": "items.csv", "format": "csv", "columns": {"item": "string", "name": "string"}},
        },
        "events": [
            {
                "from": "sales",
                "type": "purchase",
                "role": "feedback",
                "user": "user",
                "item": "item",
                "time": "time",
                "key": ["line"],
                "amount": {"column": "paid", "unit": "major"},
            }
        ],
        "dimensions": {
            "items": {"from": "items", "item": "item", "name": "name", "known_at": {"from": dt.date(2024, 1, 1)}}
        },
    }
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump(mapping))
    return path


def run(*words: str) -> str:
    return ran("check", *words).stdout


def test_each_rule_that_rows_break_is_told_with_its_first_row(spark: SparkSession, tmp_path: Path) -> None:
    result = json.loads(run(str(shop(tmp_path, GOOD + BAD)), "--json"))
    events, items = result["checked"]
    assert (events["table"], events["becomes"], events["rows"]) == ("sales", "events", 25)
    assert {(b["rule"], b["column"]): (b["rows"], b["first_row"]) for b in events["broken"]} == {
        ("no_user", "user"): (1, 20),
        ("uncastable", "time"): (1, 21),
        ("uncastable", "paid"): (1, 22),
        ("time_in_future", "time"): (1, 23),
        ("duplicate_event", None): (1, 24),
    }
    first = events["samples"][0]
    assert (first["user_id"], first["item_id"], first["amount_minor"]) == ("u1", "i1", 150)
    assert first["event_time"].startswith("2024-03-02T09:00:00")
    assert (items["becomes"], items["rows"], [b["rule"] for b in items["broken"]]) == ("items", 3, ["no_item"])


def test_people_read_a_line_for_each_use_and_what_comes_next(spark: SparkSession, tmp_path: Path) -> None:
    output = run(str(shop(tmp_path, GOOD)), "--rows", "10")
    assert "sales → events: 10 rows of its file tried, 0 would go to quarantine" in output
    assert "items → items: 3 rows of its file tried, 1 would go to quarantine" in output
    assert "next: fuserank refresh --dataset shop" in output


def test_a_file_that_is_wrong_throughout_is_refused_as_a_run_would(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(IngestError, match=r"file sales\.csv, column line, row 0: no cell is a boolean"):
        run(str(shop(tmp_path, GOOD.splitlines()[-1].replace("20;", "twenty;") + "\n", line="boolean")))


def test_a_row_that_belongs_to_a_campaign_named_twice_is_one_row(spark: SparkSession, tmp_path: Path) -> None:
    path = shop(tmp_path, GOOD)
    (tmp_path / "campaigns.csv").write_text("campaign,start,end\nc1,2024-01-01,2024-02-01\nc1,2024-01-01,2024-02-01\n")
    (tmp_path / "sent.csv").write_text("campaign,user\nc1,u1\nc1,u2\nc1,\nc9,u1\n")
    mapping = yaml.safe_load(path.read_text())
    texts = {"campaign": "string", "user": "string"}
    days = {"campaign": "string", "start": "date", "end": "date"}
    mapping["files"] |= {
        "campaigns": {"path": "campaigns.csv", "format": "csv", "columns": days},
        "sent": {"path": "sent.csv", "format": "csv", "columns": texts},
    }
    mapping["dimensions"] |= {
        "campaigns": {
            "from": "campaigns",
            "campaign": "campaign",
            "start": "start",
            "end": "end",
            "known_at": {"column": "start"},
        },
        "campaign_users": {"from": "sent", **{c: c for c in texts}, "known_at": {"campaign": "campaign"}},
    }
    path.write_text(yaml.safe_dump(mapping))
    checked = {c["becomes"]: c for c in json.loads(run(str(path), "--json"))["checked"]}
    assert list(checked) == ["events", "campaigns", "items", "campaign_users"]
    sent = checked["campaign_users"]
    assert sent["rows"] == 4
    assert {b["rule"]: b["first_row"] for b in sent["broken"]} == {"no_user": 2, "not_known_at": 3}
