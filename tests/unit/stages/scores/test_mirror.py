"""Promotions by the job, in a real store of MLflow: the lake's aliases and the mirror's are the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import Settings, changed
from fuserank.io.lake.lake import Lake
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.run import Run
from fuserank.io.runtime.tracking_mlflow import client_of
from fuserank.jobs import demote, promote, train
from fuserank.tables.results import ALIASES

AS_OF = dt.date(2017, 12, 4)


@pytest.mark.track
def test_what_the_jobs_promote_and_demote_is_champion_in_mlflow_too(
    delta_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    settings = Settings.model_validate(
        {"as_of": AS_OF, "lake": delta_lake.root, "track": {"to": ["mlflow"], "folder": str(tmp_path / "track")}}
    )

    def run(**more: Any) -> Run:
        of = changed(settings, {name.replace("__", "."): value for name, value in more.items()})
        return Run(
            delta_lake.spark, of, delta_lake, AS_OF, f"run {more}", dt.datetime.now(dt.UTC), Progress(quiet=True)
        )

    curve = [{"epoch": 1, "step": 2, "train_loss": 0.5, "valid_loss": 0.4, "valid_ndcg@10": 0.3}]
    ids = []
    for n in range(2):
        card = {"kind": "fnn", "model": {}, "train": {"stop_on": "loss"}, "train_rows": 7}
        arrays = {"weight": np.full(3, n, np.float32)}
        row = train.register(run(), AS_OF, arrays, card, {"steps": [], "validations": curve}, version=0)
        ids.append(row["model_id"])
        promote.execute(run(promote__model="fnn"), AS_OF)
    client = client_of(settings.track, tmp_path / "track")

    def champions() -> dict[str, str]:
        name = f"{settings.dataset}.fnn"
        found = client.get_registered_model(name).aliases
        return {alias: client.get_model_version(name, at).tags["model_id"] for alias, at in found.items()}

    assert champions() == {"champion": ids[1], "previous": ids[0]}
    demote.execute(run(promote__model="fnn"), AS_OF)
    assert champions() == {"champion": ids[0]}
    (tmp_path / "track" / "mlflow.db").rename(tmp_path / "track" / "gone")
    (tmp_path / "track" / "mlflow.db").mkdir()
    with pytest.raises(
        FuserankError, match=r"has the champion of fnn, and mlflow could not follow .*promote fnn@champ"
    ):
        promote.execute(run(promote__model=ids[1]), AS_OF)
    assert delta_lake.read(ALIASES).orderBy("number").collect()[-1].model_id == ids[1]
    (tmp_path / "track" / "mlflow.db").rmdir()
    (tmp_path / "track" / "gone").rename(tmp_path / "track" / "mlflow.db")
    promote.execute(run(promote__model="fnn@champion"), AS_OF)
    assert champions() == {"champion": ids[1], "previous": ids[0]}
