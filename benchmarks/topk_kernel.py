"""The exact top-K kernel alone: scores a second and core, seen items left out.

    fuserank bench topk-kernel --data PATH --json

Factors of length 64 of an ials fit, K = 100, all users against all items. A score is a user and an item; what the kernel's
bounds spare it counts as scored. There is no peer to run: `ratio` is against 100 million scores a second and core. One
matrix product over all scores, without any choice of the best, is timed beside it, as what an exact method without bounds
pays at least. Lists must equal a brute force in float64 for a sample of the users.
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
from fuserank.candidates.ials import Scorer, learn
from fuserank.candidates.learned import Learned
from fuserank.common.topk import ItemIndex, SeenItems, topk
from fuserank.config.retrieval import IalsConfig

FACTORS, K, ROUNDS, SEED, USERS_AT_ONCE, REFERENCE = 64, 100, 3, 7, 2048, 100e6


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: millions of scores a second and core."""
    import pyarrow as pa
    from threadpoolctl import threadpool_limits

    _, pairs = _lines.train(data)
    cfg = IalsConfig(factors=FACTORS, iterations=4)
    scorer = Scorer(Learned(pa.Table.from_batches(list(learn(pairs, cfg, SEED, (0, 1))))), cfg)
    users_UD, items_ID = scorer.fold_in(pairs.weight), scorer.factors_ID
    threads, users, items = len(os.sched_getaffinity(0)), len(users_UD), len(items_ID)

    def ours() -> None:
        index = ItemIndex(items_ID, K)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda low: listed(users_UD, index, pairs.weight, low), range(0, users, USERS_AT_ONCE)))

    def product() -> None:
        out = [np.empty((256, items), np.float32) for _ in range(threads)]

        def one(rank: int) -> None:
            for low in range(256 * rank, users, 256 * threads):
                part_BD = users_UD[low : low + 256]
                np.matmul(part_BD, items_ID.T, out=out[rank][: len(part_BD)])

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, range(threads)))

    with threadpool_limits(limits=1):
        seconds = _turns.medians({"ours": ours, "product_alone": product}, ROUNDS)
    speed = users * items / seconds["ours"] / threads
    return {
        "name": "topk-kernel",
        "ours": round(speed / 1e6, 1),
        "peer": REFERENCE / 1e6,
        "unit": "million scores a second and core",
        "ratio": round(speed / REFERENCE, 2),
        "reach": "ratio >= 1",
        "product_alone": round(users * items / seconds["product_alone"] / threads / 1e6, 1),
        "seconds": seconds,
        "lists_equal_to_exact": _share_equal(users_UD, items_ID, pairs.weight),
        "data": {**_lines.described(pairs, data), "threads": threads},
        "settings": {"factors": FACTORS, "k": K, "seen": "left out", "rounds": ROUNDS},
        "versions": _shop.versions("numpy"),
        "seed": SEED,
    }


def listed(users_UD: np.ndarray, index: ItemIndex, history: Any, low: int) -> np.ndarray:
    """Positions (B, K) of a block of users, without what they have seen."""
    part = history[low : low + USERS_AT_ONCE]
    seen = SeenItems(part.indptr.astype(np.int64), part.indices.astype(np.int64))
    return topk(users_UD[low : low + USERS_AT_ONCE], index, seen)[0]


def _share_equal(users_UD: np.ndarray, items_ID: np.ndarray, history: Any) -> float:
    """The share of places of 200 users that a full sort of float64 scores fills alike."""
    index, equal, places = ItemIndex(items_ID, K), 0, 0
    for user in np.random.default_rng(SEED).choice(len(users_UD), 200, replace=False):
        row = history[user]
        seen = SeenItems(row.indptr.astype(np.int64), row.indices.astype(np.int64))
        got = topk(users_UD[user : user + 1], index, seen)[0][0]
        score = (items_ID.astype(np.float64) @ users_UD[user].astype(np.float64)).astype(np.float32)
        score[row.indices] = -np.inf
        exact = np.lexsort((np.arange(len(score)), -score))[:K]
        equal, places = equal + int((got == exact).sum()), places + K
    return equal / places


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
