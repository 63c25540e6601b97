"""The model: what it learns, what it gives back, how it is saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fuserank.common.blocks import Block, concat, empty
from fuserank.config.model import ModelConfig
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.fnn import FNN
from fuserank.learning.models.inputs import InputError, fit_inputs, inputs_of
from fuserank.learning.models.saving import from_arrays, logits, to_arrays
from fuserank.learning.training.stopping import ndcg_at_10
from tests.support.shards import write_shards
from tests.unit.learning.training.spawned import SMALL, Job, train_here

INPUTS = inputs_of(SMALL)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardFile, ...]:
    return read_manifest(write_shards(tmp_path_factory.mktemp("shards"), [3000] * 6))


@pytest.fixture(scope="module")
def trained(files: tuple[ShardFile, ...]) -> FNN:
    keen = {"embedding_rate_share": 1, "embedding_weight_decay": 0.01, "learning_rate": 1e-2, "warmup_steps": 5}
    model = SMALL.model_copy(update={"embedding_std": 0.3, "embedding_dropout": 0.0})
    return train_here(Job(files, TrainConfig(ranks=1, batch=512, epochs=4, patience=4, **keen), model=model))[0].eval()


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Block:
    files = read_manifest(write_shards(tmp_path_factory.mktemp("unseen"), [2000], seed=2))
    return next(ArrowBatches(files, INPUTS, 2000).batches(0))


def auc(score: np.ndarray, label: np.ndarray) -> float:
    rank = np.empty(len(score))
    rank[np.argsort(score)] = np.arange(1, len(score) + 1)
    n = label.sum()
    return float((rank[label > 0].sum() - n * (n + 1) / 2) / (n * (len(label) - n)))


def test_it_learns_the_planted_pattern_on_unseen_rows(trained: FNN, unseen: Block) -> None:
    numeric_alone = auc(unseen.dense_BF[:, 0], unseen.label_B)
    assert auc(logits(trained, unseen), unseen.label_B) > max(0.85, numeric_alone + 0.1)


def test_a_batch_gives_what_its_rows_give_alone(trained: FNN, unseen: Block) -> None:
    together = logits(trained, unseen.slice(0, 64))
    alone = np.concatenate([logits(trained, unseen.slice(k, k + 1)) for k in range(64)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_rows_that_fill_a_block_change_nothing(trained: FNN, unseen: Block) -> None:
    filled = concat([unseen.slice(0, 64), empty(INPUTS, 10)])
    np.testing.assert_allclose(logits(trained, filled)[:64], logits(trained, unseen.slice(0, 64)), atol=1e-5)


def test_users_and_items_never_seen_are_scored(trained: FNN, unseen: Block) -> None:
    strange = unseen.slice(0, 8)._replace(user_B=np.full(8, 10**6, np.int32), item_B=np.full(8, 10**6, np.int32))
    strange = strange._replace(history_BL=np.full_like(strange.history_BL, 10**6))
    assert np.isfinite(logits(trained, strange)).all()


def test_the_history_counts_and_its_padding_does_not(trained: FNN, unseen: Block) -> None:
    row = unseen.slice(0, 1)
    none = row._replace(history_BL=np.full_like(row.history_BL, -1))
    first, twice = none.history_BL.copy(), none.history_BL.copy()
    first[0, 0], twice[0, :2] = 4, 4
    one, two = (logits(trained, none._replace(history_BL=h))[0] for h in (first, twice))
    assert one == pytest.approx(two, abs=1e-6)  # a mean over what is there
    assert one != pytest.approx(logits(trained, none)[0], abs=1e-6)


def test_a_saved_model_gives_equal_bits(trained: FNN, unseen: Block, tmp_path: Path) -> None:
    from fuserank.io.lake import artifacts

    weights, card, sha256 = artifacts.encode(to_arrays(trained), trained.card())
    artifacts.write(str(tmp_path / "m"), weights, card, {})
    again = from_arrays(*artifacts.read(str(tmp_path / "m"), sha256))
    assert np.array_equal(logits(again, unseen), logits(trained, unseen))
    assert artifacts.encode(to_arrays(again), again.card())[2] == sha256


def test_standardised_columns_have_mean_0_and_deviation_1(files: tuple[ShardFile, ...], trained: FNN) -> None:
    block = concat(list(ArrowBatches(files, INPUTS, 4096).batches(0)))
    x_BF = trained.standardised(Batch.of(block).dense_BF)
    assert x_BF.mean(0).abs().max() < 0.02
    assert (x_BF.std(0) - 1).abs().max() < 0.05


def test_inputs_fitted_on_one_label_alone_are_refused(files: tuple[ShardFile, ...]) -> None:
    blocks = (b._replace(label_B=np.zeros_like(b.label_B)) for b in ArrowBatches(files, INPUTS, 1).blocks(0, files))
    with pytest.raises(InputError, match="both labels"):
        fit_inputs(blocks, SMALL)


def test_rare_items_share_one_embedding(unseen: Block) -> None:
    blocks = [unseen.slice(0, 600)]
    count_I = np.bincount(unseen.item_B[:600], minlength=60)
    row_I = fit_inputs(blocks, SMALL.model_copy(update={"min_item_rows": 10})).item_row_I
    assert (row_I[count_I[: len(row_I)] < 10] == 0).all()
    own = row_I[count_I[: len(row_I)] >= 10]
    assert sorted(own) == list(range(1, len(own) + 1))


def test_ndcg_by_hand() -> None:
    user = np.array([0, 0, 0, 1, 1], np.int32)
    item = np.array([1, 2, 3, 1, 2], np.int32)
    logit = np.array([3, 2, 1, 0, 0], np.float32)
    label = np.array([0, 1, 1, 0, 1], np.float32)  # user 1: a tie, the lower item first
    first = (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert ndcg_at_10(user, item, logit, label) == pytest.approx((first + 1 / np.log2(3)) / 2)


def test_wrong_columns_in_the_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="not one of"):
        ModelConfig(categorical_dims={"colour_bucket": 4}, history_categorical=None)
    with pytest.raises(ValueError, match="no column of samples"):
        ModelConfig(scores={"oracle_score": "log1p"})
    with pytest.raises(ValueError, match="left_out: 'age_bucket' is no column that the model would read"):
        ModelConfig(left_out=("age_bucket",))


def test_the_trainer_keeps_the_best_weights_not_the_last(files: tuple[ShardFile, ...]) -> None:
    config = TrainConfig(ranks=1, batch=512, epochs=3, patience=9, learning_rate=5e-3, warmup_steps=5)
    model, end, _ = train_here(Job(files, config.model_copy(update={"stop_on": "loss"})))
    from fuserank.learning.training.group import Group
    from fuserank.learning.training.validate import validate

    loss, _ = validate(model, ArrowBatches(files, INPUTS, 256), Group.current())
    assert loss == min(v["valid_loss"] for v in end.curve)
