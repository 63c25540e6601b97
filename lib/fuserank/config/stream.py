"""Settings of the stream of events into silver."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from fuserank.config import secrets
from fuserank.config.base import Section


class StreamConfig(Section):
    """What `fuserank stream` reads, how much at once, and when it ends."""

    source: Literal["inbox", "kafka"] = Field(
        "inbox", description="inbox: segments of the collector as they become whole; kafka: topics, by way of the inbox"
    )
    once: bool = Field(False, description="take what is there now, then end")
    seconds: float = Field(0, ge=0, description="end after so long; 0: when it is told to, by SIGTERM (seconds)")
    trigger_seconds: float = Field(2, ge=0, description="pause between the starts of two micro-batches (seconds)")
    most_bytes: int = Field(
        32_000_000, ge=1_000, description="segments that a micro-batch takes at once, by their size (bytes)"
    )
    most_events: int = Field(100_000, ge=1, description="records of Kafka that a micro-batch takes at once (count)")
    renew_users: int = Field(
        0,
        ge=0,
        description=(
            "lists that are made anew at a time, of users whose events came since the snapshot in the online store; 0:"
            " none, lists change with the next refresh alone. Needs the extras serve and train (users)"
        ),
    )
    checkpoint: str | None = Field(
        None,
        description="folder or URL that keeps how far it came; default: stream/<dataset>-<source> in the lake's root",
    )
    servers: str | None = Field(None, description="Kafka's bootstrap servers: host:9092,…")
    topics: dict[str, str] = Field(
        {}, description="table of the mapping → the topic with its events; a table that is not named: of its own name"
    )
    kafka: dict[str, str] = Field(
        {}, description="more options of Kafka's client, as security.protocol; no secrets: those in its own JAAS file"
    )

    @field_validator("kafka")
    @classmethod
    def _holds_no_secret(cls, values: dict[str, str]) -> dict[str, str]:
        wrong = [found for key, value in values.items() if (found := secrets.problem(key, value))]
        if wrong:
            raise ValueError("; ".join(wrong))
        return values
