"""Lists of items, best first, each of which says of an item how it came there."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from fuserank.serving.requests import POPULAR, SEGMENT

if TYPE_CHECKING:
    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.session import Near
    from fuserank.serving.recommend.weights import SessionWeights
    from fuserank.serving.store.records import ListRow, Segment

NOT_LISTED, REST = "not_listed", "rest"
# of an item that is near to others: (by co-purchase, by vectors); {names}: of what it is near to
_WORDS = {
    "session": ("Often in one basket with {names}, of just now", "Close to what you did just now: {names}"),
    "basket": ("Often in one basket with {names}", "Close to your basket: {names}"),
    "similar": ("Often in one basket with {names}", "Liked by those who like {names}"),
    "history": ("Often in one basket with {names}, of your history", "Close to your history: {names}"),
}


class Described(NamedTuple):
    """How an item came into a list; ``parts`` sum to ``score``."""

    score: float
    reason_code: str
    reason: str
    probability: float | None
    parts: dict[str, float]
    evidence: list[str]


class Ranked(Protocol):
    """Items of the catalogue by index, best first."""

    @property
    def order(self) -> Sequence[int]:
        """The items."""

    def describe(self, index: int) -> Described:
        """Of one of the items."""


class Popular:
    """The most popular items of the catalogue, or ``among`` some: those first, then the others by index.

    The score is 1 for the most popular one, 1/2 for the next, and so on; 0 for an item that is not among them.
    """

    def __init__(self, catalogue: Catalogue, among: Sequence[int] | None = None) -> None:
        self._places = places = catalogue.places
        last = len(places)
        self.order: Sequence[int] = list(dict.fromkeys(catalogue.manifest.popular))
        if among is not None:
            self.order = sorted(set(among), key=lambda index: (places.get(index, last), index))

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._places.get(index)
        if place is None:
            return Described(0.0, NOT_LISTED, "Not among the most popular", None, {POPULAR: 0.0}, [])
        score = 1 / (1 + place)
        return Described(score, POPULAR, f"Among the most popular: number {place + 1}", None, {POPULAR: score}, [])


class OfSegment:
    """What the users of a segment take most, or of it those ``among`` some.

    The score is 1 for the first of the segment's list, 1/2 for the next, and so on.
    """

    def __init__(self, segment: Segment, among: Container[int] | None = None) -> None:
        self._places = {index: place for place, index in enumerate(segment.items)}
        self._evidence = f"segment:{segment.field}={segment.value}"
        self.order: Sequence[int] = [index for index in self._places if among is None or index in among]

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._places[index]
        score, reason = 1 / (1 + place), f"Among the most popular with users like you: number {place + 1}"
        return Described(score, SEGMENT, reason, None, {SEGMENT: score}, [self._evidence])


class Fused:
    """Rows of a user's list and other items, with what they are near to on top of their scores.

    score = the row's parts + ``<name>_co_purchase`` + ``<name>_als``. What is near counts in spreads of the list's
    scores, so that weights mean the same whatever a fusion's scores are. An item that is not in the list starts from
    the list's lowest score (part ``not_listed``). A published score that its parts do not sum to has a part ``rest``.

    :param others: each once
    :param name: what ``near`` is of, a key of the words above. ``history`` orders only the items that are not in the
        list, all of them behind it: the list itself is of that history
    """

    def __init__(
        self,
        catalogue: Catalogue,
        rows: Sequence[ListRow],
        others: Sequence[int],
        near: Near | None,
        weights: SessionWeights,
        name: str = "session",
    ) -> None:
        self._catalogue, self._near, self._name = catalogue, near, name
        self._rows = listed = {row.item_index: row for row in rows}
        indices = [*listed, *[index for index in others if index not in listed]]
        at, many = np.fromiter(indices, np.int64, len(indices)), len(listed)
        self._place = dict(zip(indices, range(len(indices)), strict=True))
        self._total = np.zeros(len(indices))
        self._total[:many] = [row.score for row in listed.values()]
        scores, own = self._total[:many], name == "history"
        spread = float(np.ptp(scores)) if many else 0.0
        spread = spread or 1.0
        self._floor = float(scores.min()) if many else 0.0
        if own:
            self._floor -= spread * (weights.co_purchase + weights.als)
        self._total[many:] = self._floor
        self._moved = np.zeros((2, len(indices)))
        if near is not None:
            if weights.co_purchase:
                self._moved[0] = near.co_purchase(self._place) * (spread * weights.co_purchase)
            if weights.als:
                self._moved[1] = near.vectors(at) * (spread * weights.als)
            if own:
                self._moved[:, :many] = 0.0
            self._total += self._moved.sum(axis=0)
        fixed = many if own or near is None else 0
        self.order: Sequence[int] = indices
        if fixed < len(indices):  # by score, ties to the lower index; the fixed ones stay as they were published
            behind = at[fixed:]
            self.order = indices[:fixed] + behind[np.lexsort((behind, -self._total[fixed:]))].tolist()

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._place[index]
        row, score = self._rows.get(index), float(self._total[place])
        by_basket, by_vector = self._moved[:, place].tolist()
        parts: dict[str, float] = {}
        if row is None and self._floor:
            parts[NOT_LISTED] = self._floor
        elif row is not None:
            sources = self._catalogue.manifest.sources
            for source, part in row.parts:
                parts[sources[source]] = parts.get(sources[source], 0.0) + part
        strongest = max(parts.values(), default=0.0) if row is not None else 0.0
        if self._near is not None:
            parts[f"{self._name}_co_purchase"], parts[f"{self._name}_als"] = by_basket, by_vector
        rest = score - sum(parts.values())
        if abs(rest) > 1e-10:
            parts[REST] = rest
        probability = row.probability if row is not None and not by_basket and not by_vector else None
        if max(by_basket, by_vector) > strongest:
            return Described(score, *self._near_to(index, by_vector > by_basket, parts))
        if row is None:
            return Described(score, NOT_LISTED, "Not in the list, and near to nothing in it", None, parts, [])
        return Described(score, row.reason_code, row.reason, probability, parts, row.evidence)

    def _near_to(
        self, index: int, by_vector: bool, parts: dict[str, float]
    ) -> tuple[str, str, None, dict[str, float], list[str]]:
        """What a Described says behind the score where an item is near to some."""
        assert self._near is not None
        behind = self._near.behind(index)
        names = ", ".join(record.name or record.item_id for record in behind)
        code = self._name + ("_als" if by_vector else "_co_purchase")
        reason = _WORDS[self._name][by_vector].format(names=names) if behind else "Far from what you dislike"
        return code, reason, None, parts, [f"item:{record.item_id}" for record in behind]
