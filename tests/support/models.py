"""The battery that every declared model passes: each check takes the declaration
and a small world of planted samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuserank.common.blocks import Block, Floats, concat, empty
from fuserank.config.model import ModelSettings
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.io.lake import artifacts
from fuserank.learning.models.compress import quantised
from fuserank.learning.models.contract import Model as Built
from fuserank.learning.models.inputs import fit_inputs, inputs_of
from fuserank.learning.models.onnx_graph import encoded, runner
from fuserank.learning.models.saving import fresh, from_arrays, logits, to_arrays
from fuserank.learning.training.trainer import TrainingDiverged, train
from fuserank.registry.models import Model
from tests.support.shards import write_shards

KEEN = {"ranks": 1, "batch": 256, "epochs": 4, "patience": 4, "learning_rate": 1e-2, "warmup_steps": 5}


@dataclass(frozen=True)
class World:
    """Shards to train on, others to evaluate on, and the models that were trained."""

    files: tuple[ShardFile, ...]
    others: tuple[ShardFile, ...]
    models: dict[str, Built] = field(default_factory=dict)

    @classmethod
    def planted(cls, folder: Path) -> World:
        """9,000 rows in three shards, and 2,000 of another draw."""
        return cls(
            read_manifest(write_shards(folder / "train", [3000] * 3)),
            read_manifest(write_shards(folder / "other", [2000], seed=2)),
        )

    def model(self, declared: Model) -> Built:
        """The trained model; it is trained once and then reused."""
        if declared.name not in self.models:
            self.models[declared.name] = trained(declared, self)
        return self.models[declared.name]


class Poisoned(ArrowBatches):
    """One row of its first batch has a NaN."""

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Block]:
        for n, block in enumerate(super().batches(epoch, skip)):
            if n == 0:
                block.dense_BF[3, 0] = np.nan
            yield block


def settings(model: Model) -> ModelSettings:
    """The model's default settings, with fewer rows that an item needs: the world is small."""
    return model.settings.model_validate({"min_item_rows": 5})


def trained(model: Model, world: World, source: type[ArrowBatches] = ArrowBatches, **more: Any) -> Built:
    """Trained in this process, in evaluation mode; ``more``: training settings."""
    import torch

    own, config = settings(model), TrainConfig.model_validate({**KEEN, **model.train, **more})
    inputs = inputs_of(own)
    fit = fit_inputs(ArrowBatches(world.files, inputs, 1).blocks(0, world.files), own)
    torch.manual_seed(11)
    built = fresh(own, fit)
    valid = ArrowBatches(world.others, inputs, 512)
    train(source(world.files, inputs, config.batch, seed=11), valid, built, config, 11)
    return built.eval()


def unseen(model: Model, world: World) -> Block:
    """The other rows, in the columns that the model reads."""
    return next(ArrowBatches(world.others, inputs_of(settings(model)), 2000).batches(0))


def loss(logit_B: Floats, label_B: Floats) -> float:
    """Mean log loss, in nats a row."""
    return float(np.mean(np.logaddexp(0, logit_B) - logit_B * label_B))


def learns_what_is_planted(model: Model, world: World) -> None:
    """On rows that it has not seen, it predicts clearly better than the share of positives alone."""
    rows = unseen(model, world)
    share = rows.label_B.mean()
    guess = loss(np.full(rows.rows, np.log(share / (1 - share)), np.float32), rows.label_B)
    assert loss(logits(world.model(model), rows), rows.label_B) < 0.9 * guess


def scores_a_row_alike_whatever_stands_beside_it(model: Model, world: World) -> None:
    """To the bit where other rows of a block change, to rounding where the block has another size."""
    built, rows = world.model(model), unseen(model, world)
    together = logits(built, rows.slice(0, 64))
    assert np.ptp(together) > 0
    alone = np.concatenate([logits(built, rows.slice(k, k + 1)) for k in range(64)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    for beside in (rows.slice(1000, 1064), empty(built.inputs, 64)):
        block = concat([rows.slice(0, 64), beside])
        assert np.array_equal(
            logits(built, block)[:64], logits(built, concat([rows.slice(0, 64), rows.slice(64, 128)]))[:64]
        )


def goes_without_what_is_left_out(model: Model, world: World) -> None:
    """Numeric and categorical columns that the settings leave out are not read; the artifact says which."""
    whole = settings(model)
    inputs = inputs_of(whole)
    without = (inputs.numeric[1], inputs.numeric[-1], *(name for name, _ in inputs.categorical[:1]))
    own = model.settings.model_validate(whole.model_dump() | {"left_out": without})
    less = inputs_of(own)
    assert set(inputs.columns) - set(less.columns) == set(without)
    fit = fit_inputs(ArrowBatches(world.files, less, 1).blocks(0, world.files), own)
    built = fresh(own, fit).eval()
    rows = next(ArrowBatches(world.others, less, 64).batches(0))
    again = from_arrays(to_arrays(built), json.loads(json.dumps(built.card())))
    assert again.inputs == less
    assert np.array_equal(logits(again, rows), logits(built, rows))


def scores_users_and_items_never_seen(model: Model, world: World) -> None:
    """Indexes beyond those of the fit get a number."""
    rows = unseen(model, world).slice(0, 8)
    strange = rows._replace(user_B=np.full(8, 10**6, np.int32), item_B=np.full(8, 10**6, np.int32))
    strange = strange._replace(history_BL=np.full_like(rows.history_BL, 10**6))
    assert np.isfinite(logits(world.model(model), strange)).all()


def is_saved_to_the_bit(model: Model, world: World) -> None:
    """Arrays and card through an artifact's bytes: equal logits, and the same bytes again. The card is JSON."""
    from safetensors.numpy import load

    built, rows = world.model(model), unseen(model, world)
    weights, text, sha256 = artifacts.encode(to_arrays(built), built.card())
    card = json.loads(text)
    assert card == built.card()
    assert card["kind"] == model.name
    again = from_arrays(load(weights), card)
    assert np.array_equal(logits(again, rows), logits(built, rows))
    assert artifacts.encode(to_arrays(again), again.card())[2] == sha256


def has_the_same_weights_from_the_same_seed(model: Model, world: World) -> None:
    """Training twice gives equal bytes."""
    one, two = (artifacts.encode(to_arrays(m), m.card()) for m in (trained(model, world, epochs=1) for _ in range(2)))
    assert one == two


def stops_at_a_number_that_is_none(model: Model, world: World) -> None:
    """One NaN among the features ends the training, with nothing to register."""
    with pytest.raises(TrainingDiverged, match="nothing was registered"):
        trained(model, world, source=Poisoned)


def trains_all_that_it_says_and_nothing_twice(model: Model, world: World) -> None:
    """Each parameter that has a gradient is in one of the two groups."""
    built: Any = world.model(model)
    layers, tables = built.parameter_groups()
    wanted = [id(p) for p in built.parameters() if p.requires_grad]
    assert sorted(map(id, [*layers, *tables])) == sorted(wanted)
    assert wanted or model.name == "trees"  # they are grown and have no steps


def scores_nearly_alike_by_int8(model: Model, world: World) -> None:
    """Of int8 weights, through an artifact's bytes: smaller where there are tables or layers of size, logits within a
    tenth of their spread, the same bits beside other rows.
    """
    from safetensors.numpy import load

    built, rows = world.model(model), unseen(model, world)
    small = quantised(built, rows)
    weights, text, sha256 = artifacts.encode(to_arrays(small), small.card())
    share = 0.45 if any(name.endswith(".q8") for name in to_arrays(small)) else 1.0
    assert len(weights) <= share * len(artifacts.encode(to_arrays(built), built.card())[0])
    again = from_arrays(load(weights), json.loads(text))
    assert artifacts.encode(to_arrays(again), again.card())[2] == sha256
    found = logits(again, rows)
    assert np.array_equal(found, logits(small, rows))
    assert np.abs(found - logits(built, rows)).max() < 0.1 * np.std(logits(built, rows))
    beside = concat([rows.slice(0, 64), empty(built.inputs, 64)])
    assert np.array_equal(
        logits(again, beside)[:64], logits(again, concat([rows.slice(0, 64), rows.slice(64, 128)]))[:64]
    )


def scores_alike_in_onnx(model: Model, world: World) -> None:
    """By onnxruntime from a file's bytes, to rounding: many rows, one, and users, items and buckets that are not
    known. What stands beside a row says nothing of it.
    """
    built, rows = world.model(model), unseen(model, world)
    run = runner(encoded(built, {}))
    nobody = {name: np.full_like(getattr(rows, name)[:8], 10**6) for name in ("user_B", "item_B", "history_BL")}
    strange = rows.slice(0, 8)._replace(**nobody, categorical_BC=np.zeros_like(rows.categorical_BC[:8]))
    new = strange._replace(history_BL=np.full_like(strange.history_BL, -1))
    for block in (rows, rows.slice(5, 6), strange, new, concat([new, rows.slice(0, 9)])):
        np.testing.assert_allclose(run(block), logits(built, block), rtol=0, atol=1e-5)
    first = rows.slice(0, 64)
    beside = [run(concat([first, other]))[:64] for other in (rows.slice(64, 128), rows.slice(1000, 1064))]
    assert np.array_equal(*beside)


CHECKS = (
    learns_what_is_planted,
    scores_a_row_alike_whatever_stands_beside_it,
    goes_without_what_is_left_out,
    scores_users_and_items_never_seen,
    is_saved_to_the_bit,
    scores_nearly_alike_by_int8,
    scores_alike_in_onnx,
    has_the_same_weights_from_the_same_seed,
    stops_at_a_number_that_is_none,
    trains_all_that_it_says_and_nothing_twice,
)
