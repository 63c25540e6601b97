"""timeSVD++ against the regularised user + item bias on ratings cut by time, each public set that is there.

    fuserank bench ratings --data DIR --json

DIR has ciao_trust and movielens_small (`_sets.py`). The latest fifth of all ratings is the test, the latest fifth of
those before it the first of three validations, each of what is before the one after it. Both sides try as many seeded
settings on these, their defaults first; what was best by the mean of the three is learned again from all before the
test, which each side reads once. Intervals are over users, whose ratings are drawn together, the same users for both
sides. By numpy and numba alone, in one thread.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _sets
import _shop
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation import ratings as judged
from fuserank.evaluation.ratings import Ratings, RatingSplit
from fuserank.registry.raters import RATERS
from fuserank.usecases.leaderboard_ratings import predicted, validated

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.config.base import Section

TRIALS, RESAMPLES, SEED = 40, 2000, 7
SETS = {"ciao_trust": _sets.ciao_ratings, "movielens_small": _sets.movielens_ratings}


def of_rows(rows: pd.DataFrame) -> Ratings:
    """``rows``: user, item, rating, time (s); by time, ties by user and item."""
    rows = rows.sort_values(["time", "user", "item"], kind="stable")
    user_N, item_N = (pd.factorize(rows[c], sort=True)[0].astype(np.int32) for c in ("user", "item"))
    return Ratings(user_N, item_N, rows["rating"].to_numpy(np.float64), rows["time"].to_numpy(np.int64))


def run(data: str | None = None) -> dict[str, Any]:
    """One JSON object: a row for each set."""
    if data is None:
        raise SystemExit("name the folder that has the sets: --data DIR")
    rows = []
    for name, read in SETS.items():
        rows.append({"set": name, **row(of_rows(read(Path(data))))})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    worst = max(rows, key=lambda r: r["minus"]["rmse"][2])
    ours, peer = worst["time_svd_pp"]["rmse"], worst["bias"]["rmse"]
    return {
        "name": "ratings",
        "ours": ours,
        "peer": peer,
        "unit": "RMSE on the test part, of the set where the interval of the difference ends highest",
        "ratio": round(ours / peer, 4),
        "reach": "the difference is below 0 by its 95 % interval on each set",
        "reached": f"{sum(r['minus']['rmse'][2] < 0 for r in rows)} of {len(rows)}",
        "rows": rows,
        "settings": {
            "trials": TRIALS,
            "chosen by": "mean RMSE of three validations, rolling origin",
            "test": "read once a side",
        },
        "versions": _shop.versions("numpy", "scipy", "numba"),
        "seed": SEED,
    }


def row(ratings: Ratings) -> dict[str, Any]:
    """Both sides on one set."""
    test, validations = judged.by_time(ratings)
    sums, found = {}, {}
    for name in ("bias", "time_svd_pp"):
        config, values = chosen(name, validations)
        predicted_T, fit_s, _ = predicted(name, config, test, SEED)
        sums[name] = judged.per_user(predicted_T, test.test)
        means, ci95 = judged.means(sums[name], RESAMPLES, SEED)
        found[name] = {
            **_rounded(means),
            "ci95": {n: [round(x, 4) for x in ends] for n, ends in ci95.items()},
            "validation": {"rmse": round(min(values), 4), "defaults": round(values[0], 4), "trials": len(values)},
            "fit_s": round(fit_s, 2),
            "config": config.model_dump(mode="json"),
            **_by_kind(predicted_T, test),
        }
    difference = judged.minus(sums["time_svd_pp"], sums["bias"], RESAMPLES, SEED)
    minus = {n: [round(x, 4) for x in of] for n, of in difference.items()}
    sizes = {"ratings": len(ratings), "train": len(test.train), "test": len(test.test), "users": len(test.users)}
    return {**found, "minus": minus, **sizes}


def chosen(name: str, validations: tuple[RatingSplit, ...]) -> tuple[Section, list[float]]:
    """The settings that are best on the validations, and the mean RMSE there of all that were tried."""
    search, values = board.Search(RATERS[name].settings(), set(), TRIALS, SEED), []
    for config in search:
        values.append(validated(name, config, validations, SEED))
        search.tell(config, -values[-1])
    return search.best, values


def rmse(predicted_T: npt.NDArray[np.float64], test: Ratings) -> float:
    """The root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted_T - test.value_N) ** 2)))


def _by_kind(predicted_T: npt.NDArray[np.float64], split: RatingSplit) -> dict[str, Any]:
    """RMSE and number of the ratings whose user, item, both or neither are in what was learned from."""
    user_T, item_T = (
        np.isin(later, earlier)
        for later, earlier in (
            (split.test.user_N, split.train.user_N),
            (split.test.item_N, split.train.item_N),
        )
    )
    kinds = {
        "both known": user_T & item_T,
        "user": user_T & ~item_T,
        "item": ~user_T & item_T,
        "neither": ~(user_T | item_T),
    }
    return {
        "rmse of": {
            kind: [round(rmse(predicted_T[mask], split.test.of(mask)), 4), int(mask.sum())]
            for kind, mask in kinds.items()
            if mask.any()
        }
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def main() -> None:
    print(json.dumps(run(sys.argv[1])))


if __name__ == "__main__":
    main()
