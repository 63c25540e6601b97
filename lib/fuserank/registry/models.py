"""The models: each one declaration, with all that trainer, scores, fusion and report ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fuserank.config.logistic import LogisticConfig
from fuserank.config.model import ModelConfig, ModelSettings
from fuserank.config.rankers import CnnConfig, DcnConfig, RnnConfig, TransformerConfig, TreesConfig
from fuserank.registry import Registry


@dataclass(frozen=True)
class Model:
    """One model. ``name`` is its kind in models.registry and scores.scores, and the name of its part in the fusion.

    ``build``: ``module:attribute`` of what makes it, called with (settings, InputFit): a
    ``fuserank.learning.models.contract.Model``; it imports torch, so it is loaded where a model is trained or
    scores. ``settings`` has its defaults and says what it reads. ``section``: the section of the settings that is
    its own; "" for ``models.settings.<name>``. ``train``: training settings in which it differs from ``train``,
    unless ``models.train.<name>`` says otherwise.
    """

    name: str
    label: str  # what a person calls it
    colour: str  # of its lines in the report
    settings: type[ModelSettings]
    build: str
    section: str = ""
    train: Mapping[str, Any] = field(default_factory=dict)


MODELS: Registry[Model] = Registry(
    "model",
    [
        Model("fnn", "FNN", "#3d5a98", ModelConfig, "fuserank.learning.models.fnn:FNN", section="model"),
        Model(
            "logistic",
            "Logistic regression",
            "#7a6fa0",
            LogisticConfig,
            "fuserank.learning.models.logistic:Logistic",
            # convex, and a weight may have to grow far from 0: the FNN's rates and decay are made for small embeddings
            train={"learning_rate": 0.02, "embedding_rate_share": 1.0, "embedding_weight_decay": 0.5},
        ),
        Model(
            "dcn",
            "DCN-V2",
            "#2d7f8a",
            DcnConfig,
            "fuserank.learning.models.rankers:Dcn",
            train={"learning_rate": 1e-3},  # products of inputs overfit at the FNN's rate
        ),
        Model(
            "transformer", "Transformer", "#a0527a", TransformerConfig, "fuserank.learning.models.rankers:Transformer"
        ),
        Model("rnn", "LSTM", "#8a6d2d", RnnConfig, "fuserank.learning.models.rankers:Rnn"),
        Model(
            "trees",
            "Boosted trees",
            "#6b5b3e",
            TreesConfig,
            "fuserank.learning.models.trees:Trees",
            train={"learning_rate": 0.05},  # of a tree
        ),
        Model("cnn", "CNN", "#5f8a2d", CnnConfig, "fuserank.learning.models.rankers:Cnn"),
    ],
)
DEFAULT = ("fnn",)  # what a run trains and fuses unless its settings say otherwise
