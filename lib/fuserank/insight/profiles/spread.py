"""How counts are spread over users or items: quantiles, top shares, Gini; exact, from a histogram of counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

QUANTILES = (0, 10, 25, 50, 75, 90, 99, 100)  # per cent
TOPS = (1, 10, 20)  # per cent of the users or items
CURVE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Spread:
    """How events spread over the users, or over the items, that have any.

    ``quantiles``: per cent → the smallest count that so many have at most (nearest rank). ``tops``: per cent of the
    users or items, the busiest first → their share of the events. ``curve``: the same as points. ``gini``: 0 where all
    have equally many, towards 1 where one has all.
    """

    entities: int
    events: int
    quantiles: dict[int, int]
    tops: dict[int, float]
    curve: list[tuple[float, float]]
    gini: float

    @property
    def mean(self) -> float:
        """Events an entity, of those that have any."""
        return self.events / self.entities


def spread(histogram: Mapping[int, int]) -> Spread | None:
    """From count → how many users or items have it; None where nobody has any."""
    counts = sorted((k, n) for k, n in histogram.items() if k > 0 and n > 0)
    if not counts:
        return None
    entities, events = sum(n for _, n in counts), sum(k * n for k, n in counts)
    return Spread(
        entities,
        events,
        {q: _nearest_rank(counts, -(-q * entities // 100)) for q in QUANTILES},
        {p: _top(counts, -(-p * entities // 100)) / events for p in TOPS},
        [(c, _top(counts, max(1, round(c * entities))) / events) for c in CURVE if c * entities >= 1],
        _gini(counts, entities, events),
    )


def _nearest_rank(counts: list[tuple[int, int]], rank: int) -> int:
    seen = 0
    for k, n in counts:
        seen += n
        if seen >= rank:
            return k
    return counts[-1][0]


def _top(counts: list[tuple[int, int]], entities: int) -> int:
    """Events of so many of the busiest."""
    events = 0
    for k, n in reversed(counts):
        taken = min(n, entities)
        events, entities = events + k * taken, entities - taken
    return events


def _gini(counts: list[tuple[int, int]], entities: int, events: int) -> float:
    """Σᵢ (2i − n − 1) xᵢ / (n Σ x) over ascending xᵢ, i from 1 (Sen 1973); i sums over equal counts in one step."""
    total, before = 0, 0
    for k, n in counts:
        total += k * (n * (2 * before + n + 1) - n * (entities + 1))
        before += n
    return float(Fraction(total, entities * events))
