"""The graph that kg walks on: items, users, and the values of what both are; and how its paths are mixed.

A path goes from a user to values and from these to items: ``mass`` says with what probability a walk stands at which
value, ``spread`` with what probability it goes on to which item. Users are values too, of the path ``took``.

Shapes: U users who took something, I items, V values of a field, B users of a block, N pairs, P paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.settings_content import KgConfig

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
PRIOR, TOOK, ITEM, USER = "prior", "took", "item ", "user "  # paths by name; the last two before a field's
_PAIRS_AT_ONCE = 2048
_ROUNDS = 200  # of EM: most weights stand still after some fifty
_ALIKE = 5.0  # pairs that each path is given before any is looked at: few pairs leave the weights near alike


def shares(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The matrix, each row summing to 1; rows without anything stay."""
    import scipy.sparse as sp

    total = np.asarray(matrix.sum(axis=1), np.float64).ravel()
    per = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    data = matrix.data * np.repeat(per, np.diff(matrix.indptr))
    return sp.csr_matrix((data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


@dataclass
class Graph:
    """items (I,) ascending; ``count_I``: how many took each of them, lately; ``has``: field → (I, V) of items;
    ``attributes``: field → users ascending and their (·, V), in the numbers of ``has`` where items have the field too;
    ``took`` (U, I): how much ``users`` (U,) go on to each of their items.
    """

    items: Ints
    count_I: Doubles
    has: dict[str, sp.csr_matrix]
    attributes: dict[str, tuple[Ints, sp.csr_matrix]]
    users: Ints
    took: sp.csr_matrix
    cfg: KgConfig
    prior_I: Floats = field(init=False)
    spread: dict[str, sp.csr_matrix] = field(init=False)

    def __post_init__(self) -> None:
        import scipy.sparse as sp

        liked_I = (self.count_I + self.cfg.smoothing) ** self.cfg.popularity_power
        self.prior_I = (liked_I / liked_I.sum()).astype(np.float32)
        liked = sp.diags(liked_I)
        self.spread = {ITEM + name: shares((liked @ has).T.tocsr()).T.tocsr() for name, has in self.has.items()}
        by_user = shares(self.took)
        for name, (users, attributes) in self.attributes.items():
            if name in self.has:
                self.spread[USER + name] = self.spread[ITEM + name]
                continue
            at, known = locate(users, self.users)
            shared = attributes[at[known]].T.tocsr() @ by_user[np.flatnonzero(known)]
            self.spread[USER + name] = shares(shared.tocsr()).T.tocsr()
        self.spread[TOOK] = by_user.T.tocsr()
        one = self.took.copy()
        one.data = np.ones_like(one.data)
        taken_by = np.maximum(np.bincount(one.indices, minlength=len(self.items)), 1)
        self._back = (sp.diags(1.0 / taken_by) @ one.T).tocsr()

    @property
    def paths(self) -> list[str]:
        """All, the prior first."""
        return [PRIOR, *self.spread]

    def damped(self, name: str) -> sp.csr_matrix:
        """(I, V): how much of what stands at an item goes to each of its values of
        a field: items of the value^−value_power.
        """
        import scipy.sparse as sp

        has = self.has[name]
        many_V = np.maximum(np.bincount(has.indices, minlength=has.shape[1]), 1)
        return (has @ sp.diags(many_V ** -float(self.cfg.value_power))).tocsr()

    def masses(self, users_B: Ints, history: sp.csr_matrix) -> dict[str, sp.csr_matrix]:
        """(B, V) of each path but the prior; ``history`` (B, I)."""
        import scipy.sparse as sp

        found = {ITEM + name: shares((history @ self.damped(name)).tocsr()) for name in self.has}
        for name, (users, attributes) in self.attributes.items():
            at, known = locate(users, users_B)
            chosen = (np.ones(known.sum(), np.float32), (np.flatnonzero(known), at[known]))
            found[USER + name] = shares((sp.csr_matrix(chosen, shape=(len(users_B), len(users))) @ attributes).tocsr())
        found[TOOK] = shares((history @ self._back).tocsr())
        return found

    def scores(self, masses: dict[str, sp.csr_matrix], weight: dict[str, float]) -> Floats:
        """Σ over the paths of weight · mass · spread, the prior among them (B, I)."""
        rows = next(iter(masses.values())).shape[0]
        sum_IB = np.repeat((weight[PRIOR] * self.prior_I).astype(np.float32)[:, None], rows, axis=1)
        for name, mass in masses.items():
            if weight.get(name, 0) > 0 and mass.nnz:
                mass_VB = np.ascontiguousarray(mass.toarray().T) * np.float32(weight[name])
                sum_IB += self.spread[name] @ mass_VB
        return np.ascontiguousarray(sum_IB.T)

    def probabilities(self, users_B: Ints, history: sp.csr_matrix, row_N: Ints, item_N: Ints) -> Doubles:
        """Of the items ``item_N`` (columns) for rows ``row_N`` of the block, by each path (N, P)."""
        masses = self.masses(users_B, history)
        found = np.empty((len(row_N), len(self.paths)))
        found[:, 0] = self.prior_I[item_N]
        for low in range(0, len(row_N), _PAIRS_AT_ONCE):
            some = slice(low, low + _PAIRS_AT_ONCE)
            for place, (name, spread) in enumerate(self.spread.items(), 1):
                both = masses[name][row_N[some]].multiply(spread[item_N[some]])
                found[some, place] = np.asarray(both.sum(axis=1)).ravel()
        return found


def mixed(probability_NP: Doubles) -> Doubles:
    """Weights (P,) of paths, ≥ 0 and summing to 1, under which pairs that were held back are likeliest.

    Expectation maximisation of a mixture whose parts are given (deleted interpolation; Jelinek and Mercer 1980): the
    likelihood has one maximum, and no rate is to be chosen.
    """
    weight_P = np.full(probability_NP.shape[1], 1 / probability_NP.shape[1])
    possible = probability_NP[probability_NP.sum(axis=1) > 0]
    for _ in range(_ROUNDS):
        part_NP = possible * weight_P
        part_NP /= part_NP.sum(axis=1, keepdims=True)
        weight_P = part_NP.sum(axis=0) + _ALIKE
        weight_P /= weight_P.sum()
    return weight_P
