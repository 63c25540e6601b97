"""What users did in the last hours, in memory: what moves a list at once, and what leaves it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from fuserank.common.ids import normal_id
from fuserank.serving.collect.deeds import SESSION, Deed
from fuserank.serving.collect.trending import Trending
from fuserank.serving.recommend.session import Lived

if TYPE_CHECKING:
    from fuserank.config.collect import CollectConfig

_LIKES = frozenset({"view", "click", "cart", "purchase"})
_LEAST_SHARE = 0.01  # what is left of an event's weight when it is passed over


class Summary(NamedTuple):
    """A user's session in numbers.

    :ivar deeds: events that are held; ``retracted``: of them those that were taken back
    :ivar basket: items in it: put in, neither taken back nor bought since, the last one first
    :ivar disliked: items whose latest verdict is negative
    :ivar dwell: item → seconds from its last view to the user's next event
    """

    deeds: int
    retracted: int
    basket: list[str]
    disliked: list[str]
    dwell: dict[str, float]


class Sessions:
    """State of users' sessions; what is used longest ago goes first where there is no more room."""

    def __init__(self, cfg: CollectConfig) -> None:
        self._cfg = cfg
        self._users: OrderedDict[str, list[Deed]] = OrderedDict()
        self._visits: OrderedDict[str, str] = OrderedDict()  # session → its user
        self._count, self._lock = 0, threading.Lock()  # answers may be made in threads
        self._trending = Trending(cfg.trending_half_life_minutes * 60)

    def __len__(self) -> int:
        """Events that are held."""
        return self._count

    def take(self, deeds: Iterable[Deed], now: float, are_new: bool = False) -> None:
        """Deeds in any order, each once however often it comes; one that is too old to count goes by.

        :param are_new: none of them came before
        """
        with self._lock:
            self._take(deeds, now - self._cfg.keep_hours * 3600, are_new)

    def _take(self, deeds: Iterable[Deed], oldest: float, are_new: bool) -> None:
        for deed in deeds:
            if deed.time < oldest or deed.kind == "none":
                continue
            had = self._users.get(deed.user)
            if had is None:
                had = self._users[deed.user] = []
            elif not are_new and any(one.key == deed.key for one in had):
                continue
            self._users.move_to_end(deed.user)
            if deed.kind in _LIKES and not self._counted(deed, had):
                self._trending.add(deed.item, deed.time)
            had.append(deed)
            self._count += 1
            if len(had) > 1 and _order(had[-2]) > _order(deed):
                had.sort(key=_order)
            if len(had) > self._cfg.most_deeds:
                had.remove(_weakest(had))
                self._count -= 1
            if deed.session is not None:
                self._visits[deed.session] = deed.user
                self._visits.move_to_end(deed.session)
        while self._count > self._cfg.most_events and len(self._users) > 1:
            self._count -= len(self._users.popitem(last=False)[1])
        while len(self._visits) > self._cfg.most_events:
            self._visits.popitem(last=False)

    def _counted(self, deed: Deed, had: list[Deed]) -> bool:
        """Whether the user did something with the item a while ago: a bot counts once."""
        since = deed.time - self._trending.window
        for one in reversed(had):  # in the order of time; a loop, as this is asked for each event that comes
            if one.time <= since:
                return False
            if one.item == deed.item and one.kind in _LIKES:
                return True
        return False

    def trending(self, now: datetime, most: int) -> list[tuple[str, float]]:
        """Items by how many users did something with them of late (views, clicks, carts, purchases), the most first,
        each with that number, in which an event counts half after ``trending_half_life_minutes``.

        A user counts once an item in four such times. What was taken back stays counted.
        """
        return self._trending.best(now.timestamp(), most)

    def user_of(self, session: str) -> str | None:
        """The user of a session, as its events name one."""
        return self._visits.get(session)

    def of(self, user: str, surface: str, now: datetime) -> list[Lived]:
        """What a user did, the latest last, as a session weighs it on a surface.

        An item's weight halves with each ``half_life_minutes`` of the surface. What was taken back is gone; a dislike
        counts while it is the latest verdict on its item (as in ``history``), whatever its age.
        """
        deeds = self._standing(user, now)
        if not deeds:
            return []
        at, half_life = now.timestamp(), self._half_life(surface)
        disliked = _disliked(deeds)
        found = []
        for n, deed in enumerate(deeds):
            if deed.kind not in SESSION or (deed.kind == "dislike") != (deed.item in disliked):
                continue
            if deed.kind == "view" and 0 <= self._dwell(deeds, n) < self._cfg.dwell_seconds:
                continue
            share = 0.5 ** (max(at - deed.time, 0.0) / half_life)
            if share >= _LEAST_SHARE or deed.kind in ("dislike", "purchase"):
                found.append(Lived(deed.item, deed.kind, datetime.fromtimestamp(deed.time, UTC), share))
        return found

    def summary(self, user: str, now: datetime) -> Summary:
        """A user's session in numbers."""
        held, deeds = self._held(user, now), self._standing(user, now)
        basket: dict[str, None] = {}
        dwell: dict[str, float] = {}
        for n, deed in enumerate(deeds):
            if deed.kind == "cart":
                basket.pop(deed.item, None)
                basket[deed.item] = None
            elif deed.kind == "purchase":
                basket.pop(deed.item, None)
            elif deed.kind == "view" and (seconds := self._dwell(deeds, n)) >= 0:
                dwell[deed.item] = seconds
        reversals = sum(deed.kind == "undo" for deed in held)
        gone = len(held) - reversals - len(deeds)
        return Summary(len(held), gone, list(reversed(basket)), sorted(_disliked(deeds)), dwell)

    def _held(self, user: str, now: datetime) -> list[Deed]:
        with self._lock:
            found = self._users.get(user)
            if found is None:
                found = self._users.get(normal_id(user) or "", [])
            found = list(found)
        oldest = now.timestamp() - self._cfg.keep_hours * 3600
        return found if not found or found[0].time >= oldest else [deed for deed in found if deed.time >= oldest]

    def _standing(self, user: str, now: datetime) -> list[Deed]:
        """What was not taken back, the latest last; reversals themselves are none of it."""
        held = self._held(user, now)
        back = {deed.back for deed in held if deed.kind == "undo"}
        return [deed for deed in held if deed.kind != "undo" and deed.key not in back]

    def _dwell(self, deeds: list[Deed], n: int) -> float:
        """Seconds until the user's next event; below 0: there is none yet."""
        return deeds[n + 1].time - deeds[n].time if n + 1 < len(deeds) else -1.0

    def _half_life(self, surface: str) -> float:
        """Seconds."""
        minutes = self._cfg.half_life_minutes
        return 60.0 * minutes.get(surface, minutes.get("default", 30.0))


def _order(deed: Deed) -> tuple[float, int]:
    return deed.time, deed.key


def _weakest(deeds: list[Deed]) -> Deed:
    """What goes where a user has done too much: the oldest that says least, a dislike or its reversal last."""
    strong = ("dislike", "undo", "purchase")
    return next((deed for deed in deeds if deed.kind not in strong), deeds[0])


def _disliked(deeds: list[Deed]) -> set[str]:
    """Items whose latest verdict is negative."""
    latest = {deed.item: deed.kind == "dislike" for deed in deeds}
    return {item for item, is_negative in latest.items() if is_negative}
