"""A training as trackers see it: its settings, and what rank 0 reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.io.runtime.tracking import opened
from fuserank.jobs.inputs.train_progress import TrainingProgress

if TYPE_CHECKING:
    from fuserank.io.runtime.ranks import Report
    from fuserank.io.runtime.run import Run
    from fuserank.jobs.parts.train_task import TrainTask

_NAMES = {
    "loss": "train/loss",
    "train_loss": "train/loss since the last validation",
    "valid_loss": "valid/loss",
    "valid_ndcg@10": "valid/ndcg at 10",
}


@contextmanager
def followed(run: Run, task: TrainTask) -> Iterator[Report]:
    """What takes the reports of rank 0: the screen, and the trackers of ``track.to``, which are closed afterwards."""
    config, shows = run.settings.track, TrainingProgress(run)
    folder = Path(config.folder or f"{run.settings.out}/track") / run.run_id / task.model.kind
    trackers = opened(config.to, folder)
    values = {"run": run.run_id, "as of": run.as_of, "seed": task.seed}
    values |= {f"model.{name}": value for name, value in task.model.model_dump(mode="json").items()}
    values |= {f"train.{name}": value for name, value in task.train.model_dump(mode="json").items()}

    def report(event: dict[str, Any]) -> None:
        shows(event)
        numbers = {_NAMES[name]: float(value) for name, value in event.items() if name in _NAMES}
        for tracker in trackers if numbers else []:
            tracker.numbers(event["step"], numbers)

    try:
        for tracker in trackers:
            tracker.settings(values)
        yield report
    finally:
        for tracker in trackers:
            tracker.close()
