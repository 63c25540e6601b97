"""Which models a run trains and fuses, and the settings of each."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializeAsAny, ValidationError, field_validator

from fuserank.common.errors import FuserankError
from fuserank.config.base import Section
from fuserank.config.model import ModelSettings
from fuserank.registry.models import DEFAULT, MODELS, Model


class ModelsConfig(Section):
    """Models by their names (fuserank.registry.models). The FNN's own settings are the section ``model``."""

    use: tuple[str, ...] = Field(
        DEFAULT, min_length=1, description="models that a run trains, scores with and fuses, each by its own name"
    )
    score: Literal["newest", "champion"] = Field(
        "newest",
        description=(
            "which model of each kind scores: the one trained as of the day, or the champion (`fuserank models"
            " promote`), of whatever earlier day"
        ),
    )
    vectors: bool = Field(
        False, description="write the embeddings of users and items of each trained model into models.vectors"
    )
    settings: dict[str, SerializeAsAny[ModelSettings]] = Field(
        default_factory=dict, description="settings by model, where they are not as by default; the FNN's are `model`"
    )
    train: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="training by model, where it is not as in `train` and as the model declares it",
    )

    @field_validator("use")
    @classmethod
    def _are_declared(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            declared(name)
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}: a model is named twice")
        return names

    @field_validator("settings", mode="before")
    @classmethod
    def _by_their_class(cls, models: Any) -> Any:
        if not isinstance(models, dict):
            return models
        return {name: _own(declared(str(name)), values) for name, values in models.items()}

    @field_validator("train")
    @classmethod
    def _train_what_is_declared(cls, models: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in models:
            declared(name)
        return models


class PromoteConfig(Section):
    """What jobs/promote.py and jobs/demote.py are asked for."""

    model: str | None = Field(
        None,
        description=(
            "the model that becomes champion: KIND for the newest day's, KIND@RUN or its id; of a demotion its kind"
        ),
    )
    by: str | None = Field(
        None, min_length=1, description="the name that stands beside it; null: the account that runs the job"
    )


def declared(name: str) -> Model:
    """The declaration; raises ValueError, as settings do, with the nearest name."""
    try:
        return MODELS[name]
    except FuserankError as problem:
        raise ValueError(str(problem)) from None


def checked(name: str, cls: type[Section], values: Any) -> Any:
    """``values`` as ``cls``; raises ValueError that names each wrong field as ``<name>.<field>``."""
    try:
        return cls.model_validate(values)
    except ValidationError as problem:
        raise ValueError(
            "; ".join(f"{'.'.join(map(str, (name, *e['loc'])))}: {e['msg']}" for e in problem.errors())
        ) from None


def _own(model: Model, values: Any) -> Any:
    if model.section:
        raise ValueError(f"{model.name}: its settings are the section {model.section!r}")
    return checked(model.name, model.settings, values)
