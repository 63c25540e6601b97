"""Where ranks leave what they make, and what of it is shown."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.pinned import shared_folder

_SHOW_SECONDS = 5.0  # between two lines of steps


@contextmanager
def ranks_folder(run: Run) -> Iterator[Path]:
    """Where this run's ranks leave progress, tracebacks and the artifact; gone afterwards."""
    if run.settings.ranks.place == "driver":
        with tempfile.TemporaryDirectory(prefix="fuserank-train-") as place:
            yield Path(place)
        return
    shared = Path(shared_folder(run)) / "ranks" / run.run_id  # readable for executors that run as somebody else
    shared.mkdir(parents=True)
    try:
        yield shared
    finally:
        shutil.rmtree(shared, ignore_errors=True)


@dataclass
class TrainingProgress:
    """Progress on the screen: every validation, and a step now and then."""

    run: Run
    last: float = 0.0

    def __call__(self, event: dict[str, Any]) -> None:
        if "resumed" in event:
            self.run.say(f"    resumed from the checkpoint after step {event['resumed']}, in epoch {event['epoch']}")
        elif "valid_loss" in event:
            self.run.say(
                f"    epoch {event['epoch']}, step {event['step']}: train loss {event['train_loss']:.5f}, "
                f"valid loss {event['valid_loss']:.5f}, valid NDCG@10 {event['valid_ndcg@10']:.4f}"
            )
        elif "minutes" in event:
            self.run.say(f"    the {event['minutes']:g} minutes are over after step {event['step']}")
        elif time.monotonic() - self.last > _SHOW_SECONDS:
            self.last = time.monotonic()
            self.run.progress.step(
                f"epoch {event['epoch']}, step {event['step']}/{event['steps']}, loss {event['loss']:.4f}"
            )
