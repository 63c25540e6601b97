"""What the report shows, as plain data: it can be filled by a job or by a test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fuserank.evaluation.outcomes import Outcomes
from fuserank.insight.reports.run.rules_data import RulesView


@dataclass(frozen=True)
class Quality:
    """NDCG@10 of one source on one track, with its interval and the paired interval of it minus the fusion."""

    track: str
    source: str
    ndcg: float
    low: float
    high: float
    minus_fusion_low: float
    minus_fusion_high: float


@dataclass(frozen=True)
class CalibrationBin:
    """One equal-mass bin of predicted probabilities."""

    source: str
    predicted: float
    observed: float
    rows: int


@dataclass(frozen=True)
class HeadPoint:
    """Share of a source's lists taken up by the most bought ``item_share`` of the items."""

    source: str
    item_share: float
    list_share: float


@dataclass(frozen=True)
class Validation:
    """Where training stood at a step: losses in nats per row, NDCG@10 on the stopping window where it was taken."""

    step: int
    epoch: int
    train_loss: float
    valid_loss: float
    valid_ndcg: float | None = None


@dataclass(frozen=True)
class Training:
    """Loss of single steps (step, nats per row), and what the validations between them found."""

    steps: list[tuple[int, float]] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)

    @classmethod
    def of(cls, curves: Mapping[str, Any]) -> Training:
        """From what stands in curves.json beside a model: ``steps`` and ``validations``."""
        return cls(
            [(s["step"], s["loss"]) for s in curves["steps"]],
            [
                Validation(v["step"], v["epoch"], v["train_loss"], v["valid_loss"], v.get("valid_ndcg@10"))
                for v in curves["validations"]
            ],
        )


@dataclass(frozen=True)
class Bought:
    """An item of a user's history."""

    name: str
    times: int
    last: dt.date


@dataclass(frozen=True)
class Recommended:
    """An item of a user's list; ``hit`` says whether it was bought in the window, None where that is not known."""

    rank: int
    name: str
    probability: float
    reason: str
    parts: dict[str, float]
    hit: bool | None


@dataclass(frozen=True)
class UserView:
    """One user: what was bought before as_of, and what is recommended as of it."""

    user: str
    history: list[Bought]
    recommended: list[Recommended]


@dataclass(frozen=True)
class Worth:
    """NDCG@10 of the fusion with and without one source, the paired interval of the gain,
    and the source's cost where it is known.
    """

    track: str
    source: str
    without: float
    gain: float
    low: float
    high: float
    seconds: float | None = None
    peak_mb: float | None = None


@dataclass(frozen=True)
class SourceSet:
    """What one source, or the ``union`` of all, finds of a segment's true pairs.

    ``a_user``: mean number of candidates of a user. ``recall``: mean over users. ``unique``: share of the true pairs
    that no other source finds. ``overlap``: of its pairs with each other source.
    """

    segment: str
    source: str
    users: int
    a_user: float
    recall: float
    unique: float
    overlap: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class NearItems:
    """An item by name and those whose vectors are nearest to its, with their cosines, by the vectors of ``source``."""

    item: str
    source: str
    near: list[tuple[str, float]]


@dataclass(frozen=True)
class ReportData:
    """All that out/report.html shows. Empty parts are left out of the page with a line that says why."""

    as_of: dt.date
    dataset: str
    run_id: str
    protocol: str
    # track → users, items, true_pairs, users_with_truth
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    quality: list[Quality] = field(default_factory=list)
    ece: dict[str, float] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    calibration: list[CalibrationBin] = field(default_factory=list)
    head: list[HeadPoint] = field(default_factory=list)
    training: dict[str, Training] = field(default_factory=dict)  # by model
    stage_seconds: dict[str, float] = field(default_factory=dict)
    users: list[UserView] = field(default_factory=list)
    rows_written: dict[str, int] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # what other pages are called → their files beside this one
    users_page: str = ""  # the file with the profiles of ``users``, in their order
    seconds: float = 0.0  # of the whole run, by the clock
    rules: RulesView = field(default_factory=RulesView)
    worth: list[Worth] = field(default_factory=list)
    sets: list[SourceSet] = field(default_factory=list)
    by_policy: list[Outcomes] = field(default_factory=list)  # by surface and policy, over all days that answers are of
    by_place: list[Outcomes] = field(default_factory=list)
    near: list[NearItems] = field(default_factory=list)  # of the items that most lists begin with
