"""Curves and settings of a training for other programs to show: by one small interface, a class a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fuserank.common.extras import require
from fuserank.io.runtime.tracked import Registered, Tracker, Training
from fuserank.io.runtime.tracking_mlflow import MlflowRun
from fuserank.io.runtime.tracking_wandb import WandbRun


class TensorBoard:
    """Event files in a folder of the training's own."""

    def __init__(self, training: Training) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(training.folder), flush_secs=5)
        self._tags = training.tags

    def settings(self, values: Mapping[str, Any]) -> None:
        """See Tracker; a table on the tab Text."""
        self._table("settings", "setting", {**self._tags, **values})

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def registered(self, model: Registered) -> None:
        """See Tracker; a table on the tab Text."""
        self._table("model", "of the model", {"model": model.model_id, **model.tags, **model.metrics})

    def close(self, failed: bool) -> None:
        """See Tracker."""
        self._writer.close()

    def _table(self, name: str, head: str, values: Mapping[str, Any]) -> None:
        rows = "".join(f"\n| {key} | {value} |" for key, value in values.items())
        self._writer.add_text(name, f"| {head} | value |\n|---|---|{rows}")


_TRACKERS: dict[str, Callable[[Training], Tracker]] = {
    "tensorboard": TensorBoard,
    "mlflow": MlflowRun,
    "wandb": WandbRun,
}
# what is imported, of which extra
_PACKAGES = {
    "tensorboard": {"tensorboard": "track"},
    "mlflow": {"mlflow": "mlflow", "sqlalchemy": "mlflow", "alembic": "mlflow"},
    "wandb": {"wandb": "wandb"},
}


def refuse_missing(names: tuple[str, ...]) -> None:
    """:raises FuserankError: a package of a tracker is not installed"""
    for name in names:
        rest = [other for other in names if other != name]
        for package, extra in _PACKAGES[name].items():
            what = name if package == name else f"{name}, which needs {package}"
            require(package, extra, f"track.to names {what}", f", or --set 'track.to=[{','.join(rest)}]'")


def begun(name: str, training: Training) -> Tracker:
    """The tracker of that name, which follows the training from now on.

    :raises Exception: it cannot begin, by its own program's error
    """
    return _TRACKERS[name](training)
