"""A training as trackers see it: its settings, what rank 0 reports, the model that came of it; and the champions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.io.runtime.run import git_revision
from fuserank.io.runtime.tracked import Registered, Tracker, Training
from fuserank.io.runtime.tracking import begun
from fuserank.io.runtime.tracking_mlflow import mirror_aliases
from fuserank.jobs.inputs.train_progress import TrainingProgress
from fuserank.stages.scores.aliases import NAMES, Promotion

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Row
    from fuserank.io.runtime.run import Run
    from fuserank.jobs.parts.train_task import TrainTask

_NAMES = {
    "loss": "train/loss",
    "train_loss": "train/loss since the last validation",
    "valid_loss": "valid/loss",
    "valid_ndcg@10": "valid/ndcg at 10",
}


class Followers:
    """The screen, and the trackers of ``track.to``: they take the reports of rank 0, then the model. A tracker that
    fails meanwhile is left out from then on, with a line: a training of hours does not end by its mirror.
    """

    def __init__(self, run: Run, training: Training) -> None:
        self._say, self._shows = run.say, TrainingProgress(run)
        self._trackers, self._lost = dict[str, Tracker](), dict[str, Tracker]()
        for name in training.config.to:
            try:
                self._trackers[name] = begun(name, training)
            except Exception as problem:
                self.close(True)
                raise FuserankError(
                    f"track.to names {name}, which cannot begin ({type(problem).__name__}: {_first_line(problem)});"
                    " look at the settings of track, or --set 'track.to=[]'"
                ) from problem

    def report(self, event: dict[str, Any]) -> None:
        """What rank 0 says of a step or a validation."""
        self._shows(event)
        numbers = {_NAMES[name]: float(value) for name, value in event.items() if name in _NAMES}
        if numbers:
            self._each("numbers", event["step"], numbers)

    def settings(self, values: Mapping[str, Any]) -> None:
        """Those of the training."""
        self._each("settings", values)

    def registered(self, home: str, row: Row, card: Mapping[str, Any]) -> None:
        """The model as models.registry has it."""
        self._each("registered", registered(home, row, card))

    def close(self, failed: bool) -> None:
        """Nothing more comes; a tracker that was left out is closed as failed, so that no run of it stays open."""
        self._each("close", failed)
        for tracker in self._lost.values():
            with suppress(
                Exception
            ):  # it was a line of the run when the tracker was lost; that its run ends is one try more
                tracker.close(True)

    def _each(self, call: str, *values: Any) -> None:
        for name, tracker in list(self._trackers.items()):
            try:
                getattr(tracker, call)(*values)
            except Exception as problem:  # of whatever class that program raises; it is said, and the tracker gone
                del self._trackers[name]
                if call != "close":
                    self._lost[name] = tracker
                self._say(f"    {name} does not follow any more ({type(problem).__name__}: {_first_line(problem)})")


@contextmanager
def followed(run: Run, task: TrainTask, versions: Mapping[str, int]) -> Iterator[Followers]:
    """What follows a training, to its end.

    :param versions: of the tables that it reads
    :raises FuserankError: a tracker cannot begin; nothing is trained yet
    """
    kind = task.model.kind
    training = Training.of(run.settings, run.run_id, kind, _tags(run, kind, versions))
    values = {"run": run.run_id, "as of": run.as_of, "seed": task.seed}
    values |= {f"model.{name}": value for name, value in task.model.model_dump(mode="json").items()}
    values |= {f"train.{name}": value for name, value in task.train.model_dump(mode="json").items()}
    found, failed = Followers(run, training), True
    try:
        found.settings(values)
        yield found
        failed = False
    finally:
        found.close(failed)


def registered(home: str, row: Row, card: Mapping[str, Any]) -> Registered:
    """A row of models.registry as trackers take it; ``home``: what its artifact lies below."""
    tags = {"sha256": row["artifact_sha256"], **_versions(row["table_versions"])}
    return Registered(row["model_id"], f"{home}/{row['artifact']}", tags, row["metrics"], card)


def mirror(run: Run, home: str, kind: str, aliases: Mapping[str, Promotion]) -> None:
    """The champions of a kind where ``track.to`` names a program that has such: MLflow.

    :raises FuserankError: it could not follow; models.aliases has them all the same
    """
    if "mlflow" not in run.settings.track.to:
        return
    try:
        models = {alias: registered(home, p.as_dict(), {}) for alias, p in aliases.items()}
        mirror_aliases(Training.of(run.settings, run.run_id, kind, {}), models, NAMES)
    except Exception as problem:
        raise FuserankError(
            f"models.aliases has the champion of {kind}, and mlflow could not follow ({type(problem).__name__}:"
            f" {_first_line(problem)}); `fuserank models promote {kind}@champion` tells it again"
        ) from problem


def _tags(run: Run, kind: str, versions: Mapping[str, int]) -> dict[str, str]:
    """Where a training comes from; the revision is left out where the code does not run from a checkout."""
    found = {"run": run.run_id, "as of": str(run.as_of), "kind": kind, "dataset": run.settings.dataset}
    revision = git_revision()
    return found | _versions(versions) | ({"code": revision} if revision else {})


def _versions(versions: Mapping[str, int]) -> dict[str, str]:
    return {f"version of {table}": str(version) for table, version in sorted(versions.items())}


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or ["no words"])[0][:300]
