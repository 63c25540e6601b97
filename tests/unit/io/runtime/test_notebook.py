"""What notebooks begin with: where parameters come from, and how a lake is found and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.io.runtime.notebook import explain, look, open_notebook, parameters
from fuserank.tables.ops import RUNS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Widgets:
    """What Databricks' dbutils.widgets does: a widget keeps the value that a person gave it."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.widgets = self  # it is its own dbutils

    def text(self, name: str, default: str, label: str) -> None:
        self.values.setdefault(name, default)

    def get(self, name: str) -> str:
        return self.values[name]


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUSERANK_LAKE", "FUSERANK_ENV", "FUSERANK_AS_OF"):
        monkeypatch.delenv(name, raising=False)


def test_on_databricks_widgets_say_which_lake_and_the_environment_is_databricks() -> None:
    found = parameters(Widgets(lake=" dbfs:/lake ", as_of="2017-12-04"))
    assert found == {"lake": "dbfs:/lake", "env": "databricks", "as_of": "2017-12-04"}


def test_elsewhere_environment_variables_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parameters() == {"lake": "", "env": "local", "as_of": ""}
    monkeypatch.setenv("FUSERANK_LAKE", "/lakes/a")
    monkeypatch.setenv("FUSERANK_ENV", "cluster")
    assert parameters() == {"lake": "/lakes/a", "env": "cluster", "as_of": ""}


def test_a_notebook_opens_the_session_that_runs_and_a_lake_beside_conf(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf" / "env").mkdir(parents=True)
    (tmp_path / "conf" / "base.yaml").write_text("as_of: 2024-01-01\n", encoding="utf-8")
    (tmp_path / "conf" / "env" / "local.yaml").write_text("lake: here\n", encoding="utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    settings, lake = open_notebook(Widgets(env="local", as_of="2024-06-03"))
    assert lake.root == str(tmp_path / "here")
    assert str(settings.as_of) == "2024-06-03"
    assert lake.spark is spark or lake.spark.sparkContext is spark.sparkContext


def test_only_the_rows_that_are_shown_reach_the_driver(spark: SparkSession) -> None:
    table = look(spark.range(1000).orderBy("id"), rows=3)
    assert table.to_dict("list") == {"id": [0, 1, 2]}
    assert list(look(spark.range(0)).columns) == ["id"]


def test_a_contract_explains_its_columns_and_a_row_its_values() -> None:
    assert list(explain(RUNS).column) == list(RUNS.column_names)
    row = explain(RUNS, {"run_id": "r1", "seconds": 1.5, "beside": 1})
    assert row[["column", "value", "unit"]].values.tolist() == [["run_id", "r1", "id"], ["seconds", "1.5", "seconds"]]
