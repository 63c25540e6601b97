"""What the benchmarks of the retrieval family share: the train part of a folder of `user item item …` lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuserank.evaluation.protocols import dense, pairs_of
from fuserank.io.lake.interactions import read_lines
from fuserank.learning.recommenders.interactions import Interactions

if TYPE_CHECKING:
    import pyarrow as pa


def train(data: str | None) -> tuple[pa.Table, Interactions]:
    """Its pairs, as a table and as matrices."""
    if data is None:
        raise SystemExit(
            "name the folder with train.txt: --data PATH (Gowalla's split of LightGCN is what the docs have)"
        )
    lines = read_lines(Path(data) / "train.txt")
    (user,), (item,) = dense(lines["user"]), dense(lines["item"])
    table = pairs_of(user, item, np.zeros(len(user)))
    return table, Interactions.of(table)


def described(pairs: Interactions, data: str | None) -> dict[str, object]:
    return {
        "data": Path(str(data)).name,
        "pairs": pairs.weight.nnz,
        "users": len(pairs.users),
        "items": len(pairs.items),
    }
