"""What a model learns of its inputs before the first step: scales, item rows, the items' categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fuserank.common.blocks import Block, Floats, Inputs, Ints
from fuserank.common.embedding_rows import rows_of_ids
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelSettings
from fuserank.tables.samples import CATEGORICAL, NUMERIC


class InputError(FuserankError):
    """Training rows from which nothing can be learned; the message says what is missing."""


def inputs_of(config: ModelSettings) -> Inputs:
    """The columns that a model of these settings reads, in the order of its tensors."""
    read = set(config.categoricals()) - set(config.left_out)
    return Inputs(
        numeric=tuple(name for name, _ in _numeric(config)),
        categorical=tuple((name, buckets) for name, buckets in CATEGORICAL if name in read),
        history=config.history(),
    )


def pooled_of(config: ModelSettings) -> int | None:
    """Which of the categorical columns that are read is kept by item, to look up the history's; None: none is."""
    names = [name for name, _ in inputs_of(config).categorical]
    column = config.pooled()
    return names.index(column) if column in names else None


def _numeric(config: ModelSettings) -> list[tuple[str, str]]:
    """The numeric columns that are read, each with its transform; columns of samples.NUMERIC come transformed."""
    named = [*((name, "identity") for name in NUMERIC), *sorted(config.scores.items())]
    return [(name, kind) for name, kind in named if name not in config.left_out]


def transform(values: Tensor, kind: str) -> Tensor:
    """One of config.model.Transform, elementwise; log1p and sqrt take negative values for 0."""
    if kind == "identity":
        return values
    if kind == "log1p":
        return values.clamp(min=0).log1p()
    if kind == "sqrt":
        return values.clamp(min=0).sqrt()
    if kind == "signed_log1p":
        return values.sign() * values.abs().log1p()
    raise InputError(f"transform {kind!r} is not known")


def transformed(dense_BF: Tensor, kinds: tuple[str, ...]) -> Tensor:
    """Each column by its own transform; runs of equal kinds are done at once."""
    parts, start = [], 0
    for stop in range(1, len(kinds) + 1):
        if stop == len(kinds) or kinds[stop] != kinds[start]:
            parts.append(transform(dense_BF[:, start:stop], kinds[start]))
            start = stop
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


@dataclass(frozen=True)
class InputFit:
    """Fitted on the training rows; becomes buffers of the model."""

    mean_F: Floats  # of the transformed columns
    scale_F: Floats  # their standard deviation + 1e-3
    users: int  # embeddings of users 0 … users-1
    item_row_I: Ints  # item_index to row of the item embedding; 0: that of the unknown
    item_category_I: Ints  # item_index to bucket of the pooled categorical; 0: unknown
    log_odds: float  # of a positive label, by weight


def fit_inputs(blocks: Iterable[Block], config: ModelSettings) -> InputFit:
    """One pass in the order given; sums in double, folded in that order, so the same files give the same bytes."""
    kinds, pooled = kinds_of(config), pooled_of(config)
    n, positive, weight, users = 0, 0.0, 0.0, 0
    total, squares = np.zeros(len(kinds)), np.zeros(len(kinds))
    count_I, category_I = np.zeros(0, np.int64), np.zeros(0, np.int32)
    for block in blocks:
        x_BF = transformed(torch.from_numpy(block.dense_BF), kinds).numpy()
        n += block.rows
        total += x_BF.sum(axis=0, dtype=np.float64)
        squares += np.einsum("bf,bf->f", x_BF, x_BF, dtype=np.float64)
        positive += float((block.label_B * block.weight_B).sum(dtype=np.float64))
        weight += float(block.weight_B.sum(dtype=np.float64))
        users = max(users, int(block.user_B.max(initial=-1)) + 1)
        counted = np.bincount(block.item_B, minlength=len(count_I))
        counted[: len(count_I)] += count_I
        count_I = counted
        if pooled is not None:
            category_I = np.concatenate([category_I, np.zeros(len(count_I) - len(category_I), np.int32)])
            category_I[block.item_B] = block.categorical_BC[:, pooled]
    if n == 0 or not 0 < positive < weight:
        raise InputError(f"{n} training rows of weight {weight:g}, {positive:g} of it positive: both labels are needed")
    mean = total / n
    scale = np.sqrt(np.maximum(squares / n - mean**2, 0)) + 1e-3
    row_I = rows_of_ids(count_I, config.min_item_rows, config.max_item_rows, config.rare_item_rows)
    if pooled is None:
        category_I = np.zeros(len(count_I), np.int32)
    return InputFit(
        mean.astype(np.float32),
        scale.astype(np.float32),
        users,
        row_I,
        category_I,
        float(np.log(positive / (weight - positive))),
    )


def kinds_of(config: ModelSettings) -> tuple[str, ...]:
    """The transform of each numeric column that is read."""
    return tuple(kind for _, kind in _numeric(config))
