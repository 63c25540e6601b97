"""All settings of a run: what ships, over it the project's conf/, over all what the command line overrides."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from fuserank.config import secrets, yaml_text
from fuserank.config.base import Section
from fuserank.config.candidates import CandidatesConfig
from fuserank.config.deploy import DeployConfig
from fuserank.config.evaluation import EvaluationConfig
from fuserank.config.features import FeaturesConfig
from fuserank.config.fusion import FusionConfig
from fuserank.config.model import ModelConfig, ModelSettings
from fuserank.config.models import ModelsConfig, PromoteConfig, checked, declared
from fuserank.config.places import SettingsError, conf_dir, layers, mapping_file, read_yaml
from fuserank.config.publish import PublishConfig
from fuserank.config.quality import QualityConfig
from fuserank.config.ranking import RankingConfig
from fuserank.config.ranks import RanksConfig
from fuserank.config.samples import SamplesConfig
from fuserank.config.serving import ServingConfig
from fuserank.config.store import StoreConfig
from fuserank.config.stream import StreamConfig
from fuserank.config.track import TrackConfig
from fuserank.config.train import TrainConfig


class RunConfig(Section):
    """How a run behaves beside what it computes; no number of any table depends on it."""

    quiet: bool = Field(False, description="no progress on stderr")
    lock_wait_seconds: float = Field(30.0, ge=0, description="seconds to wait for another run on the same lake")
    executors_wait_seconds: float = Field(
        60.0, ge=0, description="seconds that a cluster has to give the first executor"
    )
    check_disk: bool = Field(
        True, description="refuse to begin where the lake's or Spark's disk is smaller than the plan"
    )
    lanes: int = Field(2, ge=1, description="steps of the chain that may run side by side, where their tables allow it")


class WindowsConfig(Section):
    """Lengths of the windows of time that labels and truth come from."""

    label_days: int = Field(28, ge=1, description="days of a label window: train, valid and evaluation alike")


class Settings(Section):
    """Everything a run may be told."""

    env: Literal["local", "cluster", "databricks"] = Field(
        "local", description="where it runs; conf/env/<env>.yaml lies over conf/base.yaml"
    )
    dataset: str = Field("completejourney", pattern=r"^[a-z0-9_]+$", description="conf/datasets/<name>.yaml")
    as_of: dt.date = Field(description="00:00 UTC of this day; nothing later is used")
    lake: str = Field(
        "lake", description="root of the lake: a folder, a URL that Spark reads, or catalog:<catalog>.<schema>"
    )
    files: str | None = Field(
        None, description="folder or URL that models/ lies in; default: the lake's root, which a catalog has not"
    )
    vault: str | None = Field(
        None, description="root of vault.users, where data sets have pseudonyms; default: the lake's"
    )
    out: str = Field("out", description="folder of the report and figures")
    seed: int = Field(20171204, ge=1, description="seed of everything random; 0 counts as none in Petastorm")
    run: RunConfig = RunConfig()
    windows: WindowsConfig = WindowsConfig()
    quality: QualityConfig = QualityConfig()
    candidates: CandidatesConfig = CandidatesConfig()
    features: FeaturesConfig = FeaturesConfig()
    samples: SamplesConfig = SamplesConfig()
    models: ModelsConfig = ModelsConfig()
    promote: PromoteConfig = PromoteConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    track: TrackConfig = TrackConfig()
    ranks: RanksConfig = RanksConfig()
    fusion: FusionConfig = FusionConfig()
    ranking: RankingConfig = RankingConfig()
    publish: PublishConfig = PublishConfig()
    store: StoreConfig = StoreConfig()
    serving: ServingConfig = ServingConfig()
    stream: StreamConfig = StreamConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    deploy: DeployConfig = DeployConfig()
    spark: dict[str, str] = Field(default_factory=dict, description="Spark settings that may change in a live session")
    submit: dict[str, str] = Field(default_factory=dict, description="what counts before the JVM starts; see conf/env")

    @field_validator("spark", "submit")
    @classmethod
    def _holds_no_secret(cls, values: dict[str, str]) -> dict[str, str]:
        wrong = [found for key, value in values.items() if (found := secrets.problem(key, value))]
        if wrong:
            raise ValueError("; ".join(wrong))
        return values

    @field_validator("lake", "files", "vault", "out")
    @classmethod
    def _is_no_secret(cls, url: str | None) -> str | None:
        if url and (wrong := secrets.url_problem(url)):
            raise ValueError(wrong)
        return url

    @model_validator(mode="after")
    def _every_model_can_train(self) -> Settings:
        for name in dict.fromkeys((*self.models.use, *self.models.train)):
            self.training_of(name)
        return self

    def settings_of(self, name: str) -> ModelSettings:
        """The settings of a model, by its name."""
        model = declared(name)
        own = getattr(self, model.section) if model.section else self.models.settings.get(name)
        own = own or model.settings.model_validate({})
        assert isinstance(own, ModelSettings)
        return own

    def training_of(self, name: str) -> TrainConfig:
        """``train`` as it holds for a model: over it what the model declares, over that ``models.train.<name>``."""
        values = self.train.model_dump() | dict(declared(name).train) | self.models.train.get(name, {})
        trained = checked(f"models.train.{name}", TrainConfig, values)
        assert isinstance(trained, TrainConfig)
        return trained

    @property
    def fit_users(self) -> int:
        """Users that the fusion is fitted on, at most: where samples are of a draw, the model has scored no others."""
        return min(self.fusion.fit_users, self.samples.users or self.fusion.fit_users)


def load(env: str = "local", overrides: list[str] | None = None) -> Settings:
    """Settings of an environment: base and env of what ships, over them base and env of the project's conf/, over
    them what is tuned for the data set (conf/tuned/<dataset>.yaml, where there is one), over all the overrides, a
    later one over an earlier one: ``section.key=value``, the value read as YAML, or ``@FILE``, all of a file.
    """
    if not env.replace("_", "").isalnum():
        raise SettingsError(f"--env {env!r}: letters, digits and _ only")
    overridden: dict[str, Any] = {}
    for override in overrides or []:
        overridden = _merge(overridden, _overriding(override))
    merged = layered(env)
    tuned = conf_dir() / "tuned" / f"{_merge(merged, overridden).get('dataset', '')}.yaml"
    if tuned.is_file():
        merged = _merge(merged, read_yaml(tuned))
    merged = _merge(merged, overridden)
    if "as_of" not in overridden:
        merged |= _own_day(str(merged.get("dataset", "")))
    return Settings.model_validate({"env": env, **merged})


def _overriding(override: str) -> dict[str, Any]:
    """What one ``--set`` says, as the files of settings say it."""
    if override.startswith("@"):
        return read_yaml(Path(override[1:]))
    key, eq, value = override.partition("=")
    if not eq:
        raise SettingsError(f"--set {override!r}: write section.key=value, or @FILE for all that a file sets")
    if not value.strip():
        raise SettingsError(f"--set {key} is empty: is a variable in it not set? Write {key}=null where none is meant")
    try:
        return _nested(key.split("."), yaml_text.parse(value))
    except yaml_text.YamlError as problem:
        raise SettingsError(f"--set {key}: {problem}") from None


def layered(env: str) -> dict[str, Any]:
    """What the files of an environment say together, unchecked: a later one counts before an earlier one."""
    merged: dict[str, Any] = {}
    for file in layers(env):
        merged = _merge(merged, read_yaml(file))
    return merged


def _own_day(dataset: str) -> dict[str, Any]:
    """as_of of a data set's mapping, where it tells one; what is wrong with the
    mapping is said when it is read whole.
    """
    mapping = mapping_file(dataset)
    day = read_yaml(mapping).get("as_of") if mapping else None
    return {"as_of": day} if day else {}


def changed(settings: Settings, values: dict[str, Any]) -> Settings:
    """The settings with other values by path (``{"train.epochs": 1}``), checked as if they had been read so."""
    merged = settings.model_dump()
    for key, value in values.items():
        merged = _merge(merged, _nested(key.split("."), value))
    return Settings.model_validate(merged)


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged
