"""From what an answer is to be made, and why from that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuserank.serving.recommend.lists import OfSegment, Popular
from fuserank.serving.requests import POPULAR, SEGMENT

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.lists import Ranked
    from fuserank.serving.recommend.segments import Belongs
    from fuserank.serving.recommend.session import Done, Near
    from fuserank.serving.recommend.weights import SessionWeights
    from fuserank.serving.requests import RecommendRequest, ServedFrom
    from fuserank.serving.store.records import UserRecord

    Ints = npt.NDArray[np.int64]

MOST_NEAR = 500  # by vectors


@dataclass
class Plan:
    """What an answer is made from.

    :ivar lists: made and taken from in turn, until the page is full
    :ivar gone: item_index → why it must not come
    :ivar unknown: items of the request that the catalogue lacks
    :ivar belongs: the segment that the user is in, which may fill the page up
    """

    user: str | None
    served_from: ServedFrom
    why: str
    lists: Sequence[Callable[[], Ranked]]
    gone: dict[int, str]
    unknown: int
    features: Mapping[str, float | int | str | None]
    belongs: Belongs
    fills: bool = True
    pins: bool = False


def of_list(user: UserRecord) -> str:
    """Which list a user has."""
    anew = "" if user.until is None else f", made anew of what happened before {user.until}"
    return f"the list that is published for the user{anew}"


def no_list(request: RecommendRequest) -> str:
    """Why no published list answers."""
    return "no user is named" if request.user is None else "no list is published for the user"


class Impersonal:
    """What is served where there is no list of the user's and no session: the user's segment, else what is popular.

    ``among``: these items alone.
    """

    def __init__(self, catalogue: Catalogue, belongs: Belongs, why: str, among: Sequence[int] | None = None) -> None:
        self.served_from: ServedFrom = POPULAR
        self.why, segment = why, belongs.segment
        self.lists: list[Callable[[], Ranked]] = [lambda: Popular(catalogue, among)]
        some = None if among is None else frozenset(among)
        if segment is not None and (some is None or some.intersection(segment.items)):
            self.served_from, self.why = SEGMENT, f"{why}; {belongs.why}"
            self.lists = [lambda: OfSegment(segment, some), *([] if some is None else self.lists)]


def near_by(near: Near, catalogue: Catalogue, session: Iterable[int], next_too: bool = True) -> Ints:
    """Items that may follow a session of somebody unknown, each once and none of the session's; ``next_too``: those
    that a sequence model has next, too.
    """
    found = [near.liked, near.candidates(MOST_NEAR), *([near.coming(MOST_NEAR)] if next_too else [])]
    return but(catalogue, np.unique(np.concatenate(found)), session)


def but(catalogue: Catalogue, items: Ints, others: Iterable[int]) -> Ints:
    """Items that are none of the others."""
    return items[catalogue.table.places(items, np.fromiter(others, np.int64)) < 0]


def of_just_now(was: Done) -> str:
    """How many items a session tells of, in words."""
    collected = f" ({was.collected} event{_s(was.collected)} collected)" if was.collected else ""
    return f"{len(was.seeds)} item{_s(len(was.seeds))} of just now{collected}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def gone_by(was: Done, basket: Iterable[int]) -> dict[int, str]:
    """Items that what was done just now takes away."""
    gone = dict.fromkeys(basket, "in_basket")
    gone |= dict.fromkeys(was.purchased, "purchased")
    return gone | dict.fromkeys(was.disliked, "disliked")


def features_of(catalogue: Catalogue, user: UserRecord | None) -> dict[str, float | int | str | None]:
    """A user's features by name."""
    return {} if user is None else dict(zip(catalogue.features, user.features, strict=False))


def recently(history: Sequence[int], weights: SessionWeights) -> dict[int, float]:
    """Weights of a user's published history, the most recent item first."""
    weighed = [(index, 0.5 ** (age / weights.half_life)) for age, index in enumerate(history[: weights.most])]
    return dict(reversed(weighed))
