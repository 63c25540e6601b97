"""Rows of samples as a few wide arrays: what batch sources give and models take. No torch, no Spark here.

Shapes: B rows, F numeric columns, C categorical columns, L places of history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


class BlockError(FuserankError):
    """Columns that do not fit a model's inputs; names the column."""


@dataclass(frozen=True)
class Inputs:
    """Names of the columns that a model reads, in the order of its tensors."""

    numeric: tuple[str, ...]  # F, float
    categorical: tuple[tuple[str, int], ...]  # C, (column, buckets)
    history: tuple[str, ...]  # L, item_index, -1 is padding

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column to read, without the label and the weight."""
        return (*self.numeric, *(name for name, _ in self.categorical), *self.history, "user_index", "item_index")

    @property
    def training_columns(self) -> tuple[str, ...]:
        """The same with the label and the weight."""
        return (*self.columns, "label", "weight")


class Block(NamedTuple):
    """B rows. ``weight_B`` 0 marks a row that is there to fill the block and counts for nothing."""

    dense_BF: Floats
    categorical_BC: Ints
    history_BL: Ints
    user_B: Ints
    item_B: Ints
    label_B: Floats
    weight_B: Floats

    @property
    def rows(self) -> int:
        """B, with the rows of weight 0."""
        return len(self.user_B)

    def slice(self, start: int, stop: int) -> Block:
        """Rows start … stop as views."""
        return Block._make(a[start:stop] for a in self)


def empty(inputs: Inputs, rows: int = 0) -> Block:
    """``rows`` rows of zeros with weight 0 and no history: what a rank feeds that has run out of rows."""
    return Block(
        np.zeros((rows, len(inputs.numeric)), np.float32),
        np.zeros((rows, len(inputs.categorical)), np.int32),
        np.full((rows, len(inputs.history)), -1, np.int32),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.float32),
        np.zeros(rows, np.float32),
    )


def concat(blocks: Sequence[Block]) -> Block:
    """Blocks one after the other; a single one is given back as it is."""
    return blocks[0] if len(blocks) == 1 else Block._make(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def pad(block: Block, rows: int, inputs: Inputs) -> Block:
    """The block filled up to ``rows`` with rows of weight 0."""
    return block if block.rows == rows else concat([block, empty(inputs, rows - block.rows)])


def stack(
    columns: Mapping[str, npt.NDArray[np.generic]],
    inputs: Inputs,
    labelled: bool = True,
    order_B: npt.NDArray[np.intp] | None = None,
) -> Block:
    """Equally long columns copied into one block, rows in the order of ``order_B`` (positions; None: as they lie).

    Most of it runs without the interpreter's lock. Raises BlockError for a missing column or a value that is no number.
    """
    missing = [c for c in (inputs.training_columns if labelled else inputs.columns) if c not in columns]
    if missing:
        raise BlockError(f"samples lack the column {', '.join(missing)}; run jobs/samples.py again")
    rows = len(columns["user_index"])
    order_B = np.arange(rows) if order_B is None else order_B

    def dealt(names: Sequence[str], dtype: type) -> npt.NDArray[Any]:
        return _columns_to_rows([columns[c] for c in names], order_B, dtype)

    def one(name: str, dtype: type) -> npt.NDArray[Any]:
        return np.take(np.asarray(columns[name], dtype), order_B)

    return Block(
        dealt(inputs.numeric, np.float32),
        dealt([c for c, _ in inputs.categorical], np.int32),
        dealt(inputs.history, np.int32),
        one("user_index", np.int32),
        one("item_index", np.int32),
        one("label", np.float32) if labelled else np.zeros(rows, np.float32),
        one("weight", np.float32) if labelled else np.ones(rows, np.float32),
    )


def _columns_to_rows(
    columns: Sequence[npt.NDArray[np.generic]], order_B: npt.NDArray[np.intp], dtype: type
) -> npt.NDArray[Any]:
    """N columns as one [B, N] array."""
    from fuserank.common.dealing import deal

    for column in columns:
        if column.dtype == object:
            raise BlockError("samples hold a null or a string; every model input is a number without nulls")
    out: npt.NDArray[Any] = np.empty((len(order_B), len(columns)), dtype)
    if columns:
        deal(np.stack(columns).astype(dtype, copy=False), order_B, out)
    return out
