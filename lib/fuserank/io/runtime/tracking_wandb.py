"""Trainings as runs of Weights & Biases (https://wandb.ai): offline, as files for `wandb sync`, or online."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuserank.io.runtime.tracked import Registered, Training


class WandbRun:
    """A run for each training: settings as its config, numbers as its history, the model's own as its summary, and the
    model's card as a file of it. It has no name or load of the machine, no code and no packages.
    """

    def __init__(self, training: Training) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # crashes would go to its makers
        import wandb

        config, root = training.config.wandb, training.root
        root.mkdir(parents=True, exist_ok=True)
        quiet = wandb.Settings(
            console="off",
            disable_code=True,
            disable_git=True,
            host="",
            silent=True,
            x_disable_machine_info=True,
            x_disable_meta=True,
            x_disable_stats=True,
            x_save_requirements=False,
        )
        self._run: Any = wandb.init(
            dir=str(root),
            mode=config.mode,
            project=config.project or training.dataset,
            entity=config.entity,
            name=training.name,
            group=training.kind,
            config=dict(training.tags),
            reinit="create_new",
            settings=quiet,
        )

    def settings(self, values: Mapping[str, Any]) -> None:
        """See Tracker."""
        self._run.config.update(dict(values))

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        self._run.log(dict(values), step=step)

    def registered(self, model: Registered) -> None:
        """See Tracker."""
        self._run.config.update({"model_id": model.model_id, **model.tags}, allow_val_change=True)
        self._run.summary.update({f"model/{name}": value for name, value in model.metrics.items()})
        file = Path(self._run.dir) / "card.json"
        file.write_text(json.dumps(dict(model.card), default=str), encoding="utf-8")
        self._run.save(str(file), base_path=str(file.parent), policy="now")

    def close(self, failed: bool) -> None:
        """See Tracker."""
        self._run.finish(exit_code=int(failed))
