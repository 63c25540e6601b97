"""Exact top-K of inner products for many users: a fast float32 filter, decided in float64.

Shapes: U users, I items, D factor length, K results a user. One block of users is scored against all items by one
matrix product; groups of columns are reduced to their maximum, and the K-th largest maximum bounds the K-th largest
score from below, so that a partial sort of I / 16 numbers stands for one of I. What reaches that bound less the
rounding error of a float32 product is scored again in float64, so that the lists do not depend on blocks, partitions
or the BLAS: score = float32 of the float64 inner product, ties to the lower item position.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

_GROUP = 16  # columns reduced to one maximum
_BLOCK_BYTES = 64 << 20  # of one block's score matrix
_UNIT_ROUNDOFF = 2.0**-24

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeenItems:
    """Masked positions by user, in CSR form: those of user u are ``positions[starts[u]:starts[u + 1]]``."""

    starts: Ints
    positions: Ints


class ItemIndex:
    """Item factors (I, D), rows in ascending item order, made ready for ``topk``."""

    def __init__(self, factors_ID: Floats, k: int) -> None:
        if not np.isfinite(factors_ID).all():
            raise ValueError("item factors hold a NaN or an infinity; the fit that made them diverged")
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        self.factors_ID = np.ascontiguousarray(factors_ID, dtype=np.float32)
        self.items, self.depth = self.factors_ID.shape
        self.k = min(k, self.items)
        self.group = max(1, min(_GROUP, self.items // (2 * self.k)))
        self.groups = -(-self.items // self.group)
        self.block = int(np.clip(_BLOCK_BYTES // (4 * max(1, self.groups * self.group)), 16, 512))

    @cached_property
    def padded_DC(self) -> Floats:
        """Item factors, transposed, with zero columns up to a whole number of groups."""
        padded = np.zeros((self.groups * self.group, self.depth), dtype=np.float32)
        padded[: self.items] = self.factors_ID
        return padded.T

    @cached_property
    def error_per_norm(self) -> float:
        """Bound of |fl(x·y) − x·y| / ‖x‖ in float32: γ_D · max‖y‖ (Higham 2002, eq. 3.5, and Cauchy–Schwarz)."""
        gamma = self.depth * _UNIT_ROUNDOFF / (1 - self.depth * _UNIT_ROUNDOFF)
        largest = np.sqrt(np.einsum("id,id->i", self.factors_ID, self.factors_ID, dtype=np.float64).max(initial=0.0))
        return float(1.01 * gamma * largest)


def topk(users_UD: Floats, index: ItemIndex, seen: SeenItems | None = None) -> tuple[Ints, Floats]:
    """The K best items of each user.

    Returns positions (U, K) and scores (U, K), best first; where a mask leaves fewer than K items, the rest of the row
    is position −1 and score −inf. Raises ValueError on factors that are not finite.
    """
    if not np.isfinite(users_UD).all():
        raise ValueError("user factors hold a NaN or an infinity; the fit that made them diverged")
    users = len(users_UD)
    positions_UK = np.full((users, index.k), -1, dtype=np.int64)
    scores_UK = np.full((users, index.k), -np.inf, dtype=np.float32)
    block_BD = np.zeros((index.block, index.depth), dtype=np.float32)
    products_BC = np.empty((index.block, index.groups * index.group), dtype=np.float32)
    for start in range(0, users, index.block):
        n = min(index.block, users - start)
        block_BD[:n], block_BD[n:] = users_UD[start : start + n], 0.0  # always one shape: padded
        np.matmul(block_BD, index.padded_DC, out=products_BC)
        products_BC[:, index.items :] = -np.inf
        if seen is not None:
            _mask(products_BC, seen, start, n)
        row, position = _near_the_top(products_BC[:n], block_BD[:n], index)
        exact = np.einsum(
            "nd,nd->n", block_BD[row].astype(np.float64), index.factors_ID[position].astype(np.float64)
        ).astype(np.float32)
        order = np.lexsort((position, -exact, row))
        row, position, exact = row[order], position[order], exact[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        kept = rank < index.k
        positions_UK[start + row[kept], rank[kept]] = position[kept]
        scores_UK[start + row[kept], rank[kept]] = exact[kept]
    return positions_UK, scores_UK


def _mask(products_BC: Floats, seen: SeenItems, start: int, n: int) -> None:
    """Sets what the block's users have seen to −inf."""
    counts = np.diff(seen.starts[start : start + n + 1])
    columns = seen.positions[seen.starts[start] : seen.starts[start + n]]
    products_BC[np.repeat(np.arange(n), counts), columns] = -np.inf


def _near_the_top(products_BC: Floats, block_BD: Floats, index: ItemIndex) -> tuple[Ints, Ints]:
    """(row, item position) of all that may be among a row's K best, by row; about K a row."""
    grouped_BGM = products_BC.reshape(len(products_BC), index.group, index.groups)  # a group: columns M apart
    largest_BM = grouped_BGM.max(axis=1)
    at = index.groups - index.k
    kth_B = np.partition(largest_BM, at, axis=1)[:, at].astype(np.float64)
    norm_B = np.sqrt(np.einsum("bd,bd->b", block_BD, block_BD, dtype=np.float64))
    error_B = index.error_per_norm * norm_B
    # Both the K-th score and a rival may be off by the error; a last float32 rounding may make ties of neighbours.
    slack_B = 2 * error_B + 4 * _UNIT_ROUNDOFF * (np.where(np.isfinite(kth_B), np.abs(kth_B), 0.0) + error_B)
    floor_B = (kth_B - slack_B - 1e-37).astype(np.float32)
    floor_B = np.nextafter(floor_B, np.float32(-np.inf))
    row, group = np.nonzero(largest_BM >= floor_B[:, None])
    values_NG = grouped_BGM[row, :, group]
    pick, member = np.nonzero((values_NG >= floor_B[row][:, None]) & (values_NG > -np.inf))
    return row[pick], member * index.groups + group[pick]
