"""A mirror of trainings and champions in MLflow (https://mlflow.org); the truth is models.registry, models.aliases.

By its client alone: no global run, no other state of the process. Without a server it writes a database of SQLite, for
versions from 3.13 on refuse their store of plain files. The package is ``mlflow-skinny`` with the two that a database
needs; ``mlflow ui`` comes with the whole one.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from fuserank.config.track import TrackConfig
    from fuserank.io.runtime.tracked import Registered, Training

_SERVERS = ("http:", "https:", "databricks")
_PARAMS = 100  # of a batch, MLflow's own limit
_LONGEST = 500  # characters of a parameter, so that servers of older versions take it, too; settings.json has it whole


class MlflowRun:
    """A run of MLflow's for each training: settings as parameters, numbers as metrics, the model's card as an artifact,
    and a version of a registered model ``<experiment>.<kind>`` that leads to the model's files.
    """

    def __init__(self, training: Training) -> None:
        self._client, self._registry = client_of(training.config, training.root), Registry.of(training)
        found = self._client.get_experiment_by_name(self._registry.experiment)
        if found is None:
            served = _uri(training.config, training.root).startswith(_SERVERS)  # they know where artifacts go
            where = None if served else (training.root / "mlflow").absolute().as_uri()
            experiment = self._client.create_experiment(self._registry.experiment, artifact_location=where)
        else:
            experiment = found.experiment_id
        run = self._client.create_run(experiment, run_name=training.name, tags=dict(training.tags))
        self._run = run.info.run_id

    def settings(self, values: Mapping[str, Any]) -> None:
        """See Tracker."""
        from mlflow.entities import Param

        texts = {name: str(value) for name, value in values.items()}
        self._client.log_dict(self._run, texts, "settings.json")
        params = [Param(name, text[:_LONGEST]) for name, text in texts.items()]
        for low in range(0, len(params), _PARAMS):
            self._client.log_batch(self._run, params=params[low : low + _PARAMS])

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """See Tracker."""
        from mlflow.entities import Metric

        at = int(1000 * time.time())  # when it was logged: MLflow draws curves by it, too
        self._client.log_batch(self._run, metrics=[Metric(name, value, at, step) for name, value in values.items()])

    def registered(self, model: Registered) -> None:
        """See Tracker."""
        from mlflow.entities import RunTag

        self._client.log_dict(self._run, dict(model.card), "card.json")
        self.numbers(0, {f"model/{name.replace('@', ' at ')}": value for name, value in model.metrics.items()})
        tags = {"model_id": model.model_id, **model.tags}
        self._client.log_batch(self._run, tags=[RunTag(name, value) for name, value in tags.items()])
        self._registry.add(self._client, model, self._run)

    def close(self, failed: bool) -> None:
        """See Tracker."""
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


class Registry:
    """The registered model of a kind: a version for each model, found again by its tag ``model_id``."""

    def __init__(self, experiment: str, kind: str) -> None:
        self.experiment, self.name = experiment, f"{experiment}.{kind}"

    @classmethod
    def of(cls, training: Training) -> Registry:
        """That of a training."""
        return cls(training.config.mlflow.experiment or training.dataset, training.kind)

    def add(self, client: MlflowClient, model: Registered, run: str | None) -> str:
        """A version that leads to the model's files; its number."""
        if not client.search_registered_models(f"name='{self.name}'"):
            client.create_registered_model(self.name, description="mirror of models.registry, which fuserank writes")
        tags = {"model_id": model.model_id, **model.tags}
        return str(client.create_model_version(self.name, model.place, run_id=run, tags=tags).version)

    def follow(self, client: MlflowClient, aliases: Mapping[str, Registered], every: tuple[str, ...]) -> None:
        """Set its aliases to those of models.aliases; of ``every`` alias, those that are not there are taken away. A
        model that was trained without the mirror gets its version now.
        """
        for alias, model in aliases.items():
            found = client.search_model_versions(f"name='{self.name}' and tags.model_id='{model.model_id}'")
            version = max((int(v.version) for v in found), default=None)
            at = self.add(client, model, None) if version is None else str(version)
            client.set_registered_model_alias(self.name, alias, at)
        for alias in set(every) - set(aliases):
            client.delete_registered_model_alias(self.name, alias)


def mirror_aliases(training: Training, aliases: Mapping[str, Registered], every: tuple[str, ...]) -> None:
    """The aliases of a kind, in MLflow's registry.

    :raises Exception: MLflow's own, where its store cannot be reached
    """
    Registry.of(training).follow(client_of(training.config, training.root), aliases, every)


def client_of(config: TrackConfig, root: Path) -> MlflowClient:
    """What writes to the store that the settings name, or to the one in the folder of trackings."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would tell its makers what is called
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # a line for each step of a new database's making
    root.mkdir(parents=True, exist_ok=True)
    uri = _uri(config, root)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _uri(config: TrackConfig, root: Path) -> str:
    own = f"sqlite:///{(root / 'mlflow.db').absolute()}"
    return config.mlflow.uri or os.environ.get("MLFLOW_TRACKING_URI") or own
