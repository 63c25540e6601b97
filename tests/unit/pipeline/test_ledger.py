"""A run notes what its plan said and how far off it was, people are shown it, and the next plan goes by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuserank.io.lake import survey
from fuserank.usecases import chain, refresh
from tests.support.tinyshop import AS_OF, ITEMS, USERS, purchases, write_shop


@pytest.mark.proof
@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_prediction_against_actual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fuserank.cli.inspect import runs
    from fuserank.config.settings import load

    write_shop(tmp_path)
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    monkeypatch.setattr(
        refresh, "steps", lambda as_of, _, dataset: chain.ingest(as_of, dataset)
    )  # enough to learn from
    monkeypatch.setattr(refresh, "_summary", lambda *_: None)
    lake = str(tmp_path / "lake")
    settings = load("local", ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={lake}", "run.quiet=true"])
    refresh.run_chain(settings, with_report=False)

    (run,) = survey.runs(lake)
    noted, seconds = run["metrics"], run["stage_seconds"]
    assert noted["plan.off.silver"] == pytest.approx(seconds["silver"] / noted["plan.seconds.silver"])
    assert noted["plan.seconds.silver"] == noted["plan.base_seconds.silver"] > 0
    assert noted["plan.off_rows.silver.events"] == pytest.approx(1, rel=0.01)
    assert noted["plan.off"] > 0

    found = refresh.predicted(settings)
    assert (found.former_runs, found.shop.users, found.shop.items) == (1, USERS, ITEMS)
    assert found.said_by == {"users": "the ledger", "items": "the ledger"}
    assert found.shop.events == pytest.approx(len(purchases()), rel=0.01)
    assert set(found.shop.new_rows.values()) == {0}  # the files are in
    silver = next(s for s in found.plan.stages if s.label == "silver")
    assert silver.factor == pytest.approx(seconds["silver"] / noted["plan.base_seconds.silver"])

    runs(lake=lake, as_json=True)
    (listed,) = json.loads(capsys.readouterr().out)["runs"]
    assert listed["metrics"]["plan.off"] == noted["plan.off"]
    runs(lake=lake)  # into a pipe: a run a line
    line = next(line for line in capsys.readouterr().out.splitlines() if listed["run_id"] in line)
    assert f"{noted['plan.off']:.2f}×" in line
    runs(listed["run_id"], lake=lake)
    whole = capsys.readouterr().out
    assert whole.startswith(f"run {listed['run_id']}: refresh as of {AS_OF}, succeeded after ")
    assert f"{run['rows_written']['silver.events']:12,}  silver.events" in whole
    assert f"{seconds['silver']:8.1f} s  silver" in whole

    sales = tmp_path / "files" / "sales.csv"
    sales.write_text(sales.read_text(encoding="utf-8"), encoding="utf-8")  # changed since it came in: may be new
    assert refresh.predicted(settings).shop.new_rows["bronze.tinyshop_sales"] > 0
