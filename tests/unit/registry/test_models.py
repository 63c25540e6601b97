"""The declared models: what each must be, and what settings say of them."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from fuserank.config.settings import changed, load
from fuserank.registry import loaded
from fuserank.registry.models import DEFAULT, MODELS
from fuserank.registry.sources import SOURCES
from fuserank.stages.fusion.fitted import FINAL


@pytest.mark.parametrize("name", MODELS.names)
def test_a_declaration_leads_to_its_settings_and_to_what_builds_it(name: str) -> None:
    model, settings = MODELS[name], load("local")
    assert settings.settings_of(name) == model.settings()
    assert settings.settings_of(name).kind == name
    assert callable(loaded(model.build))
    assert re.fullmatch("#[0-9a-f]{6}", model.colour)


def test_names_and_colours_are_taken_once_and_by_no_source() -> None:
    assert not set(MODELS.names) & {*SOURCES.names, FINAL}
    assert len({each.colour for each in (*MODELS, *SOURCES)}) == len(MODELS.names) + len(SOURCES.names)
    assert set(DEFAULT) <= set(MODELS.names)


def test_settings_of_a_model_and_of_its_training_lie_over_the_declared_ones() -> None:
    before = load("local")
    assert before.models.use == DEFAULT
    assert before.training_of("fnn") == before.train
    assert before.training_of("logistic").learning_rate == MODELS["logistic"].train["learning_rate"]
    words = [
        "models.use=[logistic,fnn]",
        "models.settings.logistic.clip=3",
        "models.train.logistic.learning_rate=0.1",
        "train.epochs=1",
    ]
    after = load("local", words)
    assert after.settings_of("logistic").clip == 3
    assert after.settings_of("fnn") == before.model
    assert (after.training_of("logistic").learning_rate, after.training_of("logistic").epochs) == (0.1, 1)
    assert after.training_of("fnn").learning_rate == before.train.learning_rate
    assert changed(after, {}) == after


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("models.use=[fn]", "no model 'fn'; did you mean 'fnn'?"),
        ("models.use=[fnn,fnn]", "a model is named twice"),
        ("models.use=[]", "at least 1 item"),
        ("models.settings.logistic.clop=3", "logistic.clop: Extra inputs are not permitted"),
        ("models.settings.logistic.categorical=[colour]", "categorical column 'colour' is not one of"),
        ("models.settings.fnn.clip=3", "fnn: its settings are the section 'model'"),
        ("models.settings.logistik.clip=3", "no model 'logistik'; did you mean 'logistic'?"),
        ("models.train.logistic.epochs=0", "models.train.logistic.epochs: Input should be greater than or equal to 1"),
        ("models.train.logistik.epochs=2", "no model 'logistik'"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(override: str, words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        load("local", [override])
