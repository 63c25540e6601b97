"""two_heads against the other members that learn from baskets, on another shop than the demo, by their defaults.

    fuserank bench next-basket --data FILE --json

FILE: Online Retail II as Parquet (Invoice, StockCode, Quantity, Customer ID, InvoiceDate): invoices with a customer, of
positive quantity, that are no cancellation. Judged as the leaderboard's track next-basket: each customer's first basket
in the 28 days from AS_OF on, own items and others apart, too. ours / peer: NDCG@10 over that of the best of the others;
`minus`: paired differences with 95 % intervals. By numpy alone, in one thread. The defaults of days (`spacing`,
`horizon`) were chosen as of 2010-10-11.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
from fuserank.common.errors import FuserankError
from fuserank.config.auto import settled
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation import tracks
from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders.interactions import Interactions, numbers_of
from fuserank.learning.recommenders.state import State
from fuserank.registry.sources import recommenders

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.evaluation.protocols import Split

OURS, PEERS = "two_heads", ("counting", "tifu_knn", "up_cf", "intervals", "personal_top")
AS_OF, LABEL_DAYS, K, SEED, RESAMPLES = dt.date(2010, 11, 8), 28, 10, 7, 1000


def run(data: str | None = None) -> dict[str, Any]:
    """Means, paired differences and seconds of each member."""
    if data is None or not Path(data).is_file():
        raise FuserankError("next-basket needs --data FILE, Online Retail II as Parquet")
    split = tracks.next_basket(events(Path(data)), (AS_OF - dt.date(1970, 1, 1)).days, LABEL_DAYS)
    assert split.train_baskets is not None
    baskets = split.train_baskets()
    taken = Interactions.of_baskets(baskets)
    found = {name: judged(name, split, taken, baskets) for name in (OURS, *PEERS)}
    rows = []
    for name, (parts, fit_s, list_s) in found.items():
        row: dict[str, Any] = {"model": name, "fit_s": round(fit_s, 1), "list_s": round(list_s, 1), "minus": {}}
        for n, (names, value_UM) in enumerate(parts):
            row |= board.means(names, value_UM, RESAMPLES, SEED)[0]
            if name == OURS:
                for peer in PEERS:
                    less = board.minus(names, value_UM, found[peer][0][n][1], RESAMPLES, SEED)
                    row["minus"].setdefault(peer, {}).update(less)
        rows.append(row)
    best = max(row[f"ndcg@{K}"] for row in rows[1:])
    return {
        "name": "next-basket",
        "ours": rows[0][f"ndcg@{K}"],
        "peer": best,
        "unit": f"NDCG@{K} of each customer's next basket, against the best of the others",
        "ratio": rows[0][f"ndcg@{K}"] / best,
        "users": len(split.users),
        "as_of": str(AS_OF),
        "rows": rows,
        "versions": _shop.versions("numpy", "scipy", "numba"),
        "seed": SEED,
    }


def events(path: Path) -> tracks.Events:
    """What was bought, customers, articles and invoices numbered in the order of their text."""
    import pandas as pd

    rows = pd.read_parquet(path)
    invoice = rows["Invoice"].astype(str)
    rows = rows[rows["Customer ID"].notna() & (rows["Quantity"] > 0) & ~invoice.str.startswith("C")]
    columns = (rows["Customer ID"], rows["StockCode"].astype(str), rows["Invoice"].astype(str))
    user, item, basket = (pd.factorize(column, sort=True)[0].astype(np.int32) for column in columns)
    when = pd.to_datetime(rows["InvoiceDate"]).to_numpy()
    day, time_us = (when.astype(f"datetime64[{unit}]").astype(np.int64) for unit in ("D", "us"))
    back = np.full(len(user), tracks.NEVER)
    return tracks.Events(user, item, day, time_us, back, basket.astype(np.int64), np.unique(item))


def judged(
    name: str, split: Split, taken: Interactions, baskets: pa.Table
) -> tuple[list[tuple[list[str], npt.NDArray[np.float64]]], float, float]:
    """What a member is worth to each customer, by its defaults, and the seconds of fit and lists."""
    from threadpoolctl import threadpool_limits

    source = recommenders()[name]
    cfg = settled(source.settings(), numbers_of(split.train))
    history = baskets.filter(pa.array(np.isin(baskets.column("user_index").to_numpy(), split.users)))
    history = history.sort_by([("user_index", "ascending"), ("item_index", "ascending")])
    with threadpool_limits(limits=1):
        began = time.perf_counter()
        learned = pa.Table.from_batches(list(source.code("learn")(taken, cfg, SEED, (0, 1))))
        fitted = time.perf_counter()
        scorer, parts = source.code("Scorer")(State(learned), cfg), []
        for unseen, only in ((True, False), (False, True)):
            rows = pa.Table.from_batches(list(contract.listed(source, scorer, history, K, unseen, only_seen=only)))
            parts.append(board.Lists(*(rows.column(c).to_numpy() for c in rows.column_names)))
        listed = time.perf_counter()
    return board.judged(board.merged(*parts), split, (K,), apart=True), fitted - began, listed - fitted


if __name__ == "__main__":
    import json

    sys.stdout.write(json.dumps(run(*sys.argv[1:2])) + "\n")
