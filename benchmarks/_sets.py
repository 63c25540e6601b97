"""Public data sets as splits of the leaderboard's protocols: read where they lie, never copied.

`sequences`: the last item of each user is the truth, the one before it the validation. `pairs`: a seeded fifth
of each user's pairs is the test, without times. `events`: what is taken for the first time in the 28 days
after a day. Ratings count above the middle.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fuserank.evaluation.protocols import Split, dense, leave_one_out, predefined_split, temporal
from fuserank.io.lake.interactions import read_lines

LABEL_DAYS, TEST_SHARE, MADE = 28, 0.2, 8
Parts = tuple[Split, Split]  # test and validation
_DAY = 86_400


def _numbered(rows: pd.DataFrame) -> tuple[Any, Any]:
    return tuple(pd.factorize(rows[c], sort=True)[0].astype(np.int32) for c in ("user", "item"))  # type: ignore[return-value]


def sequences(rows: pd.DataFrame, seed: int) -> Parts:
    """``rows``: user, item, time; ties of time by item."""
    rows = rows.sort_values(["user", "time", "item"], kind="stable")
    return leave_one_out(*_numbered(rows), np.arange(len(rows), dtype=np.int64))


def pairs(rows: pd.DataFrame, seed: int) -> Parts:
    """A seeded share of each user's pairs is the test; the validation is drawn from
    the rest as the leaderboard draws it.
    """
    user, item = _numbered(rows.drop_duplicates(["user", "item"]))
    order = np.lexsort((np.random.default_rng(seed).random(len(user)), user))
    user, item = user[order], item[order]
    _, first, size = np.unique(user, return_index=True, return_counts=True)
    place = np.arange(len(user)) - np.repeat(first, size)
    held = place < np.floor(np.repeat(size, size) * TEST_SHARE + 0.5)
    return predefined_split((user[~held], item[~held]), (user[held], item[held]), seed)


def events(rows: pd.DataFrame, seed: int) -> Parts:
    """``rows``: user, item, time (seconds); as of 28 days before the last."""
    day = (rows["time"] // _DAY).to_numpy(np.int64)
    return temporal(*_numbered(rows), day, int(day.max()) + 1 - LABEL_DAYS, LABEL_DAYS, repeats=False)


def _core(rows: pd.DataFrame, least: int) -> pd.DataFrame:
    """Drops items and users with fewer than ``least`` rows, until none of those is left."""
    while True:
        remaining = rows
        for c in ("item", "user"):
            remaining = remaining[remaining.groupby(c)[c].transform("size") >= least]
        if len(remaining) == len(rows):
            return remaining
        rows = remaining


def movielens_ratings(folder: Path) -> pd.DataFrame:
    """user, item, rating, time (seconds)."""
    rows = pd.read_csv(folder / "movielens_small" / "ratings.csv.gz")
    rows.columns = pd.Index(["user", "item", "rating", "time"])
    return rows


def _movielens(folder: Path) -> pd.DataFrame:
    rows = movielens_ratings(folder)
    return rows[rows["rating"] > 3]


def _musical(folder: Path) -> pd.DataFrame:
    (path,) = (folder / "amazon_musical").glob("*.zip")
    with zipfile.ZipFile(path) as packed:
        rows = pd.read_csv(io.BytesIO(packed.read(packed.namelist()[0])))
    rows = rows[rows["overall"] > 3]
    return rows.rename(columns={"reviewerID": "user", "asin": "item", "unixReviewTime": "time"})


def ciao_ratings(folder: Path) -> pd.DataFrame:
    """user, item, category, rating, helpful, time (seconds, to the hundred)."""
    names = ["user", "item", "category", "rating", "helpful", "time"]
    return pd.read_csv(folder / "ciao_trust" / "rating.txt.gz", sep=r"\s+", names=names)


def ciao(folder: Path) -> pd.DataFrame:
    """user, item, … of ratings above the middle, in a core of 3."""
    rows = ciao_ratings(folder)
    return _core(rows[rows["rating"] > 3], 3)


def _retail(folder: Path) -> pd.DataFrame:
    (path,) = (folder / "online_retail").glob("*.parquet")
    rows = pd.read_parquet(path, columns=["StockCode", "Quantity", "InvoiceDate", "Customer ID"])
    rows = rows[(rows["Quantity"] > 0) & rows["Customer ID"].notna()]
    time = pd.to_datetime(rows["InvoiceDate"]).astype("int64") // 1_000_000_000
    return pd.DataFrame({"user": rows["Customer ID"], "item": rows["StockCode"], "time": time})


def _coat(folder: Path) -> pd.DataFrame:
    stars = np.loadtxt(folder / "coat" / "train.ascii")
    user, item = np.nonzero(stars > 2)
    return pd.DataFrame({"user": user, "item": item, "time": 0})


def _two_shops(name: str) -> Callable[[Path], pd.DataFrame]:
    def read(folder: Path) -> pd.DataFrame:
        with gzip.open(folder / "disencdr_sport_phone" / name / "train.txt.gz") as lines:
            return pd.read_csv(lines, sep="\t", names=["user", "item", "time"])

    return read


def _beauty(folder: Path, seed: int) -> Parts:
    lines = read_lines(folder / "beauty" / "Beauty.txt")
    (user,), (item,) = dense(lines["user"]), dense(lines["item"])
    return leave_one_out(user, item, lines["position"].to_numpy())


def _gowalla(folder: Path, seed: int) -> Parts:
    """A seeded 5,000 users of both parts, and of items those that five of them took: all
    of it takes too long for so many trials.
    """
    train, test = (read_lines(folder / "gowalla" / f"{name}.txt") for name in ("train", "test"))
    users, items = dense(train["user"], test["user"]), dense(train["item"], test["item"])
    drawn = np.random.default_rng(seed).permutation(int(users[0].max()) + 1)[:5000]
    masks = [np.isin(u, drawn) for u in users]
    often = np.bincount(items[0][masks[0]], minlength=int(max(i.max() for i in items)) + 1) >= 5
    masks = [k & often[i] for k, i in zip(masks, items, strict=True)]
    (u, v), (i, j) = ([x[k] for x, k in zip(of, masks, strict=True)] for of in (users, items))
    return predefined_split((u, i), (v, j), seed)


def made(users: int, items: int, each: int, seed: int, drift: float = 0.0) -> pd.DataFrame:
    """A shop of MADE tastes: users take ``each`` items, popular ones more often; at each step
    the taste changes with chance ``drift``.
    """
    rng = np.random.default_rng(seed)
    like = rng.gamma(0.3, 1.0, (MADE, items)) + 0.02
    like *= (np.arange(items) + 10.0) ** -0.5
    like /= like.sum(axis=1, keepdims=True)
    rows = []
    for user in range(users):
        taste, took = int(rng.integers(MADE)), np.ones(items)
        for time in range(each):
            taste = int(rng.integers(MADE)) if rng.random() < drift else taste
            chance = like[taste] * took
            item = int(rng.choice(items, p=chance / chance.sum()))
            took[item] = 0
            rows.append((user, item, time))
    return pd.DataFrame(rows, columns=["user", "item", "time"])


def _of(
    read: Callable[[Path], pd.DataFrame], cut: Callable[[pd.DataFrame, int], Parts]
) -> Callable[[Path, int], Parts]:
    return lambda folder, seed: cut(read(folder), seed)


SETS: dict[str, Callable[[Path, int], Parts]] = {
    "amazon_musical sequences": _of(_musical, sequences),
    "coat pairs": _of(_coat, pairs),
    "movielens_small pairs": _of(_movielens, pairs),
    "ciao_trust sequences": _of(ciao, sequences),
    "ciao_trust pairs": _of(ciao, pairs),
    "made dense pairs": lambda folder, seed: pairs(made(800, 200, 20, seed), seed),
    "made drifting sequences": lambda folder, seed: sequences(made(1500, 600, 15, seed, drift=0.1), seed),
    "movielens_small sequences": _of(_movielens, sequences),
    "phone pairs": _of(_two_shops("sport_phone"), pairs),
    "sport pairs": _of(_two_shops("phone_sport"), pairs),
    "online_retail events": _of(_retail, events),
    "beauty sequences": _beauty,
    "gowalla drawn pairs": _gowalla,
}
