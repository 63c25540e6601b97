"""A training as TensorBoard sees it: a model trained here, by one rank, on planted rows."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.io.batches.epoch_plan import read_manifest
from fuserank.io.runtime import tracking
from fuserank.io.runtime.progress import Progress
from fuserank.io.runtime.run import Run
from fuserank.jobs.parts.train_task import make_task, train_rank
from fuserank.jobs.parts.train_tracking import followed
from tests.support.shards import write_shards

DAY = dt.date(2017, 12, 4)


def test_curves_and_settings_of_a_training_are_there_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    more = ["train.ranks=1", "train.batch=256", "train.epochs=2", "train.log_steps=2", "train.reader=pyarrow"]
    tracked = [f"track.folder={tmp_path / 'track'}", "track.to=[tensorboard]"]
    settings = load("local", [f"as_of={DAY}", *more, *tracked])
    run = Run(None, settings, None, DAY, "run-1", dt.datetime.now(dt.UTC), Progress(quiet=True))  # type: ignore[arg-type]
    files = read_manifest(write_shards(tmp_path / "shards", [600, 600]))
    task = make_task(settings, "logistic", files, files, str(tmp_path / "checkpoints"))
    with followed(run, task) as report:
        train_rank(task, tmp_path, report)

    seen = EventAccumulator(str(tmp_path / "track" / "run-1" / "logistic")).Reload()
    curves = json.loads((tmp_path / "artifact" / "curves.json").read_text())
    for name, rows, key in (
        ("train/loss", curves["steps"], "loss"),
        ("valid/loss", curves["validations"], "valid_loss"),
        ("valid/ndcg at 10", curves["validations"], "valid_ndcg@10"),
    ):
        assert rows
        assert [(e.step, e.value) for e in seen.Scalars(name)] == [(r["step"], pytest.approx(r[key])) for r in rows]
    (text,) = seen.Tensors("settings/text_summary")
    (table,) = text.tensor_proto.string_val
    assert b"| train.batch | 256 |" in table
    assert b"| run | run-1 |" in table


def test_a_tracker_that_is_not_installed_is_refused_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    tracking.refuse_missing(())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        FuserankError, match=r"track\.to names tensorboard, which is not installed here; .* extra track"
    ):
        tracking.refuse_missing(("tensorboard",))
