"""Training of deep_bpr, by torch on one thread of the CPU. Imported where it runs.

Shapes: U users, I items, N pairs, B pairs of a step, M draws for a negative, D factor length, H units of a layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.threads import one_thread
from fuserank.learning.recommenders.bpr import ascend, draws

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.settings import DeepBprConfig

_EPSILON = 1e-6  # of Adagrad's sums of squares


def train(taken: sp.csr_matrix, cfg: DeepBprConfig, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """user (U, D), item (I, D), bias (I,), of_user and of_item (H, D), shift_0 (H_1,), layer_n (H_n+1, H_n),
    shift_n (H_n+1,) and out (1, H), after all epochs.

    :raises FloatingPointError: the loss is not finite
    """
    with one_thread():
        net, rng = _Net(ascend(taken, cfg, seed), cfg, seed), np.random.default_rng(seed)
        user_N = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr))
        key_N = user_N * taken.shape[1] + taken.indices
        for _ in range(cfg.deep_epochs):
            order_N = rng.permutation(len(user_N))
            for low in range(0, len(order_N), cfg.batch):
                some = order_N[low : low + cfg.batch]
                net.step(user_N[some], taken.indices[some].astype(np.int64), key_N, rng)
        return {name: value.detach().numpy() for name, value in net.weights.items()}


class _Net:
    """All that is learned, and a step of it."""

    def __init__(self, start: tuple[Any, Any, Any], cfg: DeepBprConfig, seed: int) -> None:
        import torch

        generator = torch.Generator().manual_seed(seed)

        def normal(rows: int, columns: int, length: float) -> Any:
            return torch.randn(rows, columns, generator=generator) * (length / max(columns, 1) ** 0.5)

        self.cfg, self.items = cfg, len(start[1])
        self.draws = draws(cfg, self.items)
        tables = dict(zip(("user", "item", "bias"), map(torch.from_numpy, start), strict=True))
        tables["bias"] = tables["bias"][:, None]
        wide = {name: normal(cfg.hidden[0], cfg.factors, 1.0) for name in ("of_user", "of_item")}
        for n, units in enumerate(cfg.hidden):
            if n:
                wide[f"layer_{n}"] = normal(units, cfg.hidden[n - 1], 1.0)
            wide[f"shift_{n}"] = torch.zeros(units)
        wide["out"] = torch.zeros(1, cfg.hidden[-1])
        how = {"freeze": not cfg.refined, "sparse": True}
        self.tables = {k: torch.nn.Embedding.from_pretrained(v, **how) for k, v in tables.items()}
        self.wide = {k: v.requires_grad_() for k, v in wide.items()}
        leaves = [table.weight for table in self.tables.values()] if cfg.refined else []
        self.optimizers = [
            torch.optim.Adagrad(some, lr=cfg.deep_rate, initial_accumulator_value=_EPSILON)
            for some in (leaves, list(self.wide.values()))
            if some
        ]

    @property
    def weights(self) -> dict[str, Any]:
        found = {name: table.weight for name, table in self.tables.items()}
        return {**found, "bias": found["bias"][:, 0], **self.wide}

    def step(self, user_B: Any, item_B: Any, key_N: Any, rng: np.random.Generator) -> None:
        """One step for each of some pairs, all at once."""
        import torch

        other_BM = rng.integers(0, self.items, (len(user_B), self.draws))
        had_BM = _among(key_N, user_B[:, None] * self.items + other_BM)
        user, item = torch.from_numpy(user_B), torch.from_numpy(item_B)
        with torch.no_grad():
            score_BM = self.score(user[:, None], torch.from_numpy(other_BM))
            best_B = score_BM.masked_fill(torch.from_numpy(had_BM), -torch.inf).argmax(1, keepdim=True)
        other = torch.from_numpy(other_BM).gather(1, best_B)[:, 0]
        counts = torch.from_numpy(~had_BM).gather(1, best_B)[:, 0].float()
        ahead = self.score(user, item) - self.score(user, other)
        loss = (counts * torch.nn.functional.softplus(-ahead)).sum()
        rows = [self.tables["user"](user), *(self.tables[t](i) for t in ("item", "bias") for i in (item, other))]
        penalty = (
            self.cfg.regularization / 2 * sum((counts[:, None] * row**2).sum() for row in rows)
            if self.cfg.refined
            else 0.0
        )
        penalty += self.cfg.deep_decay / 2 * len(user_B) * sum((weight**2).sum() for weight in self.wide.values())
        if not np.isfinite(loss.item()):
            raise FloatingPointError("deep_bpr diverged: its loss is not finite; lower its deep_rate")
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        (loss + penalty).backward()
        for optimizer in self.optimizers:
            optimizer.step()

    def score(self, user: Any, item: Any) -> Any:
        """Of users and items whose indices have one shape, or are stretched to one."""
        import torch

        x, y, wide = self.tables["user"](user), self.tables["item"](item), self.wide
        h = torch.relu(x @ wide["of_user"].T + y @ wide["of_item"].T + wide["shift_0"])
        for n in range(1, len(self.cfg.hidden)):
            h = torch.relu(h @ wide[f"layer_{n}"].T + wide[f"shift_{n}"])
        return (x * y).sum(-1) + self.tables["bias"](item)[..., 0] + h @ wide["out"][0]


def _among(sorted_N: Any, wanted: Any) -> npt.NDArray[np.bool_]:
    at = np.minimum(np.searchsorted(sorted_N, wanted), len(sorted_N) - 1)
    there: npt.NDArray[np.bool_] = sorted_N[at] == wanted
    return there
