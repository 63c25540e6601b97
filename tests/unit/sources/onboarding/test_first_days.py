"""Files looked at without Spark tell whether a run can be: each way a mapping tells times, types and rewards."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.settings import load
from fuserank.sources.onboarding.scan.first_days import taken_days
from fuserank.usecases.limits import refuse_impossible

AS_OF = dt.date(2023, 5, 1)
DAYS = [dt.date(2023, 1, 1) + dt.timedelta(days=n) for n in range(120)]
TIMES = {
    "csv": (lambda d: f"{d}T10:00:00Z", "timestamp"),
    "epoch": (
        lambda d: str(int(dt.datetime(d.year, d.month, d.day, 10, tzinfo=dt.UTC).timestamp() * 1000)),
        "epoch_millis",
    ),
    "pattern": (lambda d: f"{d.day}.{d.month}.{d.year} 10:00", {"type": "timestamp", "pattern": "d.M.yyyy H:mm"}),
}


def mapping(root: Path, files: dict[str, Any], events: dict[str, Any] | None = None) -> DatasetConfig:
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(root)},
        "files": {"e": files},
        "events": [
            {
                "from": "e",
                "user": "u",
                "item": "i",
                "time": "t",
                "key": ["u", "i", "t"],
                **(events or {"type": "purchase", "role": "feedback"}),
            }
        ],
    }
    return parse_dataset(raw, "x.yaml")


def rows(cell: Any) -> list[tuple[str, str, str]]:
    return [(f"u{n % 4}", f"i{n % 6}", cell(d)) for n, d in enumerate(DAYS)]


@pytest.mark.parametrize("kind", TIMES)
def test_csv_tells_its_days_users_and_items(tmp_path: Path, kind: str) -> None:
    cell, column = TIMES[kind]
    (tmp_path / "e.csv").write_text("u;i;t\n" + "".join(";".join(r) + "\n" for r in rows(cell)))
    files = {"path": "e.csv", "format": "csv", "delimiter": ";", "columns": {"u": "string", "i": "string", "t": column}}
    found = taken_days(str(tmp_path), mapping(tmp_path, files), AS_OF, 28)
    assert found is not None
    assert (dict(found.days), found.items, found.back) == (dict.fromkeys(DAYS, 1), 6, {2: 4, 1: 4})


def test_parquet_and_json_tell_them_too(tmp_path: Path) -> None:
    events = [dict(zip("uit", r, strict=True)) for r in rows(lambda d: f"{d} 10:00:00")]
    pq.write_table(pa.Table.from_pylist(events), tmp_path / "e.parquet")
    (tmp_path / "e.jsonl").write_text(
        "".join(f'{{"u": "{r["u"]}", "i": "{r["i"]}", "t": "{r["t"]}"}}\n' for r in events)
    )
    for name, form in (("e.parquet", "parquet"), ("e.jsonl", "jsonl")):
        files = {"path": name, "format": form, "columns": {"u": "string", "i": "string", "t": "timestamp"}}
        found = taken_days(str(tmp_path), mapping(tmp_path, files), AS_OF, 28)
        assert found is not None
        assert (dict(found.days), found.items) == (dict.fromkeys(DAYS, 1), 6)


@pytest.mark.parametrize("pattern", ["dd-MM-yyyy", "MM-dd-yyyy", "yyyy-MM-dd"])
def test_times_in_json_lines_are_read_as_they_are_written(tmp_path: Path, pattern: str) -> None:
    form = pattern.replace("dd", "%d").replace("MM", "%m").replace("yyyy", "%Y")
    text = "".join(
        f'{{"u": {n % 4}, "i": "{i}", "t": "{d:{form}}"}}\n'
        for n, (d, i) in enumerate(zip(DAYS, "ab" * 60, strict=True))
    )
    (tmp_path / "e.jsonl").write_text(text)
    column = {"type": "date", "pattern": pattern}
    files = {"path": "e.jsonl", "format": "jsonl", "columns": {"u": "string", "i": "string", "t": column}}
    found = taken_days(str(tmp_path), mapping(tmp_path, files), AS_OF, 28)
    assert found is not None
    assert dict(found.days) == dict.fromkeys(DAYS, 1)


@pytest.mark.parametrize(
    ("cell", "column", "missing", "counts"),
    [
        ("", "double", 0.1, True),
        ("", "double", None, False),
        ("", "double", -0.1, False),
        ("-1", {"type": "double", "nulls": ["-1"]}, 0.1, True),
        ("-1", "double", 0.1, False),
        ("1.234,50", {"type": "decimal", "decimal": ","}, None, True),
        ("$ 1,234.50", "decimal", None, True),
        ("-1.234,50", {"type": "decimal", "decimal": ","}, None, False),
        ("much", "double", None, False),
    ],
)
def test_rewards_are_what_the_chain_makes_of_a_cell(
    tmp_path: Path, cell: str, column: Any, missing: float | None, counts: bool
) -> None:
    (tmp_path / "e.csv").write_text("u;i;t;r\n" + "".join(f"u;i;{d};{cell}\n" for d in DAYS))
    columns = {"u": "string", "i": "string", "t": "date", "r": column}
    files = {"path": "e.csv", "format": "csv", "delimiter": ";", "columns": columns}
    events = {"type": "rating", "role": "feedback", "reward": {"column": "r", "missing": missing}}
    found = taken_days(str(tmp_path), mapping(tmp_path, files, events), AS_OF, 28)
    assert found is not None
    assert sum(found.days.values()) == (len(DAYS) if counts else 0)


def test_only_feedback_worth_something_counts(tmp_path: Path) -> None:
    types = ["view", "buy", "return", "3", "5"]
    (tmp_path / "e.csv").write_text(
        "u,i,t,k,r\n" + "".join(f"u,i,{d},{types[n % 3]},{n % 5 + 1}\n" for n, d in enumerate(DAYS))
    )
    files = {
        "path": "e.csv",
        "format": "csv",
        "columns": {"u": "string", "i": "string", "t": "date", "k": "string", "r": "long"},
    }
    by_type = {
        "type_column": "k",
        "types": {
            "view": {"type": "view", "role": "exposure"},
            "buy": {"type": "purchase", "role": "feedback"},
            "return": {"type": "return", "role": "reversal"},
        },
    }
    by_rating = {"type": "rating", "role": "feedback", "reward": {"column": "r", "scale": 0.5, "offset": -1.5}}
    for events, count in ((by_type, 40), (by_rating, 48)):
        found = taken_days(str(tmp_path), mapping(tmp_path, files, events), AS_OF, 28)
        assert found is not None
        assert sum(found.days.values()) == count


@pytest.mark.parametrize(
    ("as_of", "refused"),
    [("2023-05-01", False), ("2023-05-28", False), ("2023-08-01", True), ("2022-08-01", True), ("2023-01-20", True)],
)
def test_a_run_as_of_a_day_without_history_is_refused_before_spark(tmp_path: Path, as_of: str, refused: bool) -> None:
    (tmp_path / "e.csv").write_text("u,i,t\n" + "".join(",".join(r) + "\n" for r in rows(str)))
    files = {"path": "*.csv", "format": "csv", "columns": {"u": "string", "i": "string", "t": "date"}}
    settings = load("local", [f"as_of={as_of}", f"lake={tmp_path}/lake"])
    if refused:
        with pytest.raises(FuserankError, match=r"2023-01-01 \.\. 2023-04-30; --as-of 2023-05-01 can do"):
            refuse_impossible(settings, mapping(tmp_path, files))
    else:
        refuse_impossible(settings, mapping(tmp_path, files))
    assert not (tmp_path / "lake").exists()
