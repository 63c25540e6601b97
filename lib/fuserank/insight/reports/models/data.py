"""What is known of a trained model, as plain data: it can be filled by a lake or by a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from fuserank.evaluation.paired import Paired
from fuserank.insight.reports.run.data import Training


@dataclass(frozen=True)
class Entry:
    """A trained model in one line.

    ``rows``: of training. ``valid_loss`` (nats a row) and ``valid_ndcg``: on the days before as_of, at the weights that
    were kept. ``size``: bytes of its weights; None: the file is gone. ``replaced``: a rerun of the same day has put
    another model of its kind into its place.
    """

    model_id: str
    kind: str
    as_of: dt.date
    run_id: str
    rows: int
    valid_loss: float
    valid_ndcg: float | None
    size: int | None
    alias: str | None = None
    replaced: bool = False


@dataclass(frozen=True)
class Judged:
    """One number of an evaluation of the model alone, with its 95 % interval over users, and the paired one of it
    minus the fusion, where there are such.
    """

    as_of: dt.date
    track: str
    metric: str
    value: float
    low: float | None
    high: float | None
    minus_fusion_low: float | None
    minus_fusion_high: float | None


@dataclass(frozen=True)
class ModelCard:
    """All that is known of a model.

    ``settings``: by dotted name, of the model, its training and the seed. ``columns``: names by group (numeric,
    categorical, history), as the model reads them. ``left_out``: columns that it would read, and that held one value.
    ``over_champion``: the model against the ``champion`` of its kind, on the same users; None: it is the one, or there
    is none.
    """

    entry: Entry
    label: str
    sha256: str
    trained_at: dt.datetime | None
    git_revision: str | None
    table_versions: Mapping[str, int]
    settings: Mapping[str, Any]
    columns: Mapping[str, list[str]]
    left_out: list[str]
    users: int | None
    curves: Training
    judged: list[Judged]
    unknown: list[str] = field(default_factory=list)
    champion: str | None = None
    over_champion: list[Paired] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Pair:
    """One number of two models side by side; None where one of them was not judged so."""

    as_of: dt.date
    track: str
    metric: str
    first: Judged | None
    second: Judged | None


@dataclass(frozen=True)
class Sides:
    """Two models side by side; ``paired``: on the same users, by day and track, the newest day first."""

    first: ModelCard
    second: ModelCard
    paired: list[Paired] = field(default_factory=list)

    def settings(self) -> list[tuple[str, Any, Any]]:
        """Settings that differ: name, value of the first, of the second; None where one does not have it."""
        a, b = self.first.settings, self.second.settings
        return [(n, a.get(n), b.get(n)) for n in sorted({*a, *b}) if a.get(n) != b.get(n)]

    def columns(self) -> tuple[list[str], list[str]]:
        """Columns that only the first reads, and only the second."""
        a, b = (
            {f"{group} {n}" for group, names in c.columns.items() for n in names} for c in (self.first, self.second)
        )
        return sorted(a - b), sorted(b - a)

    def metrics(self) -> list[Pair]:
        """Numbers of either, by day, track and metric in the order of the first."""
        a, b = ({(j.as_of, j.track, j.metric): j for j in c.judged} for c in (self.first, self.second))
        return [Pair(*key, a.get(key), b.get(key)) for key in dict.fromkeys([*a, *b])]

    def why_not_paired(self) -> list[str]:
        """Why no interval of one minus the other stands here, or not of every day and track; empty: it does."""
        found = [f"as of {p.as_of}, track {p.track}: {p.why_not}" for p in self.paired if p.why_not]
        if self.paired:
            return found
        if not any(p.first and p.second for p in self.metrics()):
            return ["no evaluation judged both models on the same day: nothing says which one is better"]
        return [
            "the evaluations left no values by user of both, so there is no paired interval of one model minus the"
            " other: evaluation.by_user was off, or they are of an older fuserank; evaluate again"
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        only_first, only_second = self.columns()
        return {
            "first": asdict(self.first.entry),
            "second": asdict(self.second.entry),
            "settings": [{"name": n, "first": a, "second": b} for n, a, b in self.settings()],
            "columns": {"only_first": only_first, "only_second": only_second},
            "table_versions": {"first": dict(self.first.table_versions), "second": dict(self.second.table_versions)},
            "metrics": [asdict(p) for p in self.metrics()],
            "paired": [asdict(p) for p in self.paired if p.rows],
            "why_not_paired": self.why_not_paired(),
        }


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted name; an empty section is one, too."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
