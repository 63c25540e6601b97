"""What is asked of the recommend service, and what it answers: the same names in HTTP, in Python and in the docs."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

MOST_K, MOST_EXCLUDED, MOST_CANDIDATES, MOST_SESSION, MOST_CONTEXT = 500, 10_000, 1_000, 200, 16
MOST_EVENTS = 5_000
Id = Annotated[str, Meta(min_length=1, max_length=512)]
Name = Annotated[str, Meta(max_length=64)]
Fill = Literal["never", "segment", "popular"]
ServedFrom = Literal["personal", "session", "segment", "trending", "popular"]
Exposure = Literal["shown", "awaited", "off", "dry_run", "unwritten"]
POPULAR: Final = "popular"  # what is liked by all: a way to fill, what an answer is served from, a reason
SEGMENT: Final = "segment"  # what users of one kind take, the same three
TRENDING: Final = "trending"  # what users do most at this time: what an answer is served from, a reason


class SessionEvent(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a user did just now: the item, its role as in the mapping, and when (ISO 8601; None: now)."""

    item: Id
    role: Literal["view", "click", "cart", "purchase", "dislike"] = "view"
    at: str | None = None


class Options(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Options of every request for items.

    :param k: how many; exactly so many come, or ``short`` says why not
    :param filter: expression over fields of the item (``department == "produce" and price_minor < 500``)
    :param exclude: items that must not come
    :param fill: what may fill up a list that filters made short; ``segment``: what the user's segment takes, then
        popular items
    :param context: what the shop knows of the user, by fields that segments may be of (``{"age": "25-34"}``); what the
        store knows of a user counts before it
    :param fields: fields of items to send along; none: the name alone
    :param cursor: of the answer before: the next items, none of which was in an earlier one
    :param explain: parts, evidence and what every rule took away
    :param dry_run: no exposure is recorded
    """

    k: Annotated[int, Meta(ge=1, le=MOST_K)] = 10
    surface: Annotated[str, Meta(min_length=1, max_length=64)] = "home"
    filter: Annotated[str, Meta(max_length=2000)] | None = None
    exclude: Annotated[list[Id], Meta(max_length=MOST_EXCLUDED)] = []
    fill: Fill = "popular"
    context: Annotated[dict[Name, Annotated[str, Meta(max_length=512)]], Meta(max_length=MOST_CONTEXT)] = {}
    fields: Annotated[list[Name], Meta(max_length=50)] = []
    cursor: Annotated[str, Meta(max_length=20_000)] | None = None
    explain: bool = False
    dry_run: bool = False


class RecommendRequest(Options, frozen=True, kw_only=True):
    """Items for a user, or for a session of an unknown one (``user`` None).

    :param session_id: of somebody unknown: a session whose events were sent to POST /v1/events
    """

    user: Id | None = None
    session_id: Id | None = None
    session: Annotated[list[SessionEvent], Meta(max_length=MOST_SESSION)] = []
    basket: Annotated[list[Id], Meta(max_length=MOST_SESSION)] = []


class RankRequest(RecommendRequest, frozen=True, kw_only=True):
    """Only these candidates, in the best order."""

    candidates: Annotated[list[Id], Meta(min_length=1, max_length=MOST_CANDIDATES)]


class ConfirmRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a user saw of an answer; without ``items`` all of it."""

    answer_id: Id
    items: Annotated[list[Id], Meta(min_length=1, max_length=MOST_K)] | None = None


class Confirmed(msgspec.Struct, frozen=True):
    """It is kept, on disk; ``items``: how many were named, None: all of the answer."""

    answer_id: str
    items: int | None


class AnswerItem(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One item of an answer; ``parts`` sum to ``score``."""

    item: str
    rank: int
    score: float
    reason_code: str
    reason: str
    name: str | None = None
    probability: float | None = None
    parts: dict[str, float] | None = None
    evidence: list[str] | None = None
    fields: dict[str, str | float | int] | None = None


class Versions(msgspec.Struct, frozen=True):
    """Which data made an answer."""

    ranking_run_id: str
    ranking_version: int
    as_of: str
    snapshot: str


class Answer(msgspec.Struct, frozen=True):
    """What comes back; ``answer_id`` is sent along with the click or purchase that follows.

    ``served_from``: personal (a published list), session (what was done just now), segment (what users of the same
    kind take), trending (what users do most at this time), popular; ``why`` in words.
    ``short``: why fewer than k came; None: exactly k. ``removed``: with explain, how many items each rule took away.
    ``exposure``: shown (the answer counts as seen), awaited (once the client says so by its answer_id), off (none is
    kept), dry_run, unwritten (the disk took nothing).
    """

    answer_id: str
    user: str | None
    surface: str
    items: list[AnswerItem]
    served_from: ServedFrom
    why: str
    short: str | None
    cursor: str | None
    policy_id: str
    versions: Versions
    exposure: Exposure = "off"
    removed: dict[str, int] | None = None


class Ready(msgspec.Struct, frozen=True):
    """Whether traffic should come here; ``problem``: why a newer snapshot was not taken."""

    ready: bool
    stale: bool
    stopping: bool
    snapshot: str
    number: int
    surface: str
    as_of: str
    age_seconds: int
    problem: str | None


class Refused(Exception):
    """A request that cannot be answered; ``status``: of HTTP, ``code``: one word, ``field``: where it is wrong."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field


class EventsRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, rename={"source": "from"}):
    """Events that happened: one, or several.

    :param event: by the names of the mapping's columns
    :param events: the same, at most 5,000
    :param source: (``from``) the mapping's table that they are rows of; None: it has one of events alone
    :param key: a public key, where the request comes from a page and can set no header
    """

    event: dict[str, Any] | None = None
    events: Annotated[list[dict[str, Any]], Meta(max_length=MOST_EVENTS)] = []
    source: Name | None = None
    key: Annotated[str, Meta(max_length=128)] | None = None


class EventRefused(msgspec.Struct, frozen=True):
    """An event that was not taken: its place in the request from 0, the rule that it breaks, the column, and why."""

    index: int
    rule: str
    column: str | None
    reason: str


class Collected(msgspec.Struct, frozen=True):
    """What became of events; those accepted are on disk.

    :param accepted: how many
    :param duplicates: places of those that came before in the last days, with the same content
    :param refused: those that are not taken; sent again they are refused again
    """

    accepted: int
    duplicates: list[int]
    refused: list[EventRefused]
