"""Candidates as a set: what the union of the sources' lists finds of a truth, and how
deep to read each source under a budget.

Shapes: N listed rows (a source's list of a user at a rank), P distinct pairs of
user and item among them, U users, B bands.

The choice is greedy: among all longer prefixes of all sources of all segments, the one with most new value for each
new pair of user and item (Nemhauser, Wolsey and Fisher 1978 for the cover; the ratio as in Sviridenko 2004 for a
budget). Looking at all longer prefixes and not at the next band alone, a source whose first ranks repeat what others
have is judged by what follows. What finds and what costs are both counted without repetition, so there is no proven
bound; tests hold it to an exhaustive search. At the end each source is left out once and its room filled again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.common.lookup import locate

Ints = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Quotas = dict[str, int]  # source → ranks of it that are taken


class Listed(NamedTuple):
    """One source's lists: user, item and rank from 1 (n,), each pair of user and item once."""

    user: Ints
    item: Ints
    rank: Ints


@dataclass(frozen=True)
class Hits:
    """The lists of some users, judged. ``pair`` and ``rank`` (n,) by source; ``value_P``: what
    finding a pair is worth, 0 where it is not true; ``users``: how many there are, with a list or
    without; ``total``: value of all that is true.
    """

    pair: dict[str, Ints]
    rank: dict[str, Ints]
    value_P: Floats
    users: int
    total: float

    @classmethod
    def of(
        cls, lists: Mapping[str, Listed], truth_user_T: Ints, truth_item_T: Ints, users_U: Ints, per_user: bool = True
    ) -> Hits:
        """Of ``users_U`` alone (ascending). ``truth``: true pairs, each once; those of no list count in ``total``.

        ``per_user``: a hit is worth 1 / the user's true pairs, so value / total is recall as a mean over users with
        truth; else each is worth 1 and it is the share of all true pairs.
        """
        line_T, of_these = locate(users_U, truth_user_T)
        line_T, truth_item_T = line_T[of_these], truth_item_T[of_these]
        selected = {}
        for name, (user, item, rank) in lists.items():
            line, known = locate(users_U, user)
            selected[name] = line[known].astype(np.int64), item[known], rank[known]
        span = 1 + max(
            [int(truth_item_T.max(initial=0)), *(int(item.max(initial=0)) for _, item, _ in selected.values())]
        )
        key = {name: line * span + item for name, (line, item, _) in selected.items()}
        every = np.unique(np.concatenate([np.empty(0, np.int64), *key.values()]))
        truth = np.sort(line_T.astype(np.int64) * span + truth_item_T)
        hit_P = locate(truth, every)[1]
        true_U = np.bincount(line_T, minlength=len(users_U))
        worth_U = 1.0 / np.maximum(true_U, 1) if per_user else np.ones(len(users_U))
        return cls(
            {name: np.searchsorted(every, one) for name, one in key.items()},
            {name: np.asarray(rank) for name, (_, _, rank) in selected.items()},
            np.where(hit_P, worth_U[every // span], 0.0),
            len(users_U),
            float(np.count_nonzero(true_U) if per_user else len(truth)),
        )

    def taken(self, quotas: Mapping[str, int]) -> npt.NDArray[np.bool_]:
        """Which pairs (P,) the union has; a source without a quota gives nothing."""
        union_P = np.zeros(len(self.value_P), bool)
        for name, quota in quotas.items():
            union_P[self.pair[name][self.rank[name] <= quota]] = True
        return union_P


@dataclass(frozen=True)
class Union:
    """recall: value found / value of all that is true; a_user: distinct candidates
    of a user, as a mean over all users.
    """

    recall: float
    a_user: float
    pairs: int


def union(hits: Mapping[str, Hits], quotas: Mapping[str, Mapping[str, int]]) -> Union:
    """What the quotas of each segment find together."""
    taken = {name: one.taken(quotas.get(name, {})) for name, one in hits.items()}
    found = sum(float(one.value_P[taken[name]].sum()) for name, one in hits.items())
    pairs = sum(int(np.count_nonzero(one)) for one in taken.values())
    total, users = sum(one.total for one in hits.values()), sum(one.users for one in hits.values())
    return Union(found / total if total else 0.0, pairs / users if users else 0.0, pairs)


@dataclass(frozen=True)
class Share:
    """One source beside the others. rows, hits: pairs and true pairs of it; unique_hits: true pairs that no other
    source has; overlap: the part of its pairs that each other source has too.
    """

    source: str
    rows: int
    hits: int
    unique_hits: int
    overlap: dict[str, float]


def overlap(hits: Hits, quotas: Mapping[str, int]) -> list[Share]:
    """Of the sources with a quota, each read to its own, in the order of ``quotas``."""
    has = {name: hits.taken({name: quota}) for name, quota in quotas.items()}
    sources_P = np.zeros(len(hits.value_P), np.int32)
    for one in has.values():
        sources_P += one
    true_P = hits.value_P > 0
    shares = []
    for name, mine in has.items():
        rows = int(np.count_nonzero(mine))
        others = {o: int(np.count_nonzero(mine & its)) / rows if rows else 0.0 for o, its in has.items() if o != name}
        alone = int(np.count_nonzero(mine & true_P & (sources_P == 1)))
        shares.append(Share(name, rows, int(np.count_nonzero(mine & true_P)), alone, others))
    return shares


@dataclass(frozen=True)
class Step:
    """One choice: the segment's source is from now on read to ``quota``; recall and a_user of everything after it."""

    segment: str
    source: str
    quota: int
    recall: float
    a_user: float


@dataclass
class Choice:
    """quotas by segment and source (0: not taken), and how they came about."""

    quotas: dict[str, Quotas]
    steps: list[Step] = field(default_factory=list)

    def as_setting(self) -> dict[str, Quotas]:
        """What ``candidates.segments.quotas`` takes: without the sources that give nothing."""
        return {segment: {s: quota for s, quota in taken.items() if quota} for segment, taken in self.quotas.items()}


def greedy(hits: Mapping[str, Hits], budget: float, band: int = 25, least: Mapping[str, int] | None = None) -> Choice:
    """Quotas of each segment's sources, in multiples of ``band``, with at most ``budget`` distinct candidates a user
    as a mean over the users of all segments: one that finds more for each candidate is read deeper. A budget for each
    segment alone is a call for each. Ends where nothing more fits or nothing more is found. Ties go to the segment,
    then the source, that is named first, then to the shorter prefix.

    A source that was taken first may find nothing that those taken after it do not. So in the end each is left out
    once and its room filled again; where that finds more, the best of these is gone on from.

    ``least``: what every segment keeps of a source, whatever it finds; it counts against the budget.

    Raises FuserankError where the budget or the band is not positive.
    """
    if budget <= 0 or band < 1:
        raise FuserankError(f"budget {budget} and band {band}: both must be positive")
    plan, minimum = _Plan(hits, budget, band), dict(least or {})
    best = plan.filled(Choice({name: {n: minimum.get(n, 0) for n in one.pair} for name, one in hits.items()}))
    while True:
        taken = [
            (s, n) for s, quotas in best.quotas.items() for n, quota in quotas.items() if quota > minimum.get(n, 0)
        ]
        others = [plan.filled(plan.filled(plan.without(best, *one, minimum.get(one[1], 0)), but=one)) for one in taken]
        better = max(others, key=plan.found, default=best)
        if plan.found(better) <= plan.found(best) * (1 + 1e-9):
            return best
        best = better


class _Plan:
    def __init__(self, hits: Mapping[str, Hits], budget: float, band: int) -> None:
        self.hits, self.band = hits, band
        self.total, self.users = (sum(getattr(one, of) for one in hits.values()) for of in ("total", "users"))
        self.limit = int(budget * self.users)

    def found(self, choice: Choice) -> float:
        return union(self.hits, choice.quotas).recall

    def without(self, choice: Choice, segment: str, source: str, least: int) -> Choice:
        quotas = {**choice.quotas, segment: {**choice.quotas[segment], source: least}}
        whole = union(self.hits, quotas)
        return Choice(quotas, [*choice.steps, Step(segment, source, least, whole.recall, whole.a_user)])

    def filled(self, choice: Choice, but: tuple[str, str] | None = None) -> Choice:
        """The choice, and after it what finds most for each candidate more, until the limit.
        ``but``: segment and source that are not taken.
        """
        state = {name: _Segment(one, choice.quotas[name], self.band) for name, one in self.hits.items()}
        made = Choice({name: dict(quotas) for name, quotas in choice.quotas.items()}, list(choice.steps))
        pairs = sum(int(np.count_nonzero(one.covered_P)) for one in state.values())
        found = sum(float(one.value_P[one.covered_P].sum()) for one in state.values())
        while True:
            offers = [
                (o, name)
                for name, one in state.items()
                if (o := one.best(self.limit - pairs, but[1] if but and but[0] == name else None)) is not None
            ]
            if not offers:
                return made
            offer, name = max(offers, key=lambda o: o[0].density)  # the first of equals
            state[name].take(offer)
            found, pairs = found + offer.gain, pairs + offer.cost
            made.quotas[name][offer.source] = offer.bands * self.band
            made.steps.append(Step(name, offer.source, offer.bands * self.band, found / self.total, pairs / self.users))


class _Offer(NamedTuple):
    density: float
    gain: float
    cost: int
    source: str
    bands: int


class _Segment:
    """What is not covered yet of each source, and the best that it has to add."""

    def __init__(self, hits: Hits, quotas: Quotas, band: int) -> None:
        self.value_P, self.covered_P = hits.value_P, hits.taken(quotas)
        self.left = {name: (pair, (hits.rank[name] - 1) // band) for name, pair in hits.pair.items()}
        self._leave_covered()
        self.bands = {name: quota // band for name, quota in quotas.items()}
        self.sums: dict[str, tuple[Floats, Ints]] = {}

    def best(self, limit: int, but: str | None) -> _Offer | None:
        """Of all longer prefixes that cost no more than ``limit`` and find something, of all sources ``but`` one."""
        found = None
        for name in self.left:
            if name == but:
                continue
            gain_B, cost_B = self._sums(name)
            density_B = np.where(cost_B <= limit, gain_B / np.maximum(cost_B, 1), 0.0)
            if not density_B.any():  # nothing fits, or nothing is found
                continue
            at = int(density_B.argmax())
            if found is None or density_B[at] > found.density:
                bands = self.bands[name] + at + 1
                found = _Offer(float(density_B[at]), float(gain_B[at]), int(cost_B[at]), name, bands)
        return found

    def take(self, offer: _Offer) -> None:
        pair, band = self.left[offer.source]
        self.covered_P[pair[band < offer.bands]] = True
        self.bands[offer.source] = offer.bands
        self._leave_covered()
        self.sums.clear()

    def _leave_covered(self) -> None:
        for name, (pair, band) in self.left.items():
            new = ~self.covered_P[pair]
            self.left[name] = pair[new], band[new]

    def _sums(self, name: str) -> tuple[Floats, Ints]:
        """Value and count of the new pairs in the next band, the next two, … (B,)."""
        if name not in self.sums:
            pair, band = self.left[name]
            more = band - self.bands[name]
            self.sums[name] = np.cumsum(np.bincount(more, self.value_P[pair])), np.cumsum(np.bincount(more))
        return self.sums[name]


def segments(baskets_U: Ints, new: int, heavy: int) -> npt.NDArray[np.str_]:
    """``new`` of at most so many distinct baskets, ``heavy`` of more than so many, ``light`` between (U,)."""
    return np.select([baskets_U <= new, baskets_U > heavy], ["new", "heavy"], "light")
