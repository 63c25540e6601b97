"""Settings of the rules that whole tables must keep, checked between silver and features."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from fuserank.config.base import Section


class Limits(Section):
    """From where on a rule is broken, as a warning and as an error; null: never.

    What the numbers mean stands at the rule.
    """

    warning: float | None = Field(None, ge=0, description="beyond it: a line in the report and at the run's end")
    error: float | None = Field(
        None, ge=0, description="beyond it: the run stops before features and models are touched"
    )


class QualityConfig(Section):
    """Errors are what is certainly wrong; all that may be the shop's own way is a warning."""

    events: Limits = Field(Limits(error=1), description="fewer events than that before as_of (count)")
    days: Limits = Field(Limits(error=2), description="events on fewer days than that: a time that was not read (days)")
    items: Limits = Field(Limits(error=2), description="fewer items than that with an event: nothing to rank (count)")
    quarantined: Limits = Field(
        Limits(warning=0.01, error=0.5), description="a larger share of a source table's rows is in quarantine, open"
    )
    keys: Limits = Field(Limits(error=0), description="more rows than that repeat a key of a table (count)")
    references: Limits = Field(Limits(warning=0.05), description="a larger share of rows names what its table lacks")
    freshness: Limits = Field(Limits(warning=7), description="the last event is more days before as_of (days)")
    volume: Limits = Field(
        Limits(warning=2), description="the last 7 days' events are so many times more or fewer than expected (ratio)"
    )
    one_user: Limits = Field(Limits(warning=0.2), description="a larger share of the last events is of one user")
    one_item: Limits = Field(Limits(warning=0.5), description="a larger share of the last events is of one item")
    drift: Limits = Field(
        Limits(warning=0.25), description="a larger PSI of the last days against those before, and larger than chance"
    )
    window_days: int = Field(
        28, ge=1, description="the last events: of so many days before as_of; PSI: and those before"
    )
    least_events: int = Field(1000, ge=1, description="events that a window needs before shares and PSI are judged")
    weeks: int = Field(8, ge=1, description="earlier weeks whose median a week's events are expected to be")
    least_weeks: int = Field(4, ge=1, description="earlier weeks with events that it takes to expect anything")

    @model_validator(mode="before")
    @classmethod
    def _keep_the_other_limit(cls, rules: Any) -> Any:
        """A rule that is told one limit keeps the other: ``freshness: {error: 30}`` still warns from 7 on."""
        if not isinstance(rules, dict):
            return rules
        defaults = {n: f.default.model_dump() for n, f in cls.model_fields.items() if isinstance(f.default, Limits)}
        return {k: {**defaults[k], **v} if k in defaults and isinstance(v, dict) else v for k, v in rules.items()}
