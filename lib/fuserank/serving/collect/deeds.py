"""What a user did, as a session takes it: the event's type, its reward, and what it takes back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from fuserank.config.mapping import words
from fuserank.history.signals import Signal, signal_of
from fuserank.serving.collect.cells import Broken, Value

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import EventsConfig, RewardConfig, TypeConfig

Kind = Literal["view", "click", "cart", "purchase", "dislike", "neutral", "undo", "none"]
SESSION: Final = ("view", "click", "cart", "purchase", "dislike")
_Q20 = 1 << 20


class Deed(NamedTuple):
    """One event of a user and an item.

    :ivar key: 64 bits of its id; ``back``: of the event that it takes back
    :ivar time: seconds since 1970
    :ivar kind: what a session takes it for; neutral: a verdict without a weight, none: nothing
    """

    key: int
    user: str
    item: str
    time: float
    kind: Kind
    back: int | None
    session: str | None


class Meaning(NamedTuple):
    """What an event of a type means."""

    type: str
    signal: Signal
    session: Kind


class Typed:
    """One type of the mapping; ``named``: what a session takes it for, where that is said."""

    def __init__(self, kind: TypeConfig, named: str | None) -> None:
        self._kind, self._named = kind, named
        self._fixed = None if kind.reward.column else self._meaning(_q20(kind.reward, kind.reward.value or 0.0))

    def rewarded(self, cells: Mapping[str, Value]) -> Meaning:
        """Its meaning with the reward of these cells.

        :raises Broken: the reward is of a column that is empty
        """
        if self._fixed is not None:
            return self._fixed
        reward = self._kind.reward
        cell = cells.get(str(reward.column))
        if cell is None:
            if reward.missing is None:
                raise Broken("no_value", reward.column, words.NO_VALUE)
            return self._meaning(_q20(reward, reward.missing))
        return self._meaning(_q20(reward, float(cell) * reward.scale + reward.offset))

    def _meaning(self, reward_q20: int) -> Meaning:
        signal = signal_of(self._kind.role, reward_q20)
        return Meaning(self._kind.type, signal, _session(signal, self._kind.type, self._named))


def kinds_of(events: EventsConfig, types: Mapping[str, str]) -> dict[str | None, Typed]:
    """The types of a mapping's events; ``types``: settings that say what a session takes one for."""
    return {
        None if name is None else name.strip(): Typed(kind, types.get(kind.type))
        for name, kind in events.kinds().items()
    }


def _session(signal: Signal, name: str, named: str | None) -> Kind:
    """What a session takes an event for: by its type's name, else by what its reward says of the item."""
    if signal == "undo":
        return "undo"
    if signal == "disliked":
        return "dislike"
    if signal == "offered":
        return "none"
    chosen = named or name
    for kind in SESSION:
        if chosen == kind:
            return kind
    return "click" if signal == "taken" else "neutral"


def _q20(reward: RewardConfig, value: float) -> int:
    return math.floor(min(max(value, reward.low), reward.high) * _Q20)
