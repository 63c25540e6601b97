"""What the events of a lake are judged on: all items, new ones, items that are young or were never
sold, each user's next basket, and users of whom little is known.

Shapes: N events, E events of a user.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.evaluation.protocols import Ints, Split, as_of_day, baskets_of, pairs_of

if TYPE_CHECKING:
    import pyarrow as pa

Longs = npt.NDArray[np.int64]
NEVER = 1 << 40
COLD_USERS = 500
_LEAST = 5  # events that a cold user must have, so that the same ones are asked with 1, 3 and 5 of them


@dataclass(frozen=True)
class Events:
    """user, item, day and time (µs) of each event (N,), the day on which it was known to be taken back (NEVER: it
    was not), and the key of its basket, unique within its user; ``items``: all that the lake has numbered; ``more``:
    what else ``protocols.baskets_of`` reads of events.
    """

    user_N: Ints
    item_N: Ints
    day_N: Longs
    time_N: Longs
    back_N: Longs
    basket_N: Longs
    items: Ints
    more: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def of(self, mask_N: npt.NDArray[np.bool_]) -> Events:
        """The events of a mask."""
        names = ("user_N", "item_N", "day_N", "time_N", "back_N", "basket_N")
        more = {name: values_N[mask_N] for name, values_N in self.more.items()}
        return replace(self, **{name: getattr(self, name)[mask_N] for name in names}, more=more)

    def standing(self, day: int, label_days: int) -> Events:
        """Those before ``day`` that were not yet known to be taken back on it, and those from it on
        that were not when the ``label_days`` ended.
        """
        return self.of(self.back_N >= np.where(self.day_N < day, day, day + label_days))

    def at(self, day: int, label_days: int, repeats: bool) -> Split:
        """What is before ``day`` against the ``label_days`` from it."""
        split = as_of_day(self.user_N, self.item_N, self.day_N, day, label_days, repeats)
        lines = self.baskets_before(day)
        return replace(split, train_baskets=lines, history_baskets=lines)

    def baskets_before(self, day: int) -> Callable[[], pa.Table]:
        """What makes the lines of the baskets (``protocols.baskets_of``) of all events before ``day``, when called."""

        def lines() -> pa.Table:
            of = self.of(self.day_N < day)
            return baskets_of(of.user_N, of.item_N, of.basket_N, of.time_N, day - of.day_N, of.more)

        return lines


def cold_items(events: Events, day: int, label_days: int) -> Split:
    """Lists are ranked among the items first sold in the ``label_days`` before
    ``day``; what a user had taken counts, too.
    """
    items, first = np.unique(events.item_N[np.argsort(events.day_N, kind="stable")], return_index=True)
    first_day = np.sort(events.day_N, kind="stable")[first]
    young = items[(first_day >= day - label_days) & (first_day < day)]
    return _among(events.at(day, label_days, repeats=True), young)


def never_sold(events: Events, day: int, label_days: int) -> Split:
    """Lists are ranked among the items without an event before ``day``, whether
    they are sold in the days from it or not.

    A lake that was filled after ``day`` numbers an item by its first event, so that
    what is never sold at all is not among them.
    """
    sold = np.unique(events.item_N[events.day_N < day])
    return _among(events.at(day, label_days, repeats=True), np.setdiff1d(events.items, sold))


def _among(split: Split, items: Ints) -> Split:
    mask_T = np.isin(split.truth_item_T, items)
    if not mask_T.any():
        raise FuserankError("none of these items was taken in the days from as_of: there is nothing to judge by")
    return replace(
        split, truth_user_T=split.truth_user_T[mask_T], truth_item_T=split.truth_item_T[mask_T], items=np.sort(items)
    )


def next_basket(events: Events, day: int, label_days: int) -> Split:
    """What is before ``day`` against each user's next basket: the first that begins in the ``label_days`` from it, by
    the time of its first event, ties by its key. A basket that began before ``day`` is nobody's next one. What the user
    had taken counts, too.
    """
    order = np.lexsort((events.time_N, events.basket_N, events.user_N))
    user_N, basket_N, time_N, day_N = (c[order] for c in (events.user_N, events.basket_N, events.time_N, events.day_N))
    new = np.ones(len(order), bool)
    new[1:] = (user_N[1:] != user_N[:-1]) | (basket_N[1:] != basket_N[:-1])
    begin = np.flatnonzero(new)
    begin = begin[(day_N[begin] >= day) & (day_N[begin] < day + label_days)]
    begin = begin[np.lexsort((basket_N[begin], time_N[begin], user_N[begin]))]
    first = begin[np.append(True, user_N[begin][1:] != user_N[begin][:-1])] if len(begin) else begin
    chosen = np.isin(np.cumsum(new), np.cumsum(new)[first])
    mask_N = np.empty(len(order), bool)
    mask_N[order] = chosen
    return events.of((events.day_N < day) | mask_N).at(day, label_days, repeats=True)


def cold_users(events: Events, day: int, label_days: int, known: int, users: Ints) -> Split:
    """A split that judges new users: ``users``. The model learns from what all others did before ``day``. Lists are
    made for ``users`` alone, each with the first ``known`` events as history; their truth is the items of the
    ``label_days`` from ``day``, less those of this history.

    Model and truth are apart in time and by user. Other ways to judge a cut history are not honest or not of use. The
    days after its last event lie before ``day``, and the model has learned from them what was then on sale and in
    season. Taking out of the truth what was cut away would ask for what a household buys for the first time in a
    year, not for what a new customer buys. So an item bought every week is truth here, as it is for a newcomer. Ages
    are counted from ``day``, as are those of all others.
    """
    theirs = np.isin(events.user_N, users)
    before = events.day_N < day
    learned = before & ~theirs
    split = events.of(theirs | learned).at(day, label_days, repeats=True)
    first_events = events.of(_first(events, before & theirs, known))
    history = pairs_of(first_events.user_N, first_events.item_N, day - first_events.day_N)
    span = int(max(split.truth_item_T.max(), first_events.item_N.max(initial=0))) + 1
    had = history.column("user_index").to_numpy().astype(np.int64) * span + history.column("item_index").to_numpy()
    key_T = split.truth_user_T.astype(np.int64) * span + split.truth_item_T
    mask_T = np.isin(split.truth_user_T, users) & ~np.isin(key_T, had)
    train = pairs_of(events.user_N[learned], events.item_N[learned], day - events.day_N[learned])
    made = Split(train, history, split.truth_user_T[mask_T], split.truth_item_T[mask_T])
    return replace(
        made,
        train_baskets=events.of(learned).baskets_before(day),
        history_baskets=first_events.baskets_before(day),
    )


def _first(events: Events, among_N: npt.NDArray[np.bool_], known: int) -> npt.NDArray[np.bool_]:
    """Each user's first ``known`` events of a mask: distinct by (user, time, item),
    in the order of time, ties by item.
    """
    at = np.flatnonzero(among_N)
    at = at[np.lexsort((events.item_N[at], events.time_N[at], events.user_N[at]))]
    columns = (events.user_N[at], events.time_N[at], events.item_N[at])
    new = np.ones(len(at), bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    at, user = at[new], columns[0][new]
    first = np.zeros(len(among_N), bool)
    first[at[np.arange(len(at)) - np.searchsorted(user, user) < known]] = True
    return first


def drawn_users(events: Events, day: int, label_days: int, seed: int, most: int = COLD_USERS) -> Ints:
    """A seeded draw of cold users, ascending: at most ``most``, and at most half, of the users with five events before
    ``day`` and, in the ``label_days`` from it, an item that is not of their first five. They are the same users
    however many of the five events their histories hold; there must be others to learn from.
    """
    before, after = events.day_N < day, (events.day_N >= day) & (events.day_N < day + label_days)
    first = events.of(_first(events, before, _LEAST))
    users, count = np.unique(first.user_N, return_counts=True)
    span = int(events.item_N.max(initial=0)) + 1
    key = events.user_N.astype(np.int64) * span + events.item_N
    new = after & ~np.isin(key, first.user_N.astype(np.int64) * span + first.item_N)
    fit = np.intersect1d(users[count == _LEAST], events.user_N[new])
    if len(fit) < 2:
        raise FuserankError(
            "no two users have five events before as_of and something new after it: nobody to judge, or to learn from"
        )
    return np.sort(np.random.default_rng(seed).permutation(fit)[: min(most, len(fit) // 2)])


def _of_cold_users(known: int) -> Callable[[Events, int, int, int], tuple[Split, Split]]:
    def cut(events: Events, day: int, label_days: int, seed: int) -> tuple[Split, Split]:
        now, earlier = events.standing(day, label_days), day - label_days
        users = drawn_users(now, day, label_days, seed)
        # settings, too, are chosen without them
        others = events.of(~np.isin(events.user_N, users)).standing(earlier, label_days)
        of_validation = drawn_users(others, earlier, label_days, seed)
        return (
            cold_users(now, day, label_days, known, users),
            cold_users(others, earlier, label_days, known, of_validation),
        )

    return cut


def _by_day(at: Callable[[Events, int, int], Split]) -> Callable[[Events, int, int, int], tuple[Split, Split]]:
    def cut(events: Events, day: int, label_days: int, seed: int) -> tuple[Split, Split]:
        test, validation = (
            at(events.standing(start, label_days), start, label_days) for start in (day, day - label_days)
        )
        return test, validation

    return cut


_CUTS = {
    "all": _by_day(lambda events, day, days: events.at(day, days, repeats=True)),
    "new": _by_day(lambda events, day, days: events.at(day, days, repeats=False)),
    "cold-items": _by_day(cold_items),
    "never-sold": _by_day(never_sold),
    "next-basket": _by_day(next_basket),
    **{f"cold-users-{known}": _of_cold_users(known) for known in (1, 3, 5)},
}
TRACKS = tuple(_CUTS)
REPEATS = ("all", "cold-items", "next-basket")  # tracks in which what a user had taken before may be listed
APART = ("next-basket",)  # tracks that judge what a user had taken before and what not apart, too


def cut(events: Events, track: str, day: int, label_days: int, seed: int) -> tuple[Split, Split]:
    """(the split of a track as of ``day``; its validation, as of ``label_days`` earlier)."""
    return _CUTS[track](events, day, label_days, seed)
