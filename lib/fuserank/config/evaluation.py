"""Settings of the evaluation."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section


class EvaluationConfig(Section):
    """How lists are judged. The lists are 10 long: the metrics' names say so."""

    users: int = Field(
        100_000,
        ge=1,
        description=(
            "users with truth, at most, whose lists are judged (drawn by hash; about 1.4 kB each comes to the driver)"
        ),
    )
    resamples: int = Field(1000, ge=10, description="bootstrap resamples of users")
    confidence: float = Field(0.95, gt=0, lt=1, description="mass of the intervals")
    head_share: float = Field(
        0.8,
        gt=0,
        lt=1,
        description="share of purchases before as_of that the head makes up; all other items are the long tail",
    )
    ablation: bool = Field(
        True,
        description=(
            "fit and judge the fusion again without each source to say what it is worth, and what the sources find as a"
            " set; of at most fusion.fit_users users"
        ),
    )
    by_user: bool = Field(
        True,
        description=(
            "keep what was found of each judged user in evaluation.by_user, by which models and runs are compared on"
            " the same users"
        ),
    )
    ece_bins: int = Field(15, ge=2, description="equal-mass bins of the expected calibration error")
    curve_shares: tuple[float, ...] = Field(
        (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        description="shares of the items, most bought first, at which the long-tail curve is taken",
    )
    report_users: int = Field(10, ge=1, description="users shown side by side in the report")
    report_history: int = Field(10, ge=1, description="items of their history that the report shows")
