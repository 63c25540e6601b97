"""How a data set is cut into what models learn from and what they are judged by.

Nothing of the test part is in the rest.

Shapes: N pairs, T pairs of the truth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Split:
    """train: what is learned from; history: what is known of a user when lists are asked for, and left out of them.

    Both have user_index, item_index (int), weight, age (float), unique and sorted by pair; so is the truth. items:
    those that lists are ranked among, ascending; None: all. train_baskets, history_baskets: make the same two as
    user_index, item_index, basket, place, age of every basket (``baskets_of``); None: the data have no order.
    """

    train: pa.Table
    history: pa.Table
    truth_user_T: Ints
    truth_item_T: Ints
    items: Ints | None = None
    train_baskets: Callable[[], pa.Table] | None = None
    history_baskets: Callable[[], pa.Table] | None = None

    @property
    def users(self) -> Ints:
        """Those with truth, ascending."""
        return np.unique(self.truth_user_T)

    def of_kind(self, own: bool) -> Split:
        """The same with the truth that is in a user's history (``own``), or is not, alone."""
        mask_T = own == self.in_history(self.truth_user_T, self.truth_item_T)
        return replace(self, truth_user_T=self.truth_user_T[mask_T], truth_item_T=self.truth_item_T[mask_T])

    def in_history(self, user_N: npt.NDArray[Any], item_N: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether each pair is in the history."""
        user, item = (self.history.column(c).to_numpy().astype(np.int64) for c in ("user_index", "item_index"))
        span = int(max(item.max(initial=0), item_N.max(initial=0))) + 1
        return locate(user * span + item, user_N.astype(np.int64) * span + item_N)[1]

    def hash(self) -> str:
        """SHA-256 over all parts: rows with equal ones were judged alike."""
        digest = hashlib.sha256()
        for table in (self.train, self.history):
            for name in ("user_index", "item_index", "weight", "age"):
                digest.update(np.ascontiguousarray(table.column(name).to_numpy()).tobytes())
        for part in (self.truth_user_T, self.truth_item_T):
            digest.update(np.ascontiguousarray(part, np.int32).tobytes())
        if self.items is not None:
            digest.update(b"items" + np.ascontiguousarray(self.items, np.int32).tobytes())
        return digest.hexdigest()


def dense(*columns: pa.ChunkedArray) -> list[Ints]:
    """Ids of several columns of one kind as numbers from 0, in the order of the ids."""
    lists = [np.asarray(column.to_pylist(), dtype=object).astype(str) for column in columns]
    _, numbers = np.unique(np.concatenate(lists), return_inverse=True)
    return [part.astype(np.int32) for part in np.split(numbers, np.cumsum([len(one) for one in lists])[:-1])]


def pairs_of(user_N: Ints, item_N: Ints, age_N: npt.NDArray[Any]) -> pa.Table:
    """Events as unique pairs: weight = how often, age = of the youngest."""
    import pyarrow as pa

    order = np.lexsort((age_N, item_N, user_N))
    user_N, item_N, age_N = user_N[order], item_N[order], age_N[order]
    first = np.ones(len(user_N), bool)
    first[1:] = (user_N[1:] != user_N[:-1]) | (item_N[1:] != item_N[:-1])
    starts = np.flatnonzero(first)
    weight = np.diff(starts, append=len(user_N)).astype(np.float32)
    age = age_N[starts].astype(np.float32)
    return pa.table({"user_index": user_N[starts], "item_index": item_N[starts], "weight": weight, "age": age})


def baskets_of(
    user_N: Ints,
    item_N: Ints,
    basket_N: npt.NDArray[np.int64],
    time_N: npt.NDArray[np.int64],
    age_N: npt.NDArray[Any],
    more: Mapping[str, npt.NDArray[Any]] | None = None,
) -> pa.Table:
    """Events as lines of baskets: user_index, item_index, basket (int, 0: the user's last, by the time of a basket's
    last event, ties by its key), place (int, from 0, in the order of time, ties by item), age (float, of the basket's
    last event). ``basket_N``: keys, unique within a user; an item stands once in a basket. ``more``: of each event
    (N,) what ``history.baskets.EVENT_CODES`` names: then lines have type and price, as
    ``history.baskets.baskets_back`` has them.
    """
    import pyarrow as pa

    order = np.lexsort((time_N, item_N, basket_N, user_N))
    user_N, item_N, key_N, time_N, age_N = (c[order] for c in (user_N, item_N, basket_N, time_N, age_N))
    new = np.ones(len(user_N), bool)  # a basket begins
    new[1:] = (user_N[1:] != user_N[:-1]) | (key_N[1:] != key_N[:-1])
    starts, basket = np.flatnonzero(new), np.cumsum(new) - 1
    if len(starts):
        last_B, youngest_B = np.maximum.reduceat(time_N, starts), np.minimum.reduceat(age_N, starts)
    else:
        last_B, youngest_B = time_N[:0], age_N[:0]
    first = new.copy()
    first[1:] |= item_N[1:] != item_N[:-1]
    user, item, basket, time = user_N[first], item_N[first], basket[first], time_N[first]
    by_time = np.lexsort((key_N[starts], -last_B, user_N[starts]))
    number_B = np.empty(len(starts), np.int64)
    user_B = user_N[starts][by_time]
    number_B[by_time] = np.arange(len(starts)) - np.searchsorted(user_B, user_B)
    within = np.lexsort((item, time, basket))
    place = np.empty(len(basket), np.int64)
    place[within] = np.arange(len(basket)) - np.searchsorted(basket[within], basket[within])
    columns = {"user_index": user, "item_index": item, "basket": number_B[basket], "place": place}
    table = {name: pa.array(column.astype(np.int32)) for name, column in columns.items()}
    table["age"] = pa.array(youngest_B[basket].astype(np.float32))
    if more:
        sorted_more = {name: values_N[order] for name, values_N in more.items()}
        table |= {name: pa.array(code) for name, code in _codes(sorted_more, first, item_N, time_N).items()}
    return pa.table(table)


def _codes(
    more: Mapping[str, npt.NDArray[Any]], first_N: npt.NDArray[np.bool_], item_N: Ints, time_N: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    """type and price of lines; rows of a line stand together, ``first_N`` where one begins."""
    if not len(item_N):
        return {"type": np.empty(0, np.int32), "price": np.empty(0, np.float32)}
    starts, line_N = np.flatnonzero(first_N), np.cumsum(first_N)
    strongest = np.lexsort((time_N, more["strength"], line_N))[np.append(starts[1:], len(item_N)) - 1]
    paid, units = (np.add.reduceat(more[name], starts) for name in ("paid", "units"))
    of_item = [np.bincount(item_N, more[name]) for name in ("paid", "units")]  # whole numbers: exact as floats
    usual_I = of_item[0] / np.maximum(of_item[1], 1)
    price = np.where(units > 0, paid / np.maximum(units, 1), usual_I[item_N[starts]])
    return {"type": more["type"][strongest].astype(np.int32), "price": price.astype(np.float32)}


def leave_one_out(user_N: Ints, item_N: Ints, position_N: npt.NDArray[np.int64]) -> tuple[Split, Split]:
    """(test, validation): the truth of the test is the last item of each sequence, that of the validation the item
    before it. Both learn from what is before these two, as published tables do; the history for the last item holds
    the one before it.

    Users with fewer than three events are in no truth. ``age``: steps back from the end, 0 for the last.
    """
    order = np.lexsort((position_N, user_N))
    user_N, item_N = user_N[order], item_N[order]
    ends = np.flatnonzero(np.append(user_N[1:] != user_N[:-1], True)) if len(user_N) else np.empty(0, np.int64)
    size = np.diff(ends, prepend=-1)
    back_N, size_N = np.repeat(ends, size) - np.arange(len(user_N)), np.repeat(size, size)

    def before(last: int) -> pa.Table:
        mask = back_N >= last
        return pairs_of(user_N[mask], item_N[mask], back_N[mask] - last)

    def baskets(last: int) -> Callable[[], pa.Table]:
        def lines() -> pa.Table:
            mask = back_N >= last
            age_N = back_N[mask] - last
            return baskets_of(user_N[mask], item_N[mask], -age_N, -age_N, age_N)

        return lines

    train = before(2)

    def judged_by(last: int) -> Split:
        judged = (back_N == last) & (size_N > 2)
        history = train if last == 1 else before(last + 1)
        split = _split(train, history, user_N[judged], item_N[judged])
        return replace(split, train_baskets=baskets(2), history_baskets=baskets(last + 1))

    return judged_by(0), judged_by(1)


def predefined_split(
    train: tuple[Ints, Ints], test: tuple[Ints, Ints], seed: int, share: float = 0.1
) -> tuple[Split, Split]:
    """(the split as it is given; a validation: a seeded ``share`` of each user's train pairs, rounded)."""
    pairs = pairs_of(*train, np.zeros(len(train[0])))
    user_N, item_N = (pairs.column(c).to_numpy() for c in ("user_index", "item_index"))
    draw_N = np.random.default_rng(seed).random(len(user_N))
    order = np.lexsort((draw_N, user_N))
    _, first, size = np.unique(user_N, return_index=True, return_counts=True)
    place_N = np.empty(len(user_N), np.int64)
    place_N[order] = np.arange(len(user_N)) - np.repeat(first, size)
    held = place_N < np.floor(np.repeat(size, size) * share + 0.5)
    remaining = pairs.filter(~held)
    return _split(pairs, pairs, *test), _split(remaining, remaining, user_N[held], item_N[held])


def temporal(
    user_N: Ints, item_N: Ints, day_N: npt.NDArray[np.int64], as_of: int, label_days: int, repeats: bool
) -> tuple[Split, Split]:
    """(events before day ``as_of`` against the ``label_days`` from it; the same as of ``label_days`` earlier).

    ``repeats``: whether what a user had taken before counts as truth. ``age``: days before the day of the split.
    """
    return tuple(as_of_day(user_N, item_N, day_N, as_of - back, label_days, repeats) for back in (0, label_days))  # type: ignore[return-value]


def as_of_day(
    user_N: Ints, item_N: Ints, day_N: npt.NDArray[np.int64], day: int, label_days: int, repeats: bool
) -> Split:
    """One split of ``temporal``: what is before ``day`` against the ``label_days`` from it."""
    before, after = day_N < day, (day_N >= day) & (day_N < day + label_days)
    train = pairs_of(user_N[before], item_N[before], day - day_N[before])
    return _split(train, train, user_N[after], item_N[after], repeats)


def _split(train: pa.Table, history: pa.Table, user_T: Ints, item_T: Ints, repeats: bool = True) -> Split:
    if train.num_rows == 0 or len(user_T) == 0:
        raise FuserankError("one part of the split is empty: there is nothing to learn from, or nothing to judge by")
    span = int(max(item_T.max(), train.column("item_index").to_numpy().max())) + 1
    key_T = np.unique(user_T.astype(np.int64) * span + item_T)
    if not repeats:
        had = train.column("user_index").to_numpy().astype(np.int64) * span + train.column("item_index").to_numpy()
        key_T = key_T[~np.isin(key_T, had)]
    return Split(train, history, (key_T // span).astype(np.int32), (key_T % span).astype(np.int32))
