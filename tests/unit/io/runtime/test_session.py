"""The session: what must stand before the JVM starts, here and on Databricks."""

from __future__ import annotations

import pytest

from fuserank.io.runtime.session import REQUIRED, SessionError, refuse_other_version, required


def test_delta_s_settings_are_required_where_the_runtime_does_not_bring_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    assert required() == REQUIRED
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert set(required()) == {"spark.sql.session.timeZone", "spark.sql.parquet.outputTimestampType"}


def test_settings_of_another_version_are_refused_with_the_cure() -> None:
    for daemon in ("", "pyspark.daemon", "fuserank.io.runtime.daemon"):
        refuse_other_version(daemon)
    for daemon in ("fuserank.io.daemon", "fuserank.gone.daemon"):
        with pytest.raises(SessionError, match=f"is {daemon}, of another version of fuserank; run `fuserank setup`"):
            refuse_other_version(daemon)
