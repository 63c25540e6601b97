"""Trees are grown by LightGBM from all rows at once: no steps, no checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from fuserank.common.blocks import Block, Floats
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
    """Grow the trees of ``model`` until those of the valid rows are no better for ``patience`` rounds; all ranks call
    it. Rows of all ranks come to the first one, which needs some 5 bytes of memory a number; the others wait.

    :raises TrainingDiverged: a number is none
    :raises FuserankError: LightGBM is not installed
    """
    require("lightgbm", "train", "trees are grown by LightGBM")
    group, own = Group.current(config.use_gpu), model.config
    assert isinstance(own, TreesConfig)
    rows, judged = (_gathered(source, group) for source in (batches, valid))
    curve: list[dict[str, float]] = []
    if group.rank == 0:
        if not all(np.isfinite(part).all() for part in (*rows, *judged)):
            raise TrainingDiverged("a number of the samples is none or infinite; nothing was registered")
        model.take(_trees(rows, judged, own, config, seed, curve, report))
    for name, value in (model.state_dict() if group.size > 1 else {}).items():
        if name in LEARNED:
            group.sum_(value if group.rank == 0 else value.zero_())
    model.to(group.device)
    loss, ndcg = validate(model, valid, group)
    steps = float(np.argmin([c["valid_loss"] for c in curve]) + 1) if curve else 0.0
    end = {"epoch": 1, "step": steps, "train_loss": curve[int(steps) - 1]["loss"] if curve else loss}
    end |= {"valid_loss": loss, "valid_ndcg@10": ndcg}
    if report:
        report(end)
    losses = [{"step": n + 1, "loss": c["loss"]} for n, c in enumerate(curve) if (n + 1) % _TELLS == 0]
    return Position(epoch=1, total_steps=int(steps), finished=True, losses=losses, curve=[end])


def _gathered(source: BatchSource, group: Group) -> Rows:
    """All ranks' rows that count."""
    parts: list[Block] = [block for block in source.batches(0) if block.weight_B.any()]
    found = []
    for name in ("dense_BF", "label_B", "weight_B"):
        mine = [getattr(block, name)[block.weight_B > 0] for block in parts]
        tensor = torch.from_numpy(np.concatenate(mine)) if mine else torch.zeros(0)
        every = group.gather(tensor.to(group.device))
        found.append(torch.cat(every).cpu().numpy() if len(every) > 1 else every[0].cpu().numpy())
    return found[0], found[1], found[2]


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
    train = lgb.Dataset(rows[0], rows[1], weight=rows[2], params=settings)
    valid = lgb.Dataset(judged[0], judged[1], weight=judged[2], reference=train)

    def tell(env: Any) -> None:
        found = {name: value for name, _, value, _ in env.evaluation_result_list}
        curve.append({"loss": found["train"], "valid_loss": found["valid"]})
        if report and len(curve) % _TELLS == 0:
            report({"epoch": 1, "step": len(curve), "steps": own.rounds, "loss": found["train"]})

    stop = lgb.early_stopping(own.patience, first_metric_only=True, verbose=False)
    callbacks: list[Callable[..., Any]] = [tell, stop]
    booster = lgb.train(
        settings, train, own.rounds, valid_sets=[train, valid], valid_names=["train", "valid"], callbacks=callbacks
    )
    dumped = booster.dump_model(num_iteration=booster.best_iteration or own.rounds)
    return [tree["tree_structure"] for tree in dumped["tree_info"]]
