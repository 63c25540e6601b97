"""Settings of what becomes visible."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section


class PublishConfig(Section):
    """When a ranking becomes the one that readers follow, and which one."""

    auto: bool = Field(
        True,
        description=(
            "a refresh publishes the ranking that it made, where it is not of an earlier day than the published one and"
            " loses no more users than max_lost_share"
        ),
    )
    run: str | None = Field(
        None,
        description=(
            "the run whose ranking is published, or that a rollback goes back to; null: the newest ranking as of"
            " as_of, and for a rollback what was published before"
        ),
    )
    max_lost_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="share of the users of the published ranking that the next one may lack; 1: all of them",
    )
    sample_users: int = Field(
        20,
        ge=0,
        le=1000,
        description=(
            "users drawn by hash whose features, samples and scores are worked out again, each user by itself, before"
            " a ranking is published, and whose lists the service has to answer as they were ranked before a snapshot"
            " of the online store is switched to; where one differs neither is done; 0: nobody's"
        ),
    )
    keep: int = Field(
        3, ge=1, description="published rankings of a surface, newest first, whose files `fuserank vacuum` leaves"
    )
