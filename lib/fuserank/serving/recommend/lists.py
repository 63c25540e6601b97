"""Lists of items, best first, each of which says of an item how it came there."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from fuserank.serving.requests import POPULAR, SEGMENT, TRENDING

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.session import Near
    from fuserank.serving.recommend.table import Table
    from fuserank.serving.recommend.weights import SessionWeights
    from fuserank.serving.store.records import Rows, Segment

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

NOT_LISTED, REST = "not_listed", "rest"
_FIRST = 64  # places of so many items are looked up at once: an answer seldom has more
_PARTS = ("_co_purchase", "_als", "_sequence")
_BY_BASKET, _BY_VECTOR, _NEXT = range(len(_PARTS))
# of an item that is near to others, by each; {names}: of what it is near to, or what it comes after
_WORDS = {
    "session": (
        "Often in one basket with {names}, of just now",
        "Close to what you did just now: {names}",
        "Often next after {names}, of just now",
    ),
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
    def order(self) -> Ints:
        """The items [items]."""

    def describe(self, index: int) -> Described:
        """Of one of the items."""


class Popular:
    """The most popular items of the catalogue, or ``among`` some: those first, then the others by index.

    The score is 1 for the most popular one, 1/2 for the next, and so on; 0 for an item that is not among them.
    """

    def __init__(self, catalogue: Catalogue, among: Sequence[int] | None = None) -> None:
        self._places = places = catalogue.places
        self.order = catalogue.popular
        if among is not None:
            last = len(places)
            self.order = np.array(sorted(set(among), key=lambda index: (places.get(index, last), index)), np.int64)

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._places.get(index)
        if place is None:
            return Described(0.0, NOT_LISTED, "Not among the most popular", None, {POPULAR: 0.0}, [])
        score = 1 / (1 + place)
        return Described(score, POPULAR, f"Among the most popular: number {place + 1}", None, {POPULAR: score}, [])


class Trending:
    """What users do most at this time; the score is how many of them, an event counting less with its age.

    :param counts: item_index → its count, the most first
    """

    def __init__(self, counts: Mapping[int, float]) -> None:
        self._counts = counts
        self._places = {index: place for place, index in enumerate(counts)}
        self.order: Ints = np.fromiter(counts, np.int64)

    def describe(self, index: int) -> Described:
        """See Ranked."""
        score, reason = self._counts[index], f"Many look at it now: number {self._places[index] + 1}"
        return Described(score, TRENDING, reason, None, {TRENDING: score}, [])


class OfSegment:
    """What the users of a segment take most, or of it those ``among`` some.

    The score is 1 for the first of the segment's list, 1/2 for the next, and so on.
    """

    def __init__(self, segment: Segment, among: Container[int] | None = None) -> None:
        self._places = {index: place for place, index in enumerate(segment.items)}
        self._evidence = f"segment:{segment.field}={segment.value}"
        some = [index for index in self._places if among is None or index in among]
        self.order: Ints = np.array(some, np.int64)

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._places[index]
        score, reason = 1 / (1 + place), f"Among the most popular with users like you: number {place + 1}"
        return Described(score, SEGMENT, reason, None, {SEGMENT: score}, [self._evidence])


class Listed:
    """Rows of a published list, by column; of a row is read what somebody asks for.

    :param rows: None: there are none
    :ivar rows: all of the list
    :ivar places: of those that count here, in ``rows`` [counting]
    :ivar index: item_index [counting]
    :ivar score: [counting]
    """

    def __init__(self, rows: Rows | None = None) -> None:
        self.rows = rows
        self.index: Ints = np.frombuffer(b"" if rows is None else rows.item_index, "<i4").astype(np.int64)
        self.score: Floats = np.frombuffer(b"" if rows is None else rows.score, "<f8")
        self.places: Sequence[int] = range(len(self.index))

    def __len__(self) -> int:
        return len(self.index)

    def among(self, items: Ints, table: Table) -> Listed:
        """Only the rows of some items."""
        found, at = Listed(), np.flatnonzero(table.places(self.index, items) >= 0)
        found.rows, found.places, found.index, found.score = self.rows, at.tolist(), self.index[at], self.score[at]
        return found


class Fused:
    """Rows of a user's list and other items, with what they are near to on top of their scores.

    score = the row's parts + ``<name>_co_purchase`` + ``<name>_als``, and ``<name>_sequence`` where a sequence model
    takes a step. What is near counts in spreads of the list's scores, so that weights mean the same whatever a fusion's
    scores are. An item that is not in the list starts from the list's lowest score (part ``not_listed``). A published
    score that its parts do not sum to has a part ``rest``.

    :param others: each once
    :param name: what ``near`` is of, a key of the words above. ``history`` orders only the items that are not in the
        list, all of them behind it: the list itself is of that history
    :param whole: describe with parts and evidence, too
    """

    def __init__(
        self,
        catalogue: Catalogue,
        listed: Listed,
        others: Ints,
        near: Near | None,
        weights: SessionWeights,
        name: str = "session",
        whole: bool = True,
    ) -> None:
        self._listed, self._near, self._name, self._whole = listed, near, name, whole
        many = len(listed)
        if near is None and not len(others):
            self._at, self._total, self._floor = listed.index, listed.score, 0.0
            self.order: Ints = listed.index
            self._places = np.arange(many)
            return
        if many and len(others):
            others = others[catalogue.table.places(others, listed.index) < 0]
        self._at = at = np.concatenate([listed.index, others])
        self._floor = float(listed.score.min()) if many else 0.0
        spread = (float(listed.score.max()) - self._floor if many else 0.0) or 1.0
        own = name == "history"
        if own:
            self._floor -= spread * (weights.co_purchase + weights.als)
        self._total = np.full(len(at), self._floor)
        self._total[:many] = listed.score
        reach = spread * (weights.listed if many and not own else 1.0)
        self._moved = self._moves(reach, weights, many if own else 0)
        self._total += self._moved.sum(axis=0)
        fixed = many if own or near is None else 0
        self._places = np.concatenate([np.arange(fixed), fixed + _sorted(-self._total[fixed:], at[fixed:])])
        self.order = at[self._places]

    def _moves(self, reach: float, weights: SessionWeights, fixed: int) -> Floats:
        """By each of _PARTS, without a step by the first two [2 or 3, items]; the first ``fixed`` ones stay."""
        steps = self._near is not None and self._near.has_next and weights.sequence != 0
        found = np.zeros((3 if steps else 2, len(self._at)))
        if self._near is not None:
            moving = self._at[fixed:]
            if weights.co_purchase:
                found[_BY_BASKET, fixed:] = self._near.co_purchase(moving) * (reach * weights.co_purchase)
            if weights.als:
                found[_BY_VECTOR, fixed:] = self._near.vectors(moving) * (reach * weights.als)
            if steps:
                found[_NEXT, fixed:] = self._near.sequence(moving) * (reach * weights.sequence)
        return found

    @cached_property
    def _first(self) -> dict[int, int]:
        """Places of the items that come first."""
        return dict(zip(self.order[:_FIRST].tolist(), self._places[:_FIRST].tolist(), strict=True))

    @cached_property
    def _every(self) -> dict[int, int]:
        """Places of all items."""
        return dict(zip(self._at.tolist(), range(len(self._at)), strict=True))

    def describe(self, index: int) -> Described:
        """See Ranked."""
        place = self._first.get(index)
        if place is None:
            place = self._every[index]
        score = float(self._total[place])
        rows = self._listed.rows if place < len(self._listed) else None
        row = -1 if rows is None else self._listed.places[place]
        moves: list[float] = [] if self._near is None else self._moved[:, place].tolist()
        parts = self._parts(rows, row, score, moves) if self._whole else {}
        most = max(moves, default=0.0)
        if most > 0 and most > (0.0 if rows is None else rows.strongest_of(row)):
            return Described(score, *self._near_to(index, moves.index(most), parts))
        if rows is None:
            return Described(score, NOT_LISTED, "Not in the list, and near to nothing in it", None, parts, [])
        probability, code, reason = rows.reason_of(row)
        evidence = rows.evidence_of(row) if self._whole else []
        return Described(score, code, reason, None if any(moves) else probability, parts, evidence)

    def _parts(self, rows: Rows | None, row: int, score: float, moves: Sequence[float]) -> dict[str, float]:
        parts: dict[str, float] = {}
        if rows is not None:
            parts = rows.parts_of(row)
        elif self._floor:
            parts[NOT_LISTED] = self._floor
        parts |= {self._name + of: part for of, part in zip(_PARTS, moves, strict=False)}
        rest = score - sum(parts.values())
        if abs(rest) > 1e-10:
            parts[REST] = rest
        return parts

    def _near_to(
        self, index: int, kind: int, parts: dict[str, float]
    ) -> tuple[str, str, None, dict[str, float], list[str]]:
        """What a Described says behind the score where an item is near to some, most by a kind."""
        assert self._near is not None
        behind = self._near.before() if kind == _NEXT else self._near.behind(index)
        names = ", ".join(dict.fromkeys(record.name or record.item_id for record in behind))
        code = self._name + _PARTS[kind]
        reason = _WORDS[self._name][kind].format(names=names) if behind else "Far from what you dislike"
        return code, reason, None, parts, [f"item:{record.item_id}" for record in behind]


def _sorted(key: Floats, items: Ints) -> Ints:
    """Places in order of the key, ties to the lower index."""
    found = np.argsort(key)
    in_order = key[found]
    if (in_order[1:] == in_order[:-1]).any():  # seldom; and to sort by both takes twice as long
        found = np.lexsort((items, key))
    return found
