"""Trees are grown by LightGBM from all rows at once: no steps, no checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.common.extras import require
from fuserank.config.rankers import TreesConfig
from fuserank.config.train import TrainConfig
from fuserank.learning.models.contract import Model
from fuserank.learning.training.group import Group
from fuserank.learning.training.source import BatchSource
from fuserank.learning.training.trainer import Position, TrainingDiverged
from fuserank.learning.training.validate import validate

_TELLS = 10  # rounds
LEARNED = ("feature_TN", "threshold_TN", "child_TN2", "value_TL")  # of the state: what only the first rank grows
Rows = tuple[Floats, Floats, Floats]  # dense, label, weight


class Growing(Model, Protocol):
    """A model that takes trees in."""

    def take(self, trees: Sequence[dict[str, Any]]) -> None:
        """Trees as LightGBM dumps them."""
        ...


def grown(
    batches: BatchSource,
    valid: BatchSource,
    model: Growing,
    config: TrainConfig,
    seed: int,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Position:
    """Grow the trees of ``model`` until those of the valid rows are no better for ``patience`` rounds, or
    ``train.minutes`` are over; all ranks call it. Each gathers the rows of all (4 bytes a number, some three times as
    much at the peak); the first one grows, the others wait. By another number of ranks rows stand in another order, and
    other ones are drawn for a tree.

    :raises TrainingDiverged: a number is none
    :raises FuserankError: LightGBM is not installed, a split has no rows, or training is to stop by something else than
        the loss
    """
    require("lightgbm", "train", "trees are grown by LightGBM")
    group, own = Group.current(config.use_gpu), model.config
    assert isinstance(own, TreesConfig)
    if config.stop_on != "loss":
        raise FuserankError(f"{own.kind} stops by the loss alone; --set models.train.{own.kind}.stop_on=loss")
    columns = len(model.inputs.numeric)
    rows, judged = (_gathered(source, group, columns) for source in (batches, valid))
    for name, part in (("train", rows), ("valid", judged)):
        if not len(part[0]):
            raise FuserankError(f"the split {name} has no rows: trees cannot be grown and judged")
    curve: list[dict[str, float]] = []
    if group.rank == 0:
        if not all(np.isfinite(part).all() for part in (*rows, *judged)):
            raise TrainingDiverged("a number of the samples is none or infinite; nothing was registered")
        model.take(_trees(rows, judged, own, config, seed, curve, report))
    model.to(group.device)
    for name, value in (model.state_dict() if group.size > 1 else {}).items():
        if name in LEARNED:
            group.sum_(value if group.rank == 0 else value.zero_())
    loss, ndcg = validate(model, valid, group)
    steps = float(np.argmin([c["valid_loss"] for c in curve]) + 1) if curve else 0.0
    end = {"epoch": 1, "step": steps, "train_loss": curve[int(steps) - 1]["loss"] if curve else loss}
    end |= {"valid_loss": loss, "valid_ndcg@10": ndcg}
    if report:
        report(end)
    losses = [{"step": n + 1, "loss": c["loss"]} for n, c in enumerate(curve) if (n + 1) % _TELLS == 0]
    return Position(epoch=1, total_steps=int(steps), finished=True, losses=losses, curve=[end])


def _gathered(source: BatchSource, group: Group, columns: int) -> Rows:
    """All ranks' rows that count."""
    parts = [_counted(block) for block in source.batches(0)]
    found = []
    for n, shape in enumerate(((0, columns), (0,), (0,))):
        mine = np.concatenate([np.zeros(shape, np.float32), *(part[n] for part in parts)])
        every = group.gather(torch.from_numpy(mine).to(group.device))
        found.append(torch.cat(every).cpu().numpy() if len(every) > 1 else every[0].cpu().numpy())
    return found[0], found[1], found[2]


def _counted(block: Block) -> Rows:
    """Of a block the rows that do not only fill it."""
    real_B = block.weight_B > 0
    return block.dense_BF[real_B], block.label_B[real_B], block.weight_B[real_B]


def _trees(
    rows: Rows,
    judged: Rows,
    own: TreesConfig,
    config: TrainConfig,
    seed: int,
    curve: list[dict[str, float]],
    report: Callable[[dict[str, Any]], None] | None,
) -> list[dict[str, Any]]:
    """The trees up to the best round."""
    import lightgbm as lgb

    settings = {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": config.learning_rate,
        "num_leaves": own.leaves,
        "max_depth": own.depth,
        "min_data_in_leaf": own.min_rows,
        "lambda_l2": own.l2,
        "feature_fraction": own.column_share,
        "bagging_fraction": own.row_share,
        "bagging_freq": 1,
        "num_threads": torch.get_num_threads(),
        "deterministic": True,  # the same trees by any number of threads
        "force_row_wise": True,
        "use_missing": False,
        "feature_pre_filter": False,
        "seed": seed,
        "verbosity": -1,
    }
    began = time.monotonic()
    train = lgb.Dataset(rows[0], rows[1], weight=rows[2], params=settings)
    valid = lgb.Dataset(judged[0], judged[1], weight=judged[2], reference=train)

    def tell(env: Any) -> None:
        found = {name: value for name, _, value, _ in env.evaluation_result_list}
        curve.append({"loss": found["train"], "valid_loss": found["valid"]})
        if config.minutes and time.monotonic() - began > 60 * config.minutes:
            best = int(np.argmin([c["valid_loss"] for c in curve]))
            raise lgb.callback.EarlyStopException(best, env.evaluation_result_list)
        if report and len(curve) % _TELLS == 0:
            report({"epoch": 1, "step": len(curve), "steps": own.rounds, "loss": found["train"]})

    stop = lgb.early_stopping(own.patience, first_metric_only=True, verbose=False)
    callbacks: list[Callable[..., Any]] = [tell, stop]
    booster = lgb.train(
        settings, train, own.rounds, valid_sets=[train, valid], valid_names=["train", "valid"], callbacks=callbacks
    )
    dumped = booster.dump_model(num_iteration=booster.best_iteration or own.rounds)
    return [tree["tree_structure"] for tree in dumped["tree_info"]]
