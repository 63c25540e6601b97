"""An iteration of ials against one of `implicit`, with its exact solver and with its
conjugate gradients, on the same cores and data.

    fuserank bench ials --data PATH --json

Both start from the same matrix in memory, ours in as many ranks as there are cores, each a thread with sockets
between them. An iteration's seconds are the difference of a long and a short fit over the difference of their
iterations, so that what is paid once does not count. The loss of our few conjugate-gradient steps, and that of blocks
solved exactly (iALS++), is compared with that of rows solved out.

The two sides of `ratio` do not do the same work: the peer solves each row exactly (use_cg=False), ours takes a few
conjugate-gradient steps. `ratio_with_cg` is against the peer's own three steps (use_cg=True).
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _lines
import _shop
import _turns
from fuserank.learning.recommenders import blocked, ials
from fuserank.learning.recommenders.mesh import meet
from fuserank.learning.recommenders.settings import IalsConfig

if TYPE_CHECKING:
    from fuserank.learning.recommenders.interactions import Interactions

FACTORS, BLOCK, SHORT, LONG, ROUNDS, SEED = 256, 32, 1, 4, 3, 7


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: seconds of an iteration on both sides, and the loss after the long fit."""
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    _, pairs = _lines.train(data)
    threads = len(os.sched_getaffinity(0))
    cfg = IalsConfig(factors=FACTORS, unobserved_weight=0.02, regularization=0.002)
    taken = (pairs.ones / np.float32(cfg.unobserved_weight)).tocsr()

    def fit(iterations: int, **changed: int) -> tuple[np.ndarray, np.ndarray]:
        return fitted(pairs, cfg.model_copy(update={"iterations": iterations, **changed}), threads)

    def ours(iterations: int) -> None:
        fit(iterations)

    def blocks(iterations: int) -> None:
        fit(iterations, block=BLOCK)

    def peer(iterations: int, use_cg: bool = False) -> None:
        model = AlternatingLeastSquares(
            factors=FACTORS,
            regularization=cfg.regularization * len(pairs.items),
            use_cg=use_cg,
            use_native=True,
            iterations=iterations,
            num_threads=threads,
            random_state=SEED,
        )
        model.fit(taken, show_progress=False)

    def peer_with_cg(iterations: int) -> None:
        peer(iterations, use_cg=True)

    works = {"ours": ours, "blocks": blocks, "peer": peer, "peer_with_cg": peer_with_cg}

    with threadpool_limits(limits=1, user_api="blas"):  # implicit's own advice; our ranks are threads too
        sides = {f"{name}_{n}": (lambda work=work, n=n: work(n)) for name, work in works.items() for n in (SHORT, LONG)}
        seconds = _turns.medians(sides, ROUNDS)
        short_cut, by_blocks, solved = (
            loss(pairs, *fit(LONG, **changed), cfg) for changed in ({}, {"block": BLOCK}, {"cg_steps": 60})
        )
    each = {name: (seconds[f"{name}_{LONG}"] - seconds[f"{name}_{SHORT}"]) / (LONG - SHORT) for name in works}
    return {
        "name": "ials",
        "ours": round(each["ours"], 3),
        "peer": round(each["peer"], 3),
        "unit": "seconds an iteration",
        "ratio": round(each["peer"] / each["ours"], 2),
        "reach": "ratio >= 0.67",
        "peer_with_cg": round(each["peer_with_cg"], 3),
        "ratio_with_cg": round(each["peer_with_cg"] / each["ours"], 2),
        "solvers": {
            "ours": f"{cfg.cg_steps} conjugate-gradient steps a row",
            "peer": "each row solved exactly (use_cg=False)",
            "peer_with_cg": "3 conjugate-gradient steps a row (use_cg=True)",
        },
        "loss_over_solved_out": round(short_cut / solved, 5),
        "blocks": {
            "block": BLOCK,
            "seconds": round(each["blocks"], 3),
            "loss_over_solved_out": round(by_blocks / solved, 5),
        },
        "data": {**_lines.described(pairs, data), "threads": threads},
        "settings": {
            "both": {"factors": FACTORS, "iterations": [SHORT, LONG], "rounds": ROUNDS},
            "ours": {**cfg.model_dump(), "ranks": threads},
            "peer": "AlternatingLeastSquares, confidence 1 / unobserved_weight, one λ for all rows",
        },
        "versions": _shop.versions("implicit", "numba", "numpy"),
        "seed": SEED,
    }


def fitted(pairs: Interactions, cfg: IalsConfig, ranks: int) -> tuple[np.ndarray, np.ndarray]:
    """Both factor tables, by ranks that are threads of this process."""
    rows = pairs.weight.tocoo()
    dealt = rows.row % ranks
    token = f"bench ials {os.getpid()} {time.monotonic_ns()}"

    def one(rank: int) -> tuple[np.ndarray, np.ndarray]:
        own = dealt == rank
        with meet(rank, ["127.0.0.1"] * ranks, token) as mesh:
            sides = blocked.exchange(mesh, rows.row[own], rows.col[own], rows.data[own], cfg.factors)
            return ials.iterate(mesh, *sides, cfg, SEED)

    with ThreadPoolExecutor(ranks) as pool:
        tables = list(pool.map(one, range(ranks)))
    return np.concatenate([t[0] for t in tables]), np.concatenate([t[1] for t in tables])


def loss(pairs: Interactions, x_UD: np.ndarray, y_ID: np.ndarray, cfg: IalsConfig) -> float:
    """The objective of ials.py, in float64."""
    x_UD, y_ID = x_UD.astype(np.float64), y_ID.astype(np.float64)
    rows = pairs.weight.tocoo()
    product = np.einsum("nd,nd->n", x_UD[rows.row], y_ID[rows.col])
    every = cfg.unobserved_weight * np.sum((x_UD.T @ x_UD) * (y_ID.T @ y_ID))
    total = np.sum((product - 1) ** 2) + every
    for table, count, others in (
        (x_UD, np.bincount(rows.row, minlength=len(x_UD)), len(y_ID)),
        (y_ID, np.bincount(rows.col, minlength=len(y_ID)), len(x_UD)),
    ):
        penalty = cfg.regularization * (count + cfg.unobserved_weight * others) ** cfg.frequency
        total += np.sum(penalty * np.sum(table**2, axis=1))
    return float(total)


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
