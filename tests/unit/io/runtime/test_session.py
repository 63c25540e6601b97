"""The session: what must stand before the JVM starts, here and on Databricks."""

from __future__ import annotations

import pytest

from fuserank.io.runtime.session import REQUIRED, required


def test_delta_s_settings_are_required_where_the_runtime_does_not_bring_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    assert required() == REQUIRED
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert set(required()) == {"spark.sql.session.timeZone", "spark.sql.parquet.outputTimestampType"}
