"""Lists with and without the links between users, of members that read them, on ciao_trust.

    fuserank bench social --data DIR --json

DIR has ciao_trust (`_sets.py`; ratings above the middle, a core of 3, links among its users). Each member with some
weights of the links on the validation part; the best of them, none among them, is then read once on the test part
beside none. Differences are between the same users. By numpy and numba alone, in one thread.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _sets
import _shop
import defaults
from fuserank.config.auto import settled
from fuserank.evaluation import leaderboard as board
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.interactions import numbers_of
from fuserank.registry.sources import recommenders

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.evaluation.protocols import Split

K, SEED, RESAMPLES = defaults.K, defaults.SEED, 2000
TRIED = {"ppr": (0.0, 0.03, 0.1, 0.3, 1.0), "ials": (0.0, 0.3, 1.0, 3.0)}
CUTS = {"pairs": "ciao_trust pairs", "sequences": "ciao_trust sequences"}


class Judge(defaults.Judge):
    """The same, with links."""

    def __init__(self, name: str, split: Split, links: Content) -> None:
        super().__init__(name, split)
        self.pairs = replace(self.pairs, content=links)


def links(folder: Path) -> Content:
    """Links of side link among the users of ``_sets``' ciao_trust, by their places there."""
    users = np.unique(_sets.ciao(folder)["user"]).astype(int)
    rows = pd.read_csv(folder / "ciao_trust" / "trust.txt.gz", sep=r"\s+", names=["user", "other"]).astype(int)
    rows = rows[rows.isin(users).all(axis=1)].drop_duplicates()
    user, other = (np.searchsorted(users, rows[c]).astype(np.int32) for c in ("user", "other"))
    fixed = {"side": ["link"] * len(rows), "index": user, "field": ["social"] * len(rows)}
    return Content(pa.table({**fixed, "value": other.astype(str).tolist()}))


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: a row for each cut and member."""
    if data is None:
        raise SystemExit("name the folder that has ciao_trust: --data DIR")
    trust, rows = links(Path(data)), []
    for cut, name in CUTS.items():
        parts = _sets.SETS[name](Path(data), SEED)
        for member in TRIED:
            rows.append({"cut": cut, "member": member, **row(member, *parts, trust)})
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    first = rows[0]
    return {
        "name": "social",
        "ours": first["test"]["with links"],
        "peer": first["test"]["without"],
        "unit": f"NDCG@{K} of {first['member']} on the test part, {first['cut']}",
        "ratio": round(first["test"]["with links"] / first["test"]["without"], 3),
        "links": trust.table.num_rows,
        "rows": rows,
        "settings": {"chosen by": f"NDCG@{K} on the validation part", "test": "read once with and once without"},
        "versions": _shop.versions("numpy", "scipy", "numba"),
        "seed": SEED,
    }


def row(member: str, test: Split, validation: Split, trust: Content) -> dict[str, Any]:
    """What each weight is worth on the validation part, and the best of them on the test part."""
    numbers = numbers_of(test.train)

    def each(split: Split, social: float) -> npt.NDArray[np.float64]:
        cfg = settled(recommenders()[member].settings(social=social), numbers)
        return Judge(member, split, trust).each(cfg)

    tried = {social: each(validation, social) for social in TRIED[member]}
    best = max(tried, key=lambda social: tried[social].mean())
    without_U, with_U = each(test, 0.0), each(test, best)
    return {
        "validation": {str(s): [round(float(v.mean()), 4), *_minus(v, tried[0.0])] for s, v in tried.items()},
        "chosen": best,
        "test": {
            "without": round(float(without_U.mean()), 4),
            "with links": round(float(with_U.mean()), 4),
            "minus": _minus(with_U, without_U),
            "users": len(with_U),
        },
    }


def _minus(ours_U: npt.NDArray[np.float64], other_U: npt.NDArray[np.float64]) -> list[float]:
    """The mean difference and its 95 % interval."""
    found = board.minus(["ndcg"], ours_U[:, None], other_U[:, None], RESAMPLES, SEED)["ndcg"]
    return [round(value, 4) for value in found]


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
