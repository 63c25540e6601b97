"""Settings of the recommend service."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.base import Section
from fuserank.config.collect import CollectConfig


class ServingConfig(Section):
    """What `fuserank serve` answers by, and its limits."""

    rules: str | None = Field(
        None, description="file of the rules of all answers: what never comes, is pinned or capped"
    )
    keys: str | None = Field(
        None, description="file of the hashes of API keys (`fuserank serve-key`); YAML, or JSON where it ends in .json"
    )
    inbox: str | None = Field(
        None, description="folder that answers leave their exposures in, for `bronze` to take in; null: LAKE/inbox"
    )
    shown_by: Literal["answer", "client"] = Field(
        "answer",
        description="answer: all that is answered counts as seen; client: what POST /v1/exposures says was seen",
    )
    inbox_bytes: int = Field(16_000_000, ge=1_000, description="size at which a segment of the inbox is closed (bytes)")
    inbox_seconds: float = Field(
        300,
        gt=0,
        le=1800,
        description="age at which a segment is closed, so that bronze takes it in (seconds)",
    )
    inbox_days: float = Field(
        7, ge=0, description="age at which `bronze` takes a segment whose lines it has out of the folder (days)"
    )
    sync_seconds: float = Field(0.05, gt=0, description="pause between two commits of exposures to disk (seconds)")
    stale_hours: float = Field(
        48,
        gt=0,
        description="age of a snapshot beyond which it is stale, as /ready, the log and the metrics then say (hours)",
    )
    when_stale: Literal["ready", "unready"] = Field(
        "ready",
        description="what /ready says then; ready: 200 with stale true, so that old lists still answer; unready: 503,"
        " where there is another place for traffic to go",
    )
    refresh_seconds: float = Field(5, gt=0, description="how often it looks for another snapshot (seconds)")
    rate: float = Field(200, gt=0, description="requests a second that a key may send for long (count)")
    burst: int = Field(400, ge=1, description="requests that a key may send at once (count)")
    most_body_bytes: int = Field(1_000_000, ge=1_000, description="bytes of a request's body at most")
    most_header_bytes: int = Field(32_768, ge=1_000, description="bytes of a request's line and headers at most")
    most_connections: int = Field(1_000, ge=1, description="open connections of a process; more are refused (count)")
    request_seconds: float = Field(
        10, gt=0, description="time that a client has to send its headers, and again its body (seconds)"
    )
    keep_alive_seconds: float = Field(60, gt=0, description="how long an idle connection stays open (seconds)")
    shutdown_seconds: float = Field(
        30, gt=0, description="time that answers under way have after SIGTERM, before they are cut off (seconds)"
    )
    collect: CollectConfig = CollectConfig()
