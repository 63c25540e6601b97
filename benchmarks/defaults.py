"""The defaults of the retrieval family against 24 seeded trials of `--tune` on each public data set that is there.

    fuserank bench defaults --data DIR --json

DIR has a folder for each set (`_sets.py`); one that is not there is left out, with a word. A set is cut by a
protocol of the leaderboard. Its search tries 24 settings on the validation part, the defaults first; the defaults
and the best are then read once on the test part. ours / peer: the least ratio of NDCG@20 on the test, defaults over
best of the trials. By numpy alone, in one thread.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _sets
import _shop
from fuserank.config.auto import open_fields, settled
from fuserank.evaluation import leaderboard as board
from fuserank.learning.recommenders import blocked, contract, state
from fuserank.learning.recommenders.interactions import Interactions, numbers_of
from fuserank.registry.sources import recommenders

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.config.auto import Numbers
    from fuserank.config.base import Section
    from fuserank.evaluation.protocols import Split

blocked.block_rows = lambda rows: 256  # other rounding alone, and small data take a tenth of the time in one process
MODELS = ("item_cf", "ials", "bpr", "graph_filter", "ease")
TRIALS, K, SEED, EASE_ITEMS = 24, 20, 7, 15_000


class Judge:
    """NDCG of a member with some settings on a split; what it has learned is kept
    while settings that lists alone read change.
    """

    def __init__(self, name: str, split: Split) -> None:
        self.source, self.split = recommenders()[name], split
        self.pairs = Interactions.of(split.train)
        self.histories = _histories(split)
        self.learned: dict[str, pa.Table] = {}

    def on(self, split: Split) -> Judge:
        """A judge of another split; it reuses what was learned if both have the same training part."""
        if split.train is not self.split.train:
            return Judge(self.source.name, split)
        other = copy.copy(self)
        other.split, other.histories = split, _histories(split)
        return other

    def each(self, config: Section) -> npt.NDArray[np.float64]:
        """NDCG@K of every user with truth."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            key = config.model_dump_json(exclude=board.of_lists(type(config)))
            if key not in self.learned:
                batches = list(self.source.code("learn")(self.pairs, config, SEED, (0, 1)))
                self.learned = {**dict(list(self.learned.items())[-2:]), key: pa.Table.from_batches(batches)}
            scorer = self.source.code("Scorer")(state.State(self.learned[key]), config)
            rows = pa.Table.from_batches(
                list(contract.listed(self.source, scorer, self.histories, K, True, self.split.items))
            )
        columns = (rows.column(c).to_numpy() for c in ("user_index", "item_index", "rank", "score"))
        names, value_UM = board.per_user(board.Lists(*columns), self.split, (K,))
        return value_UM[:, names.index(f"ndcg@{K}")]

    def ndcg(self, config: Section) -> float:
        """The mean over the users with truth."""
        return float(self.each(config).mean())


def _histories(split: Split) -> pa.Table:
    judged = np.isin(split.history.column("user_index").to_numpy(), split.users)
    return split.history.filter(pa.array(judged)).sort_by([("user_index", "ascending"), ("item_index", "ascending")])


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: a row for each set and model."""
    if data is None:
        raise SystemExit("name the folder that has the sets: --data DIR")
    rows, left_out = [], {}
    for name, read in _sets.SETS.items():
        try:
            parts = read(Path(data), SEED)
        except (FileNotFoundError, ValueError) as problem:
            left_out[name] = f"cannot be read: {type(problem).__name__}"
            continue
        for model in MODELS:
            if why := _too_dear(model, numbers_of(parts[1].train)):
                left_out[f"{name}, {model}"] = why
                continue
            rows.append(row(name, model, *parts))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    return {**result(rows), "left_out": left_out}


def result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows and their summary."""
    least = min(rows, key=lambda r: r["ratio"])
    return {
        "name": "defaults",
        "ours": least["default"],
        "peer": least["best"],
        "unit": f"NDCG@{K} on the test part, of the row with the least ratio",
        "ratio": least["ratio"],
        "reach": "ratio >= 0.95",
        "reached": f"{sum(r['ratio'] >= 0.95 for r in rows)} of {len(rows)}",
        "rows": rows,
        "settings": {
            "trials": TRIALS,
            "k": K,
            "chosen by": f"NDCG@{K} on the validation part",
            "test": "read twice a row",
        },
        "versions": _shop.versions("numpy", "scipy", "numba"),
        "seed": SEED,
    }


def row(name: str, model: str, test: Split, validation: Split) -> dict[str, Any]:
    """The defaults and the best of the trials, found on the validation part, on the test part."""
    settings, numbers = recommenders()[model].settings(), numbers_of(test.train)
    default = settled(settings, numbers)
    search, judge = board.Search(default, set(), TRIALS, SEED, numbers), Judge(model, validation)
    values = []
    for config in search:
        values.append(judge.ndcg(config))
        search.tell(config, values[-1])
    judge = judge.on(test)
    ours_U = judge.each(default)
    best_U = ours_U if search.best == default else judge.each(search.best)
    ratio = float(ours_U.mean() / best_U.mean())
    error = float((ours_U - ratio * best_U).std() / best_U.mean() / len(best_U) ** 0.5)  # delta method, users paired
    tuned, before = search.best.model_dump(mode="json"), default.model_dump(mode="json")
    return {
        "set": name,
        "model": model,
        "default": round(float(ours_U.mean()), 5),
        "best": round(float(best_U.mean()), 5),
        "ratio": round(ratio, 3),
        "standard_error": round(error, 3),
        "users_judged": len(ours_U),
        "validation": {"default": round(values[0], 5), "best": round(search.value, 5)},
        "trials": len(values),
        "data": vars(numbers),
        "by_data": {n: before[n] for n in open_fields(settings)},
        "best_differs": {n: v for n, v in tuned.items() if v != before[n]},
    }


def _too_dear(model: str, numbers: Numbers) -> str | None:
    if model == "ease" and numbers.items > EASE_ITEMS:
        return f"{numbers.items:,} items, more than {EASE_ITEMS:,}"
    return None


def line(row: dict[str, Any]) -> str:
    """One line for people."""
    differs = ", ".join(f"{k}={v}" for k, v in row["best_differs"].items()) or "the defaults"
    return (
        f"{row['set']:<26} {row['model']:<13} {row['default']:.4f} / {row['best']:.4f} = {row['ratio']:.3f} ±"
        f" {row['standard_error']:.3f}, best: {differs}"
    )


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
