"""ials: implicit ALS tuned for ranking (Rendle, Krichene, Zhang, Koren 2022, "Revisiting the Performance of iALS").

L = Σ_(u,i) taken w (x_u·y_i − 1)² + α0 Σ_all (x_u·y_i)² + λ Σ_rows (n + α0 N)^ν ‖·‖² (eqs. 1, 4 and 8), N the rows of
the other side; if asked w is less for items that many have (as tf-idf discounts frequent words; not of the paper).
Each half step solves all rows of a side by preconditioned conjugate gradients, a block of rows together: the
preconditioner is what all rows have in common, G = α0 YᵀY + λ_min I = L·Lᵀ, and in coordinates z = Lᵀx it is the
identity. The ratings then cost 4 D operations each at a step, and what a row's λ has above the least a matrix product
for the block. With ``block`` set the half step is that of iALS++ (ials_blocks) instead. Ranks deal the rows as in
blocked, and give the same bits in any number. Where ``social`` is above 0 and the data say whom
a user trusts, a user's factor of lists is drawn to the mean m of the learned factors of those, by social · λ ‖x − m‖²
(the social term of Jamali and Ester 2010, "A matrix factorization technique with trust propagation", eq. 10, with
the others' factors held).

Shapes: R rows of a side, D factor length, B rows of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import blocked, state
from fuserank.learning.recommenders.best import Best, Products, best_dense
from fuserank.learning.recommenders.ials_equations import Equations, Floats, _scales
from fuserank.learning.recommenders.mesh import Mesh
from fuserank.learning.recommenders.state import State

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import IalsConfig

USERS_AT_ONCE = 2048
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
_ZERO, _ONE = np.float32(0), np.float32(1)
_GRAM_ROWS = 65_536  # in double precision at once
_FOLD_IN_ROWS = 256  # solved together
_FOLD_IN_STEPS = 40  # at most; conjugate gradients stop to change float32 numbers long before


class Solver:
    """Solves rows given one side's factors: ``root_DD`` = L, ``white_OD`` = its rows L⁻¹y."""

    def __init__(self, gram_DD: Doubles, least: float, cfg: IalsConfig) -> None:
        depth = len(gram_DD)
        _check(gram_DD)
        self.least = least
        self.root_DD = np.linalg.cholesky(cfg.unobserved_weight * gram_DD + least * np.eye(depth))
        self.inverse_DD = np.linalg.inv(self.root_DD)
        self.metric_DD = (self.inverse_DD @ self.inverse_DD.T).astype(np.float32)

    def improve(
        self, rows: Equations, some: slice, z_BD: Floats, white_OD: Floats, steps: int, pull_BD: Floats | None = None
    ) -> None:
        """Takes ``steps`` steps from where the rows ``some`` of ``rows`` stand, in place; rows without pairs become 0.
        ``pull_BD``: what is added to the right side, in the coordinates of x.
        """
        from fuserank.learning.recommenders.kernels.als import add_products

        ptr = rows.indptr[some.start : some.stop + 1]
        above_B = (rows.penalty_R[some] - np.float32(self.least))[:, None]
        skewed = bool(above_B.any())

        def times(p_BD: Floats) -> Floats:
            out_BD: Floats = p_BD + above_B * (p_BD @ self.metric_DD) if skewed else p_BD.copy()
            add_products(ptr, rows.indices, rows.taken, white_OD, p_BD, _ZERO, _ONE, out_BD)
            return out_BD

        z_BD[np.diff(ptr) == 0] = 0
        r_BD = -times(z_BD)
        add_products(ptr, rows.indices, rows.weight, white_OD, z_BD, _ONE, _ZERO, r_BD)
        if pull_BD is not None:
            r_BD += pull_BD @ self.inverse_DD.T.astype(np.float32)
        r_BD[np.diff(ptr) == 0] = 0
        p_BD, before_B = r_BD.copy(), _squares(r_BD)
        for _ in range(steps):
            q_BD = times(p_BD)
            length_B = _ratio(before_B, np.einsum("bd,bd->b", p_BD, q_BD))
            z_BD += length_B[:, None] * p_BD
            r_BD -= length_B[:, None] * q_BD
            after_B = _squares(r_BD)
            if not after_B.any():
                return
            p_BD = r_BD + _ratio(after_B, before_B)[:, None] * p_BD
            before_B = after_B


def _check(gram_DD: Doubles) -> None:
    if not np.isfinite(gram_DD).all():
        raise FloatingPointError("ials diverged: factors are not finite; raise its regularization")


def _squares(r_BD: Floats) -> Floats:
    squared: Floats = np.einsum("bd,bd->b", r_BD, r_BD)
    squared[squared < 1e-14] = 0  # solved: a further step would divide rounding by rounding
    return squared


def _ratio(over_B: Floats, under_B: Floats) -> Floats:
    return np.divide(over_B, under_B, out=np.zeros_like(over_B), where=(under_B > 0) & (over_B > 0))


def iterate(mesh: Mesh, users: blocked.Side, items: blocked.Side, cfg: IalsConfig, seed: int) -> tuple[Floats, Floats]:
    """All passes from a random start N(0, 0.1² / D); returns this rank's rows of both factor tables."""
    rng = np.random.default_rng(seed)
    starts = [
        rng.standard_normal((side.rows, cfg.factors), np.float32) * np.float32(0.1 / np.sqrt(cfg.factors))
        for side in (users, items)
    ]
    x, y = (blocked.Factors(side, mesh.rank, start) for side, start in zip((users, items), starts, strict=True))
    del starts
    rated_users, rated_items = _rated(mesh, users), _rated(mesh, items)
    own_I = np.diff(items.indptr)
    scale_I = _scales(np.concatenate(mesh.gather(own_I)), cfg)
    of_users = Equations.of(users, rated_items, scale_I[users.indices], cfg)
    mine_I = scale_I[items.bounds[mesh.rank] : items.bounds[mesh.rank + 1]]
    of_items = Equations.of(items, rated_users, np.repeat(mine_I, own_I), cfg)
    for factors, side in ((x, users), (y, items)):
        factors.own_RD[np.diff(side.indptr) == 0] = 0  # indices that nobody has are no rows
    least_user, least_item = (
        float(np.min(mesh.gather(np.array([rows.penalty_R.min(initial=np.inf)])))) for rows in (of_users, of_items)
    )
    for _ in range(cfg.iterations):
        _half_step(mesh, x, y, of_users, least_user, cfg)
        _half_step(mesh, y, x, of_items, least_item, cfg)
    return x.table(), y.table()


def _rated(mesh: Mesh, side: blocked.Side) -> int:
    """How many rows of all ranks have a pair."""
    return int(np.sum(mesh.gather(np.array([np.count_nonzero(np.diff(side.indptr))]))))


def _half_step(
    mesh: Mesh, mine: blocked.Factors, other: blocked.Factors, rows: Equations, least: float, cfg: IalsConfig
) -> None:
    """Improves this rank's rows of ``mine`` given all of ``other``; ``least``: the
    smallest penalty of all ranks' rows.
    """
    gram_DD = other.gram(mesh)
    if cfg.block is not None:
        from fuserank.learning.recommenders.ials_blocks import improve

        _check(gram_DD)
        table_OD = other.hand_round(mesh, np.eye(len(gram_DD)))
        improve(
            mine.own_RD, table_OD, cfg.unobserved_weight * gram_DD, rows, cfg.block, blocked.block_rows(mine.side.rows)
        )
        return
    solver = Solver(gram_DD, least, cfg)
    white_RD = other.hand_round(mesh, solver.inverse_DD.T)
    z_RD = np.empty_like(mine.own_RD)
    mine.times(solver.root_DD, z_RD)
    block = blocked.block_rows(mine.side.rows)
    for start in range(0, len(z_RD), block):
        some = slice(start, min(start + block, len(z_RD)))
        solver.improve(rows, some, z_RD[some], white_RD, cfg.cg_steps)
    mine.own_RD, mine.basis_DD = z_RD, solver.inverse_DD


def learn(pairs: Interactions, cfg: IalsConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item`` (value: how many users took it), in one process; ``block`` must be the only one."""
    taken = pairs.weight.tocoo()
    if not taken.nnz:
        return
    user, item = pairs.users[taken.row], pairs.items[taken.col]  # by their names, as ranks have them: the same start
    with ThreadPoolExecutor(1) as sender:
        mesh = Mesh(0, {}, sender)
        sides = blocked.exchange(mesh, user, item, taken.data, cfg.factors)
        x_UD, y_ID = iterate(mesh, *sides, cfg, seed)
    yield from state.vectors("item", pairs.items, y_ID[pairs.items], np.diff(sides[1].indptr)[pairs.items])
    if cfg.social and pairs.content is not None:
        yield from state.vectors("linked", *linked_means(pairs.content, pairs.users, x_UD[pairs.users]))


def linked_means(content: Content, users: Ints, x_UD: Floats) -> tuple[Ints, Floats]:
    """Users with a link to one of ``users``, ascending, and the mean of the factors of those they are linked to."""
    import scipy.sparse as sp

    user, other = content.links()
    at, there = locate(users, other)
    names, row = np.unique(user[there], return_inverse=True)
    count = np.bincount(row, minlength=len(names))
    share = (1 / np.maximum(count, 1)).astype(np.float32)[row]
    mean: Any = sp.csr_matrix((share, (row, at[there])), shape=(len(names), len(users))) @ x_UD
    return names.astype(np.int32), mean


def _gram(y_ID: Floats) -> Doubles:
    """YᵀY in double precision, some rows at a time."""
    total_DD = np.zeros((y_ID.shape[1], y_ID.shape[1]))
    for low in range(0, len(y_ID), _GRAM_ROWS):
        wide_BD = y_ID[low : low + _GRAM_ROWS].astype(np.float64)
        total_DD += wide_BD.T @ wide_BD
    return total_DD


class Scorer:
    """Inner products with the user's factor, which is solved from the history in closed form (eq. 9 of the paper,
    with all item factors held): users who were not there at the fit are no exception.
    """

    def __init__(self, rows: State, cfg: IalsConfig) -> None:
        self.items, self.factors_ID, count_I = rows.vectors("item")
        self.scale_I = _scales(count_I, cfg)
        self.cfg, self.products = cfg, Products(self.factors_ID)
        if len(self.items):
            least = cfg.regularization * (cfg.unobserved_weight * len(self.items)) ** cfg.frequency
            self.solver = Solver(_gram(self.factors_ID), float(least), cfg)
            self.white_ID = (self.factors_ID @ self.solver.inverse_DD.T).astype(np.float32)
        self.linked, self.near_UD = np.empty(0, np.int32), np.empty((0, self.factors_ID.shape[1]), np.float32)
        if cfg.social and rows.parts("linked"):
            self.linked, self.near_UD, _ = rows.vectors("linked")

    def fold_in(self, history: sp.csr_matrix, near_BD: Floats | None = None) -> Floats:
        """Factors (B, D) of the rows of a history over ``items``; zero for an empty one. ``near_BD``: what each is
        drawn to by social · λ ‖x − near‖²; rows of zeros: nothing.
        """
        users, depth = history.shape[0], self.factors_ID.shape[1]
        side = blocked.Side(np.array([0, users]), history.indptr, history.indices, history.data)
        rows = Equations.of(side, len(self.items), self.scale_I[history.indices], self.cfg)
        x_BD, pull_BD = np.zeros((users, depth), np.float32), None
        if near_BD is not None:
            drawn_B = np.where(near_BD.any(axis=1), np.float32(self.cfg.social), np.float32(0)) * rows.penalty_R
            rows, pull_BD = replace(rows, penalty_R=rows.penalty_R + drawn_B), drawn_B[:, None] * near_BD
        for start in range(0, users, _FOLD_IN_ROWS):
            some = slice(start, min(start + _FOLD_IN_ROWS, users))
            pull = None if pull_BD is None else pull_BD[some]
            self.solver.improve(rows, some, x_BD[some], self.white_ID, _FOLD_IN_STEPS, pull)
        return (x_BD @ self.solver.inverse_DD).astype(np.float32)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: inner products with the user's factor, which is solved from the history; no
        list without one.
        """
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        known_B, near_BD = np.diff(histories.weight.indptr) > 0, None
        if len(self.linked):
            at, there = locate(self.linked, histories.users)
            near_BD = np.where(there[:, None], self.near_UD[at], np.float32(0))
        x_BD = self.fold_in(histories.weight, near_BD)
        if near_BD is not None:  # of whom nothing else is known
            x_BD[~known_B] = near_BD[~known_B]
            known_B |= near_BD.any(axis=1)
        return self.products.best(x_BD, known_B, histories.weight if exclude_seen else None, k)
