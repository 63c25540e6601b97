"""The exact top-K kernel alone: scores a second and core, seen items left out.

    fuserank bench topk-kernel --data PATH --json

Factors of length 64 of an ials fit, K = 100, all users against all items. A score is a user and an item;
what the kernel's bounds spare it counts as scored. The peer is `implicit.cpu.topk`, exact too: the same
factors, threads and seen items. One matrix product over all scores, without any choice of the best, is timed
beside both, as what an exact method without bounds pays at least. Lists of both sides are held against a
brute force in float64 for a sample of the users.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _lines
import _shop
import _turns
from fuserank.learning.recommenders.ials import Scorer, learn
from fuserank.learning.recommenders.kernels.topk import ItemIndex, SeenItems, topk
from fuserank.learning.recommenders.settings import IalsConfig
from fuserank.learning.recommenders.state import State

FACTORS, K, ROUNDS, SEED, USERS_AT_ONCE, SAMPLE = 64, 100, 3, 7, 2048, 200


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: millions of scores a second and core."""
    import pyarrow as pa
    from implicit.cpu.topk import topk as implicit_topk
    from threadpoolctl import threadpool_limits

    _, pairs = _lines.train(data)
    cfg = IalsConfig(factors=FACTORS, iterations=4, unobserved_weight=0.02, regularization=0.002)
    scorer = Scorer(State(pa.Table.from_batches(list(learn(pairs, cfg, SEED, (0, 1))))), cfg)
    users_UD, items_ID = scorer.fold_in(pairs.weight), scorer.factors_ID
    threads, users, items = len(os.sched_getaffinity(0)), len(users_UD), len(items_ID)

    def ours() -> None:
        index = ItemIndex(items_ID, K)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda low: listed(users_UD, index, pairs.weight, low), range(0, users, USERS_AT_ONCE)))

    def peer() -> None:
        implicit_topk(items_ID, users_UD, K, filter_query_items=pairs.weight, num_threads=threads)

    def product() -> None:
        out = [np.empty((256, items), np.float32) for _ in range(threads)]

        def one(rank: int) -> None:
            for low in range(256 * rank, users, 256 * threads):
                part_BD = users_UD[low : low + 256]
                np.matmul(part_BD, items_ID.T, out=out[rank][: len(part_BD)])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(threads)))

    with threadpool_limits(limits=1):
        seconds = _turns.medians({"ours": ours, "peer": peer, "product_alone": product}, ROUNDS)
        sample = np.random.default_rng(SEED).choice(users, min(SAMPLE, users), replace=False)
        theirs, _ = implicit_topk(
            items_ID, users_UD[sample], K, filter_query_items=pairs.weight[sample], num_threads=threads
        )
    index = ItemIndex(items_ID, K)
    own = np.concatenate([listed(users_UD[u : u + 1], index, pairs.weight[u : u + 1], 0) for u in sample])
    exact = _exact(users_UD[sample], items_ID, pairs.weight[sample])
    speed = {side: round(users * items / spent / threads / 1e6, 1) for side, spent in seconds.items()}
    return {
        "name": "topk-kernel",
        "ours": speed["ours"],
        "peer": speed["peer"],
        "unit": "million scores a second and core",
        "ratio": round(seconds["peer"] / seconds["ours"], 2),
        "reach": "ratio >= 1",
        "product_alone": speed["product_alone"],
        "seconds": seconds,
        "lists_equal_to_exact": {"ours": float((own == exact).mean()), "peer": float((theirs == exact).mean())},
        "data": {**_lines.described(pairs, data), "threads": threads},
        "settings": {
            "factors": FACTORS,
            "k": K,
            "seen": "left out",
            "rounds": ROUNDS,
            "peer": "implicit.cpu.topk.topk",
        },
        "versions": _shop.versions("implicit", "numba", "numpy"),
        "seed": SEED,
    }


def listed(users_UD: np.ndarray, index: ItemIndex, history: Any, low: int) -> np.ndarray:
    """Positions (B, K) of a block of users, without what they have seen."""
    part = history[low : low + USERS_AT_ONCE]
    seen = SeenItems(part.indptr.astype(np.int64), part.indices.astype(np.int64))
    return topk(users_UD[low : low + USERS_AT_ONCE], index, seen)[0]


def _exact(users_BD: np.ndarray, items_ID: np.ndarray, history: Any) -> np.ndarray:
    """Positions (B, K) by a full sort of float64 scores, rounded to float32; ties go to the lower position."""
    found = []
    for user_D, row in zip(users_BD, history, strict=True):
        score = (items_ID.astype(np.float64) @ user_D.astype(np.float64)).astype(np.float32)
        score[row.indices] = -np.inf
        found.append(np.lexsort((np.arange(len(score)), -score))[:K])
    return np.stack(found)


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
