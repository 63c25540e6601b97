"""deep_bpr beside bpr, whose factors it starts from, on public sets.

    fuserank bench deep-bpr --data DIR --json

DIR has coat, amazon_musical and ciao_trust (`_sets.py`). Both have the defaults of bpr. Some settings of the network
are tried on the validation part; the best of them is then read once on the test part, beside bpr. Differences are
between the same users. By torch, numpy and numba, in one thread.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _sets
import _shop
import defaults
from fuserank.config.auto import settled
from fuserank.evaluation import leaderboard as board
from fuserank.learning.recommenders.interactions import numbers_of
from fuserank.registry.sources import recommenders

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.evaluation.protocols import Split

K, SEED, RESAMPLES = defaults.K, defaults.SEED, 2000
SETS = ("coat pairs", "amazon_musical sequences", "ciao_trust pairs")
TRIED: tuple[dict[str, Any], ...] = (
    {},
    {"deep_epochs": 15},
    {"deep_rate": 0.01},
    {"deep_rate": 0.001},
    {"hidden": (16,)},
    {"hidden": (64, 32)},
    {"refined": False, "deep_rate": 0.01},
    {"refined": False, "deep_rate": 0.01, "deep_epochs": 15},
)


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: a row for each set."""
    if data is None:
        raise SystemExit("name the folder that has the sets: --data DIR")
    rows = []
    for name in SETS:
        rows.append({"set": name, **row(*_sets.SETS[name](Path(data), SEED))})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    least = min(rows, key=lambda r: r["test"]["deep_bpr"] / r["test"]["bpr"])["test"]
    return {
        "name": "deep-bpr",
        "ours": least["deep_bpr"],
        "peer": least["bpr"],
        "unit": f"NDCG@{K} on the test part, of the set with the least ratio",
        "ratio": round(least["deep_bpr"] / least["bpr"], 3),
        "rows": rows,
        "settings": {"chosen by": f"NDCG@{K} on the validation part", "test": "read once a side"},
        "versions": _shop.versions("numpy", "scipy", "numba", "torch"),
        "seed": SEED,
    }


def row(test: Split, validation: Split) -> dict[str, Any]:
    """What each setting is worth on the validation part, and the best of them on the test part, beside bpr."""
    numbers = numbers_of(test.train)

    def each(split: Split, member: str, **settings: Any) -> npt.NDArray[Any]:
        return defaults.Judge(member, split).each(settled(recommenders()[member].settings(**settings), numbers))

    plain_U = each(validation, "bpr")
    tried = [each(validation, "deep_bpr", **settings) for settings in TRIED]
    best = max(range(len(TRIED)), key=lambda n: tried[n].mean())
    ours_U, bpr_U = each(test, "deep_bpr", **TRIED[best]), each(test, "bpr")
    found = [
        {"settings": of, "ndcg": round(float(value_U.mean()), 4), "minus": _minus(value_U, plain_U)}
        for of, value_U in zip(TRIED, tried, strict=True)
    ]
    values = {"bpr": round(float(bpr_U.mean()), 4), "deep_bpr": round(float(ours_U.mean()), 4)}
    return {
        "validation": {"bpr": round(float(plain_U.mean()), 4), "deep_bpr": found},
        "chosen": TRIED[best],
        "test": {**values, "minus": _minus(ours_U, bpr_U), "users": len(ours_U)},
    }


def _minus(ours_U: npt.NDArray[Any], other_U: npt.NDArray[Any]) -> list[float]:
    """The mean difference and its 95 % interval."""
    found = board.minus(["ndcg"], ours_U[:, None], other_U[:, None], RESAMPLES, SEED)["ndcg"]
    return [round(value, 4) for value in found]


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
