"""Training of the two towers, by torch on one thread of the CPU. Imported where it runs.

Shapes: U users, I items, F features (an item's own id and values), D depth, C chunks of a batch, K pairs of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.threads import one_thread

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.settings_content import TwoTowerConfig

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[Any]
# Pairs of one user in a batch, whose history is summed once for all of them; at most half of what the user took.
CHUNK = 16
_HISTORY = 256  # items of a history that a step looks at, drawn alike; lists look at all
_START = 0.1  # length of an embedding before the first step
_LEAST_VARIANCE = 1e-8
_EPSILON = 1e-6  # of Adagrad's sums of squares


@dataclass(frozen=True)
class Shop:
    """What is learned from: ``history`` (U, I), its weights; ``fresh_N``: what each of its pairs counts as a target;
    ``features`` (I, F): columns 0 … I − 1 are the items' ids, the rest values; ``attributes`` (U, G): values of users;
    ``liked_I``: ln of how popular an item is.
    """

    history: sp.csr_matrix
    fresh_N: Floats
    features: sp.csr_matrix
    attributes: sp.csr_matrix
    liked_I: Floats


class Table:
    """Embeddings (F, D) and what Adagrad remembers of them; a step touches only rows that its batch has."""

    def __init__(self, rows_FD: Floats, rate: float) -> None:
        self.rows_FD, self.rate = rows_FD, np.float32(rate)
        self.squares_FD = np.full_like(rows_FD, _EPSILON)

    def bags(self, matrix: sp.csr_matrix) -> tuple[Any, Callable[[], None]]:
        """``matrix`` (R, F) times the table, as a tensor that takes a gradient; the step to call once it has one."""
        import scipy.sparse as sp
        import torch

        touched_T, place = np.unique(matrix.indices, return_inverse=True)
        small_RT = sp.csr_matrix((matrix.data, place, matrix.indptr), shape=(matrix.shape[0], len(touched_T)))
        x_RD = torch.from_numpy(small_RT @ self.rows_FD[touched_T]).requires_grad_()

        def step() -> None:
            assert x_RD.grad is not None, "a step before backward()"
            g_TD = small_RT.T @ x_RD.grad.numpy()
            squares_TD = self.squares_FD[touched_T] + g_TD * g_TD
            self.squares_FD[touched_T] = squares_TD
            self.rows_FD[touched_T] -= self.rate * g_TD / np.sqrt(squares_TD)

        return x_RD, step


def tower(x_RD: Any, layer: tuple[Any, Any, Any]) -> Any:
    """A unit vector: x + relu(x W + b) V, to the length 1."""
    import torch

    into_DD, bias_D, out_DD = layer
    return torch.nn.functional.normalize(x_RD + torch.relu(x_RD @ into_DD + bias_D) @ out_DD, dim=1)


def spread(all_UD: Any) -> tuple[Any, Any]:
    """Mean and standard deviation (D,) of rows, of numpy or torch: what they are told apart by (batch
    normalisation; Ioffe and Szegedy 2015). Means over long histories are nearly alike, and what they have in common
    would be nearly all of a vector's length.
    """
    middle_D = all_UD.mean(0)
    return middle_D, (((all_UD - middle_D) ** 2).mean(0) + _LEAST_VARIANCE) ** 0.5


def train(shop: Shop, cfg: TwoTowerConfig, seed: int) -> dict[str, Floats]:
    """item (F, D), history (F + G, D), both towers' layers, and ``popularity`` (1,), after all epochs."""
    with one_thread():
        steps, rng = _Steps(shop, cfg, seed), np.random.default_rng(seed)
        for _ in range(cfg.epochs):
            for user_C, chunk_K, pair_K in batches(shop.history.indptr, max(1, cfg.batch // CHUNK), rng):
                steps.take(user_C, chunk_K, pair_K, rng)
        found = {name: value.detach().numpy() for name, value in steps.dense.items()}
        return {**found, "item": steps.item.rows_FD, "history": steps.history.rows_FD}


def layer_of(weights: dict[str, Any], side: str) -> tuple[Any, Any, Any]:
    """W, b and V of a tower."""
    return weights[f"{side}_in"], weights[f"{side}_bias"], weights[f"{side}_out"]


def batches(indptr: Ints, chunks: int, rng: np.random.Generator) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Each pair once: the user of each chunk (C,), the chunk (K,) and the number (K,) of each pair."""
    size_U = np.diff(indptr)
    user_N = np.repeat(np.arange(len(size_U)), size_U)
    order_N = np.lexsort((rng.random(len(user_N)), user_N))
    per_U = np.maximum(np.minimum(CHUNK, size_U // 2), 1)
    number_N = (np.arange(len(user_N)) - indptr[:-1][user_N]) // per_U[user_N]
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(user_N) != 0) | (np.diff(number_N) != 0)]))
    length = np.diff(starts, append=len(user_N))
    shuffled = rng.permutation(len(starts))
    for low in range(0, len(shuffled), chunks):
        some = shuffled[low : low + chunks]
        chunk_K = np.repeat(np.arange(len(some)), length[some])
        within = np.arange(len(chunk_K)) - np.repeat(np.cumsum(length[some]) - length[some], length[some])
        yield user_N[starts[some]], chunk_K, order_N[starts[some][chunk_K] + within]


class _Steps:
    """All that is learned, and a step of it: embeddings by Table, the towers' layers and γ by torch's Adagrad."""

    def __init__(self, shop: Shop, cfg: TwoTowerConfig, seed: int) -> None:
        import torch

        self.shop, self.cfg = shop, cfg
        generator = torch.Generator().manual_seed(seed)

        def normal(rows: int, length: float) -> Any:
            return torch.randn(rows, cfg.factors, generator=generator) * (length / cfg.factors**0.5)

        features = shop.features.shape[1]
        self.item = Table(normal(features, _START).numpy(), cfg.learning_rate)
        self.history = Table(normal(features + shop.attributes.shape[1], _START).numpy(), cfg.learning_rate)
        self.dense = {"popularity": torch.ones(1)}
        for side in ("item", "user"):
            self.dense[f"{side}_in"], self.dense[f"{side}_out"] = normal(cfg.factors, 1.0), normal(cfg.factors, 0.1)
            self.dense[f"{side}_bias"] = torch.zeros(cfg.factors)
        leaves = [value.requires_grad_() for value in self.dense.values()]
        self.optimizer = torch.optim.Adagrad(leaves, lr=cfg.learning_rate, initial_accumulator_value=_EPSILON)
        count_I = np.bincount(shop.history.indices, minlength=shop.history.shape[1])
        self.drawn_I = np.log(np.maximum(count_I, 1) / max(count_I.sum(), 1)).astype(np.float32)

    def take(self, user_C: Ints, chunk_K: Ints, pair_K: Ints, rng: np.random.Generator) -> None:
        """One step down the gradient; raises FloatingPointError where the loss is not finite."""
        item_K = self.shop.history.indices[pair_K]
        items, step_items = self.item.bags(self._dropped(self.shop.features[item_K], rng))
        users, step_users = self.history.bags(self._histories(user_C, chunk_K, pair_K, rng))
        loss = self.loss(users, items, chunk_K, pair_K)
        if not np.isfinite(loss.item()):
            raise FloatingPointError("two_tower diverged: its loss is not finite; lower its learning_rate")
        self.optimizer.zero_grad()
        loss.backward()
        for step in (self.optimizer.step, step_items, step_users):
            step()

    def loss(self, users_CD: Any, items_KD: Any, chunk_K: Ints, pair_K: Ints) -> Any:
        """Softmax of each pair over the batch, its item less what is drawn too often: s − ln p (eq. 3 of Yi et al.).

        Not among a pair's others: the same item again, and the user's other
        targets, which are there because of the user.
        """
        import torch

        item_K = self.shop.history.indices[pair_K]
        v_KD = tower(items_KD, layer_of(self.dense, "item"))
        middle_D, width_D = spread(users_CD)
        u_CD = tower((users_CD - middle_D) / width_D, layer_of(self.dense, "user"))
        liked_K, drawn_K = (torch.from_numpy(of[item_K]) for of in (self.shop.liked_I, self.drawn_I))
        s_CK = u_CD @ v_KD.T / self.cfg.temperature + self.dense["popularity"] * liked_K - drawn_K
        chunk, item = torch.from_numpy(chunk_K), torch.from_numpy(item_K.astype(np.int64))
        out_KK = (chunk[:, None] == chunk) | (item[:, None] == item)
        out_KK.fill_diagonal_(False)
        log_KK = torch.log_softmax(s_CK[chunk].masked_fill(out_KK, -torch.inf), dim=1)
        fresh_K = torch.from_numpy(self.shop.fresh_N[pair_K])
        return -(fresh_K * log_KK.diagonal()).sum() / fresh_K.sum().clamp(min=1e-6)

    def _dropped(self, features: sp.csr_matrix, rng: np.random.Generator) -> sp.csr_matrix:
        """Without the ids of some rows: what is left of them is content, as of an item that is new."""
        row = np.repeat(rng.random(features.shape[0]) < self.cfg.id_dropout, np.diff(features.indptr))
        features.data[row & (features.indices < self.shop.features.shape[0])] = 0
        return features

    def _histories(self, user_C: Ints, chunk_K: Ints, pair_K: Ints, rng: np.random.Generator) -> sp.csr_matrix:
        """(C, F + G): the mean of what each user took beside the chunk's own targets, and the user's values."""
        import scipy.sparse as sp

        history = self.shop.history
        size_C = np.diff(history.indptr)[user_C]
        chunk_M = np.repeat(np.arange(len(user_C)), size_C)
        pair_M = (
            np.arange(len(chunk_M)) - np.repeat(np.cumsum(size_C) - size_C, size_C) + history.indptr[user_C][chunk_M]
        )
        mask = rng.random(len(chunk_M)) * size_C[chunk_M] < _HISTORY
        mask &= ~np.isin(chunk_M * history.nnz + pair_M, chunk_K * history.nnz + pair_K)
        chunk_M, pair_M = chunk_M[mask], pair_M[mask]
        rows = sp.csr_matrix(
            (history.data[pair_M], (chunk_M, history.indices[pair_M])), shape=(len(user_C), history.shape[1])
        )
        return with_values(self._dropped(means(rows) @ self.shop.features, rng), self.shop.attributes[user_C])


def means(history: sp.csr_matrix) -> sp.csr_matrix:
    """The matrix, each row divided by its sum."""
    import scipy.sparse as sp

    total = np.asarray(history.sum(axis=1), np.float64).ravel()
    per = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0).astype(np.float32)
    data = history.data * np.repeat(per, np.diff(history.indptr))
    return sp.csr_matrix((data, history.indices, history.indptr), shape=history.shape)


def with_values(history: sp.csr_matrix, values: sp.csr_matrix) -> sp.csr_matrix:
    """Side by side."""
    import scipy.sparse as sp

    return sp.hstack([history, values], format="csr", dtype=np.float32)
