"""Settings of the collector of events, and of the sessions that it makes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fuserank.config.base import Section


class CollectConfig(Section):
    """What `fuserank serve --collect` takes of events (POST /v1/events), and how long they move lists by themselves."""

    on: bool = Field(False, description="events are taken, by the mapping of `dataset`; needs an inbox")
    most_per_user: int = Field(
        600,
        ge=0,
        description="events a minute that a process takes of one user, lest it be a bot; 0: any number (count)",
    )
    skew_seconds: float = Field(
        60, ge=0, description="how far ahead of the service's clock an event's time may be (seconds)"
    )
    ids: int = Field(
        1 << 22,
        ge=1_000,
        description="ids of events that it knows again, 16 bytes of disk each; with more, the oldest go (count)",
    )
    ids_days: float = Field(7, gt=0, le=365, description="age at which an id counts no more (days)")
    sync_seconds: float = Field(0.005, gt=0, description="pause between two commits of events to disk (seconds)")
    rate: float = Field(5_000, gt=0, description="requests with events a second that a key may send for long (count)")
    burst: int = Field(10_000, ge=1, description="requests with events that a key may send at once (count)")
    most_page_bytes: int = Field(
        65_536, ge=1_000, description="bytes of a body that a page sends by a public key, at most (bytes)"
    )
    most_waiting: int = Field(
        50_000, ge=1, description="events that wait for the disk; with more, requests are refused by 429 (count)"
    )
    look_seconds: float = Field(
        0.2, gt=0, description="how often a process looks for events that others took (seconds)"
    )
    keep_hours: float = Field(
        24, gt=0, description="age at which an event moves no list by itself; by then a refresh has it (hours)"
    )
    replay_bytes: int = Field(
        64_000_000, ge=0, description="of the inbox that a start reads for sessions, the newest (bytes)"
    )
    half_life_minutes: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {"default": 30.0}, description="surface → minutes in which an event's weight halves; default: of the others"
    )
    trending_half_life_minutes: float = Field(
        15, gt=0, le=1440, description="after so long an event counts half in what is trending (minutes)"
    )
    dwell_seconds: float = Field(
        0, ge=0, description="a view that was left sooner counts nothing; 0: all count (seconds)"
    )
    kinds: dict[str, Literal["view", "click", "cart", "purchase", "dislike", "neutral"]] = Field(
        {},
        description="event type → what a session takes it for; else its name, or by its reward: above 0 as click, below"
        " as dislike",
    )
    most_deeds: int = Field(50, ge=1, le=1_000, description="events of one user that are held (count)")
    most_events: int = Field(
        200_000, ge=1, description="events of all users that are held, some 40 MB; the least recent users go (count)"
    )
