"""Two rankings side by side: what a reader would see change if the second followed the first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.evaluation.comparison import Comparison, Side
from fuserank.evaluation.overlap import Floats, ListRows, exposure, gini, rbo
from fuserank.jobs.inputs.publications import Lists, newest, of_run, published
from fuserank.tables.results import RANKING
from fuserank.tables.silver import ITEM_DICTIONARY

if TYPE_CHECKING:
    import datetime as dt

    from fuserank.io.lake.rows import Rows

_SOME = 5  # users that are named
_KEYS = ("user_index", "item_index", "rank")


def sides(reader: Rows, surface: str, as_of: dt.date, runs: list[str]) -> tuple[Lists, Lists]:
    """The rankings that are meant: of two runs; of none what is published and the newest as of a day; of one what is
    published and that run's.

    :raises FuserankError: one of them is not there
    """
    if len(runs) == 2:
        return of_run(reader, surface, runs[0]), of_run(reader, surface, runs[1])
    now = published(reader, surface)
    if now is None:
        raise FuserankError(f"nothing is published on surface {surface}; name two runs (`fuserank runs` lists them)")
    return now, of_run(reader, surface, runs[0]) if runs else newest(reader, surface, as_of)


def compare(reader: Rows, before: Lists, after: Lists) -> Comparison:
    """Both rankings, read whole: three integers and a double a row in memory."""
    alive = reader.columns(ITEM_DICTIONARY, {"deleted_at": None}, ("item_index",))["item_index"]
    tables = [one.reader.columns(RANKING, one.where, (*_KEYS, "probability")) for one in (before, after)]
    a, b = (ListRows(*(table[name].astype(np.int64) for name in _KEYS)) for table in tables)
    items = 1 + max(int(of.max(initial=-1)) for of in (alive, a.item_N, b.item_N))
    users_a, users_b = np.unique(a.user_N), np.unique(b.user_N)
    lost, gained = np.setdiff1d(users_a, users_b), np.setdiff1d(users_b, users_a)
    users, rbo_U = rbo(a, b)
    low = np.lexsort((users, rbo_U))[:_SOME]
    return Comparison(
        before.surface,
        _side(before, a, tables[0]["probability"], alive, items),
        _side(after, b, tables[1]["probability"], alive, items),
        len(alive),
        len(users),
        len(lost),
        len(gained),
        _names(before, lost[:_SOME].tolist()),
        _names(after, gained[:_SOME].tolist()),
        _share(_unchanged(a, b, users)),
        _share(_first(a, users) == _first(b, users)),
        float(rbo_U.mean()) if len(rbo_U) else 0.0,
        rbo_U,
        list(zip(_names(after, users[low].tolist()), rbo_U[low].round(6).tolist(), strict=True)),
    )


def _side(lists: Lists, rows: ListRows, probability: Floats, alive: Any, items: int) -> Side:
    exposures = exposure(rows, items)
    first = lists.reader.rows(RANKING, {**lists.where, "rank": 1}, ("reason_code",))
    reasons = Counter(str(row["reason_code"]) for row in first)
    return Side(
        lists.run_id,
        lists.as_of_date,
        len(np.unique(rows.user_N)),
        len(rows.user_N),
        int((exposures > 0).sum()),
        float((exposures[alive] > 0).sum() / max(len(alive), 1)),
        gini(exposures[np.union1d(alive, rows.item_N)]),
        float(probability.mean()) if len(probability) else 0.0,
        {code: n / len(first) for code, n in sorted(reasons.items())},
        exposures,
    )


def _first(rows: ListRows, users: Any) -> Any:
    """The first item of each of these users."""
    top = rows.rank_N == 1
    order = np.argsort(rows.user_N[top])
    return rows.item_N[top][order][np.searchsorted(rows.user_N[top][order], users)]


def _unchanged(a: ListRows, b: ListRows, users: Any) -> Any:
    """Whether each of these users, who have a list in both, has the same items at the same ranks."""
    if not len(users):
        return np.zeros(0, np.bool_)
    width, deep = 1 + max(int(r.item_N.max(initial=0)) for r in (a, b)), 1 + max(int(r.rank_N.max()) for r in (a, b))
    of_a, of_b = ((r.user_N * width + r.item_N) * deep + r.rank_N for r in (a, b))
    same = np.intersect1d(of_a, of_b, assume_unique=True) // deep // width
    counts = np.bincount(np.searchsorted(users, same), minlength=len(users))
    lengths = [rows.lengths()[1][np.searchsorted(rows.lengths()[0], users)] for rows in (a, b)]
    return (counts == lengths[0]) & (lengths[0] == lengths[1])


def _share(mask: Any) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _names(lists: Lists, users: list[int]) -> list[str]:
    """The business ids of users by their index, in order."""
    if not users:
        return []
    where = {**lists.where, "rank": 1, "user_index": users}
    found = {r["user_index"]: str(r["user_id"]) for r in lists.reader.rows(RANKING, where, ("user_index", "user_id"))}
    return [found[user] for user in users]
