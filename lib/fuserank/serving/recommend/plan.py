"""From what an answer is to be made, and why from that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.lists import Ranked
    from fuserank.serving.recommend.session import Done, Near, SessionWeights
    from fuserank.serving.requests import RecommendRequest, ServedFrom
    from fuserank.serving.store.records import UserRecord


@dataclass
class Plan:
    """What an answer is made from.

    :ivar lists: made and taken from in turn, until the page is full
    :ivar gone: item_index → why it must not come
    :ivar unknown: items of the request that the catalogue lacks
    """

    user: str | None
    served_from: ServedFrom
    why: str
    lists: Sequence[Callable[[], Ranked]]
    gone: dict[int, str]
    unknown: int
    features: Mapping[str, float | int | str | None]
    fills: bool = True
    pins: bool = False


def no_list(request: RecommendRequest) -> str:
    """Why no published list answers."""
    return "no user is named" if request.user is None else "no list is published for the user"


def liked(near: Near) -> list[int]:
    """Neighbours by co-purchase that are nearer to what was liked than to what was disliked."""
    return [index for index, similarity in near.neighbours.items() if similarity > 0]


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
