"""What was done just now, and which items are near to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from fuserank.history.signals import TYPES
from fuserank.serving.recommend.step import Path
from fuserank.serving.requests import Refused

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.weights import SessionWeights
    from fuserank.serving.requests import SessionEvent
    from fuserank.serving.store.records import ItemRecord

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

_NOT_NEAR = np.zeros(1)
_NOWHERE = Path()


class Lived(NamedTuple):
    """What a user did, as the collector has it; ``share``: what its age has left of its weight."""

    item: str
    role: Literal["view", "click", "cart", "purchase", "dislike"]
    at: datetime
    share: float


class Done(NamedTuple):
    """What was done just now, by item: ``seeds``: item_index → weight, disliked ones below 0.

    ``collected``: events of it that the collector has. ``path``: all of it but what is disliked.
    """

    seeds: dict[int, float]
    disliked: set[int]
    purchased: set[int]
    unknown: int
    collected: int = 0
    path: Path = _NOWHERE


def done(
    events: Sequence[SessionEvent],
    catalogue: Catalogue,
    weights: SessionWeights,
    now: datetime,
    lived: Sequence[Lived] = (),
) -> Done:
    """A session by items: an event without a time is of now, the others stand in order of theirs.

    A purchase removes an item where it is of today (UTC), has no time, or was collected. Of what the collector has
    an item in one role counts once, and not at all where the request tells it, too.

    :raises Refused: a time is none
    """
    times = [_time(event.at, n, now) for n, event in enumerate(events)]
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if lived:
        known = {(event.item, event.role) for event in events}
        latest = {(one.item, one.role): one for one in lived}
        lived = [one for pair, one in latest.items() if pair not in known]
    acts = [*((one.item, one.role, min(one.at, now), one.share) for one in lived)]
    acts += [(event.item, event.role, at, 1.0) for event, at in zip(events, times, strict=True)]
    seeds: dict[int, float] = {}
    days: dict[int, int] = {}
    types: dict[int, int] = {}
    disliked, purchased, unknown = set[int](), set[int](), set[str]()
    indices = catalogue.indices(item for item, *_ in acts)
    newest_first = sorted(range(len(acts)), key=lambda n: (acts[n][2], n), reverse=True)
    for age, n in enumerate(newest_first):
        item, role, at, share = acts[n]
        index = indices[item]
        if index is None:
            unknown.add(item)
            continue
        if role == "dislike":
            disliked.add(index)
        elif role == "purchase" and (at >= today or n < len(lived)):
            purchased.add(index)
        days.setdefault(index, (at - today).days)
        if role != "dislike":  # of what was done with an item what says most
            types[index] = max(types.get(index, 0), TYPES.index(role))
        if index in seeds or len(seeds) < weights.most:
            weight: float = getattr(weights, role)
            seeds[index] = seeds.get(index, 0.0) + share * weight * 0.5 ** (age / weights.half_life)
    seeds = {index: w for index, w in seeds.items() if w}
    steps = {index: day for index, day in reversed(days.items()) if index not in disliked}
    path = Path(list(steps), list(steps.values()), [types[index] for index in steps])
    return Done(seeds, disliked, purchased, len(unknown), len(lived), path)


def _time(at: str | None, place: int, now: datetime) -> datetime:
    if at is None:
        return now
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        cure = "write ISO 8601, as 2024-06-03T10:00:00Z, or leave it out for now"
        raise Refused(422, "session", f"session[{place}].at {at[:40]!r} is no time; {cure}", "session") from None
    return min(found if found.tzinfo else found.replace(tzinfo=UTC), now)


class Near:
    """How near items are to some others, by co-purchase and by vectors: from -1 to 1, below 0 near to a disliked one;
    and to what comes next after these in order, from 0 to 1.

    By vectors: the vector that a fit of ALS would give a user of these items and weights with all items' vectors fixed
    (ridge regression, solved in as many unknowns as there are items), compared by its cosine, damped for items with
    short vectors. What comes next: by the catalogue's step, where it has one.

    :param path: the items in order; without it nothing comes next
    """

    def __init__(self, seeds: Mapping[int, float], catalogue: Catalogue, ridge: float, path: Path = _NOWHERE) -> None:
        pairs = zip(seeds.items(), catalogue.records(list(seeds)), strict=True)
        self.seeds = [(record, weight) for (_, weight), record in pairs if record is not None]
        self._catalogue = catalogue
        total = sum(abs(weight) for _, weight in self.seeds) or 1.0
        records = [record for record, _ in self.seeds]
        # of all pairs of an item of the session and a neighbour: the neighbour, the similarity, which item it is
        self._pair = np.frombuffer(b"".join([r.neighbours for r in records]), "<i4").astype(np.int64)
        self._similarity = np.frombuffer(b"".join([r.similarities for r in records]), "<f8")
        counts = np.array([len(r.neighbours) // 4 for r in records], np.int64)
        self._seed = np.repeat(np.arange(len(records)), counts)
        each = np.array([weight / total for _, weight in self.seeds], np.float64)
        self._neighbours, self._near = catalogue.table.summed(self._pair, each[self._seed] * self._similarity)
        self.direction = self._fold_in(ridge)
        self._step = catalogue.step
        self._path = _NOWHERE if self._step is None else self._step.known(path)
        self._ahead = None if self._step is None or not self._path.items else self._step.ahead(self._path)

    @property
    def liked(self) -> Ints:
        """Neighbours by co-purchase that are nearer to what was liked than to what was disliked, each once."""
        return self._neighbours[self._near > 0]

    def _fold_in(self, ridge: float) -> Floats | None:
        found = self._catalogue.directions([record.item_index for record, _ in self.seeds])
        if found is None or not self.seeds:
            return None
        weight = np.array([weight for _, weight in self.seeds])
        there = found.any(axis=1)
        found, weight = found[there], weight[there]
        if not len(found):
            return None
        gram = found @ found.T
        gram.flat[:: len(gram) + 1] += ridge * np.abs(weight).max() / np.abs(weight)
        direction = np.linalg.solve(gram, np.sign(weight)) @ found
        length = float(np.sqrt(direction @ direction))
        return direction / length if length > 0 else None

    def co_purchase(self, items: Ints) -> Floats:
        """Similarities of items, weighed by what was done; 0: no neighbour of any."""
        place = self._catalogue.table.places(items, self._neighbours)
        return np.concatenate((self._near, _NOT_NEAR))[place]  # of none, -1, the last one

    def vectors(self, indices: Ints) -> Floats:
        """Damped cosines of items; 0 where there is no vector."""
        if self.direction is None:
            return np.zeros(len(indices))
        return self._catalogue.cosines(indices, self.direction)

    @property
    def has_next(self) -> bool:
        """Whether anything is known of what comes next."""
        return self._ahead is not None

    def sequence(self, items: Ints) -> Floats:
        """How far items are what comes next; 0: not at all, or nothing is known of it."""
        if self._step is None or self._ahead is None:
            return np.zeros(len(items))
        return self._step.scores(items, self._ahead)

    def coming(self, most: int) -> Ints:
        """Items that come next."""
        if self._step is None or self._ahead is None:
            return np.zeros(0, np.int64)
        return self._step.nearest(self._ahead, most)

    def candidates(self, most: int) -> Ints:
        """Items that are near by vectors."""
        return np.zeros(0, np.int64) if self.direction is None else self._catalogue.nearest(self.direction, most)

    def behind(self, index: int, most: int = 3) -> list[ItemRecord]:
        """Of what was liked that which an item is a neighbour of, the strongest first; else the weightiest."""
        pairs = np.flatnonzero(self._pair == index)
        by = []
        for n, similarity in zip(self._seed[pairs].tolist(), self._similarity[pairs].tolist(), strict=True):
            record, weight = self.seeds[n]
            if weight > 0 and similarity > 0:
                by.append((-similarity * weight, -weight, record.item_index, record))
        found = [record for *_, record in sorted(by, key=lambda each: each[:3])[:most]]
        return found or [record for record, _ in self._liked[:most]]

    def before(self, most: int = 3) -> list[ItemRecord]:
        """What comes next comes after these, the latest first."""
        records = self._catalogue.records(self._path.items[: -most - 1 : -1])
        return [record for record in records if record is not None]

    @cached_property
    def _liked(self) -> list[tuple[ItemRecord, float]]:
        """Items with weights above 0, the weightiest first."""
        return sorted((seed for seed in self.seeds if seed[1] > 0), key=lambda seed: (-seed[1], seed[0].item_index))
