"""The blocked engine of als: one barrier stage whose tasks are ranks with a socket between each two.

Rows of both sides are dealt to the ranks so that each has the same work; a half step hands the other side's rows
round, and solves a rank's rows by conjugate gradients (kernels.als). Each rank keeps only its own rows of the ratings,
and of the factors its own rows and what was handed round. A row's solution depends on the other side's table alone,
so that the factors are the same bits for any number of ranks.

Shapes: R rows of a side, D factor length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders.mesh import Mesh

if TYPE_CHECKING:
    from fuserank.config.candidates import AlsConfig

_QUANTUM = 2.0**30
_JITTER = 1e-7

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """A rank's rows of one side in CSR form; ``bounds[r]:bounds[r + 1]`` are the rows of rank r."""

    bounds: Ints
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Floats

    @property
    def rows(self) -> int:
        """Rows of all ranks together."""
        return int(self.bounds[-1])


def exchange(mesh: Mesh, user: Indices, item: Indices, confidence: Floats, depth: int) -> tuple[Side, Side]:
    """Sends every pair to the rank that solves its user and to the rank that solves its item."""
    own = np.array([user.max(initial=-1) + 1, item.max(initial=-1) + 1], np.int64)
    size = np.max(mesh.gather(own), axis=0)
    sides = []
    for rows, others, row, other in ((size[0], size[1], user, item), (size[1], size[0], item, user)):
        counts: Ints = np.sum(mesh.gather(np.bincount(row, minlength=rows).astype(np.int64)), axis=0)
        bounds = equal_work(counts, mesh.size, depth)
        sides.append(_own_rows(mesh, bounds, row, other, confidence, int(others)))
    return sides[0], sides[1]


def block_rows(rows: int) -> int:
    """Rows of a block, a power of two: what is multiplied at once, and what bounds between ranks are rounded to."""
    return min(256, 1 << max(rows // 128, 1).bit_length() - 1)


def equal_work(counts: Ints, ranks: int, depth: int) -> Ints:
    """Bounds (ranks + 1,) of contiguous rows, whole blocks, with the same work each, from the non-zeros of each row.

    With two steps of the solver a row of the factor table costs about as much as depth / 10 non-zeros (measured).
    """
    block = block_rows(len(counts))
    work = np.concatenate([[0], np.cumsum(10 * counts + depth * (counts > 0))]).astype(np.int64)
    targets = work[-1] * np.arange(1, ranks, dtype=np.int64) // ranks
    inner = (np.searchsorted(work, targets) + block // 2) // block * block
    return np.concatenate([[0], np.minimum(inner, len(counts)), [len(counts)]]).astype(np.int64)


def _own_rows(mesh: Mesh, bounds: Ints, row: Indices, other: Indices, confidence: Floats, others: int) -> Side:
    """This rank's rows of one side, from all ranks, sorted by (row, other)."""
    import scipy.sparse as sp

    owner = np.searchsorted(bounds[1:-1], row, side="right")
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(1, mesh.size))
    row, other, data = (np.concatenate(mesh.swap(np.split(column[order], cuts))) for column in (row, other, confidence))
    low, high = int(bounds[mesh.rank]), int(bounds[mesh.rank + 1])
    rated = sp.csr_matrix((data, (row - low, other)), shape=(high - low, others))
    rated.sort_indices()
    return Side(bounds, rated.indptr, rated.indices, rated.data)


class Factors:
    """This rank's own rows of one side's factors, as coordinates: factor = coordinates · basis.

    Products of rows and a matrix are taken a block at a time, and blocks never lie across two ranks, so that their bits
    are the same for any number of ranks.
    """

    def __init__(self, side: Side, rank: int, all_RD: Floats) -> None:
        self.side, self.rank = side, rank
        self.own_RD = all_RD[side.bounds[rank] : side.bounds[rank + 1]]
        self.basis_DD = np.eye(all_RD.shape[1])
        self.white_RD = np.empty_like(all_RD)  # of all ranks; filled before each half step of the other side

    def times(self, matrix_DD: Doubles, out_RD: Floats) -> None:
        """``out_RD`` = own factors · matrix."""
        matrix_DD = (self.basis_DD @ matrix_DD).astype(np.float32)
        for rows in self._blocks():
            np.matmul(self.own_RD[rows], matrix_DD, out=out_RD[rows])

    def table(self) -> Floats:
        """This rank's rows as they are, out of their coordinates."""
        table_RD = np.empty_like(self.own_RD)
        self.times(np.eye(len(self.basis_DD)), table_RD)
        return table_RD

    def hand_round(self, mesh: Mesh, matrix_DD: Doubles) -> Floats:
        """Factors · matrix of all ranks' rows."""
        bounds = self.side.bounds
        self.times(matrix_DD, self.white_RD[bounds[mesh.rank] : bounds[mesh.rank + 1]])
        mesh.fill(self.white_RD, bounds)
        return self.white_RD

    def gram(self, mesh: Mesh) -> Doubles:
        """Σ y yᵀ over the factors of all ranks (D, D): whole numbers of 2^-30 are summed, so no order shows."""
        total_DD = np.zeros_like(self.basis_DD)
        for rows in self._blocks():
            total_DD += np.rint(self.own_RD[rows].T @ self.own_RD[rows] * np.float32(_QUANTUM))
        parts = mesh.gather(total_DD.ravel())
        whole_DD: Doubles = np.sum(parts, axis=0).reshape(total_DD.shape) / _QUANTUM
        return self.basis_DD.T @ whole_DD @ self.basis_DD

    def _blocks(self) -> Iterator[slice]:
        block = block_rows(self.side.rows)
        return (slice(start, start + block) for start in range(0, len(self.own_RD), block))


def iterate(mesh: Mesh, users: Side, items: Side, cfg: AlsConfig, seed: int) -> tuple[Floats, Floats]:
    """All passes from a random start; returns this rank's rows of both factor tables. Raises where they diverge."""
    starts = start_factors(users.rows, items.rows, cfg.factors, seed)
    x, y = (Factors(side, mesh.rank, start) for side, start in zip((users, items), starts, strict=True))
    del starts
    for _ in range(cfg.iterations):
        _half_step(mesh, x, y, cfg)
        _half_step(mesh, y, x, cfg)
    tables = x.table(), y.table()
    if not all(np.isfinite(table_RD).all() for table_RD in tables):
        raise _diverged()
    return tables


def start_factors(users: int, items: int, depth: int, seed: int) -> tuple[Floats, Floats]:
    """Small positive numbers (users, depth) and (items, depth), the same on every rank; users' are drawn first."""
    rng = np.random.default_rng(seed)
    x_UD = rng.random((users, depth), dtype=np.float32) * np.float32(0.01)
    y_ID = rng.random((items, depth), dtype=np.float32) * np.float32(0.01)
    return x_UD, y_ID


def _half_step(mesh: Mesh, mine: Factors, other: Factors, cfg: AlsConfig) -> None:
    """Solves this rank's rows of ``mine`` given all of ``other``.

    With G = YᵀY + λI = L·Lᵀ the equations are solved for Lᵀx, from factors L⁻¹y of the other side: there G is the
    identity, which costs nothing, and the ratings alone are left for the solver (kernels.als).
    """
    from fuserank.learning.recommenders.kernels.als import solve

    root_DD = _root(other.gram(mesh), cfg)
    inverse_DD = np.linalg.inv(root_DD)
    white_RD = other.hand_round(mesh, inverse_DD.T)
    start_RD = np.empty_like(mine.own_RD)
    mine.times(root_DD, start_RD)
    solve(mine.side.indptr, mine.side.indices, mine.side.data, start_RD, white_RD, cfg.cg_steps)
    mine.own_RD, mine.basis_DD = start_RD, inverse_DD


def _root(gram_DD: Doubles, cfg: AlsConfig) -> Doubles:
    """L (D, D) of G = L·Lᵀ."""
    jitter = _JITTER * np.trace(gram_DD) / cfg.factors  # where λ is 0, or lost beside the largest factor
    if not np.isfinite(jitter):
        raise _diverged()
    return np.linalg.cholesky(gram_DD + (cfg.regularization + jitter) * np.eye(cfg.factors))


def _diverged() -> FloatingPointError:
    return FloatingPointError("ALS diverged: factors are not finite; raise candidates.als.regularization")
