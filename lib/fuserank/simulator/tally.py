"""What a replay counts: events, answers, how soon and how quickly, what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.simulator.quality import Judged, quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuserank.client import ServiceError
    from fuserank.serving.requests import Collected


@dataclass
class Tally:
    """Numbers of one replay.

    :ivar fresh: seconds from an event to the first answer that differs; ``unchanged``: of events where none did
    :ivar latency: seconds of each answer
    :ivar behind: seconds that the latest visit began too late
    """

    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    unchanged: int = 0
    visits: int = 0
    behind: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    served_from: Counter[str] = field(default_factory=Counter)
    fresh: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    unlisted: int = 0

    def collected(self, sent: int, what: Collected) -> None:
        """Events that were answered."""
        self.sent += sent
        self.accepted += what.accepted
        self.duplicates += len(what.duplicates)
        self.refused.update(one.rule for one in what.refused)

    def failed(self, sent: int, problem: ServiceError) -> None:
        """A request that was not answered, with so many events."""
        self.sent += sent
        self.errors[f"{problem.status} {problem.code}"] += 1

    def line(self) -> str:
        """Where it is, in words."""
        errors = f", {sum(self.errors.values()):,} errors" if self.errors else ""
        return f"{self.visits:,} visits, {self.sent:,} events, {len(self.latency):,} answers{errors}"

    def as_dict(self, seed: int) -> dict[str, Any]:
        """Plain values, for JSON; times in seconds and milliseconds."""
        return {
            "visits": self.visits,
            "events": {
                "sent": self.sent,
                "accepted": self.accepted,
                "duplicates": self.duplicates,
                "refused": dict(sorted(self.refused.items())),
            },
            "answers": len(self.latency),
            "served_from": dict(sorted(self.served_from.items())),
            "errors": dict(sorted(self.errors.items())),
            "behind_s": round(self.behind, 3),
            "freshness_s": {"events": len(self.fresh), "unchanged": self.unchanged}
            | _quantiles(self.fresh, {"p50": 0.5, "p95": 0.95}, 1.0),
            "latency_ms": _quantiles(self.latency, {"p50": 0.5, "p99": 0.99}, 1000.0),
            "quality": quality(self.judged, seed) | {"visits_of_users_without_a_list": self.unlisted},
        }


def _quantiles(values: Sequence[float], of: dict[str, float], scale: float) -> dict[str, float]:
    if not values:
        return {}
    return {name: round(float(np.quantile(values, share)) * scale, 4) for name, share in of.items()}
