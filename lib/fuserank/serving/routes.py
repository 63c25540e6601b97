"""The paths of the service: what each takes, and which question it puts to the recommender."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec

from fuserank.serving import wire
from fuserank.serving.problems import of_json, of_value, refused
from fuserank.serving.requests import (
    TRENDING,
    Answer,
    ConfirmRequest,
    EventsRequest,
    Id,
    Options,
    RankRequest,
    RecommendRequest,
)

if TYPE_CHECKING:
    from fuserank.serving.keys import Scope

T = TypeVar("T")
_LISTS = frozenset({"exclude", "fields", "context"})


class Asks(Protocol):
    """What answers: ``fuserank.serving.recommend.Recommender``."""

    @property
    def without_step(self) -> str | None:
        """Why the snapshot's sequence model takes no step; None: it does, or there is none."""

    def recommend(self, request: RecommendRequest) -> Answer:
        """Items for a user, or for a session."""

    def rank(self, request: RankRequest) -> Answer:
        """The candidates of the request, in the best order."""

    def similar(self, item: str, options: Options) -> Answer:
        """Items that are like this one."""

    def basket(self, request: RecommendRequest) -> Answer:
        """What goes with a basket."""

    def trending(self, options: Options) -> Answer:
        """What users do most at this time."""


Ask = Callable[[Asks, wire.Call, bytes], Answer]


class Route(NamedTuple):
    """One path and method; ``scope``: of the key that it needs, ``takes``: the type of its body."""

    method: str
    path: str
    name: str
    summary: str
    scope: Scope | None = None
    ask: Ask | None = None
    takes: type[msgspec.Struct] | None = None
    variable: str | None = None  # what {id} is the id of


_BODIES = (RecommendRequest, RankRequest, ConfirmRequest, EventsRequest)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in _BODIES}


def decoded(kind: type[T], body: bytes) -> T:
    """A body as its type.

    :raises Refused: it is no JSON, or says what the type cannot
    """
    try:
        return _DECODERS[kind].decode(body)  # type: ignore[index, return-value]
    except msgspec.DecodeError as problem:
        raise of_json(problem, body) from None
    except RecursionError:
        raise refused("malformed_json", "the body is nested too deeply (byte 0)") from None


def _converted(value: Any, kind: Any, field: str = "") -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise of_value(problem, field) from None


def _one(call: wire.Call, field: str) -> str:
    found: str = _converted(wire.text_of(call.one, field), Id, field)
    return found


def _options(call: wire.Call) -> Options:
    """Options as parameters; a context is ``field:value``, more than one with commas or repeated."""
    found: dict[str, Any] = dict(wire.parameters(call.query, _LISTS))
    if "context" in found:
        found["context"] = _context(found["context"])
    options: Options = _converted(found, Options)
    return options


def _context(pairs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.partition(":")
        if not sign:
            raise refused("wrong_value", f"context: {pair!r} is not field:value, as age:25-34", "context")
        if name in found:
            raise refused("wrong_value", f"context: {name} is there twice", "context")
        found[name] = value
    return found


def _user_by_query(to: Asks, call: wire.Call, _: bytes) -> Answer:
    call.user = _one(call, "user")
    options = _options(call)
    values = {name: getattr(options, name) for name in options.__struct_fields__}
    return to.recommend(RecommendRequest(user=call.user, **values))


def _user_by_body(to: Asks, call: wire.Call, body: bytes) -> Answer:
    call.user, request = _one(call, "user"), decoded(RecommendRequest, body)
    if request.user not in (None, call.user):
        raise refused("wrong_value", "user: the path names another user than the body", "user")
    return to.recommend(msgspec.structs.replace(request, user=call.user))


def _session(to: Asks, call: wire.Call, body: bytes) -> Answer:
    request = decoded(RecommendRequest, body)
    if request.user is not None:
        raise refused("wrong_value", "user: a known user's session goes to /v1/users/{id}/recommendations", "user")
    return to.recommend(request)


def _rank(to: Asks, call: wire.Call, body: bytes) -> Answer:
    request = decoded(RankRequest, body)
    call.user = request.user
    return to.rank(request)


def _basket(to: Asks, call: wire.Call, body: bytes) -> Answer:
    request = decoded(RecommendRequest, body)
    call.user = request.user
    if not request.basket:
        raise refused("missing_field", "the field basket is missing, or holds no item", "basket")
    return to.basket(request)


def _similar(to: Asks, call: wire.Call, _: bytes) -> Answer:
    item = _one(call, "item")
    return to.similar(item, _options(call))


def _trending(to: Asks, call: wire.Call, _: bytes) -> Answer:
    return to.trending(_options(call))


_USERS = "/v1/users/{id}/recommendations"
ROUTES = (
    Route("GET", "/v1/trending", TRENDING, "What users do most at this time.", "recommend", _trending),
    Route("GET", _USERS, "recommendations", "Items for a user.", "recommend", _user_by_query, None, "user"),
    Route(
        "POST",
        _USERS,
        "recommendations_now",
        "Items for a user, after what the user did just now.",
        "recommend",
        _user_by_body,
        RecommendRequest,
        "user",
    ),
    Route("POST", "/v1/rank", "rank", "Only these candidates, in the best order.", "recommend", _rank, RankRequest),
    Route("GET", "/v1/items/{id}/similar", "similar", "Items like this one.", "recommend", _similar, None, "item"),
    Route(
        "POST",
        "/v1/baskets/recommendations",
        "basket",
        "What goes with a basket.",
        "recommend",
        _basket,
        RecommendRequest,
    ),
    Route(
        "POST",
        "/v1/sessions/recommendations",
        "session",
        "Items for somebody unknown, after what was done just now.",
        "recommend",
        _session,
        RecommendRequest,
    ),
    Route(
        "POST",
        "/v1/exposures",
        "exposures",
        "What a user saw of an answer; it is on disk when this answers.",
        "recommend",
        None,
        ConfirmRequest,
    ),
    Route(
        "POST",
        "/v1/events",
        "events",
        "Events that happened; those accepted are on disk when this answers.",
        "events:write",
        None,
        EventsRequest,
    ),
    Route("GET", "/v1/collect.js", "collect_js", "What pages send events by."),
    Route("GET", "/health", "health", "The process lives."),
    Route("GET", "/ready", "ready", "A snapshot answers, and how old it is."),
    Route("GET", "/metrics", "metrics", "Numbers for Prometheus.", "admin"),
    Route("GET", "/openapi.json", "openapi", "This description."),
)
_VARIABLE = 3  # where {id} stands in every path that has one
_BY_PATH: dict[bytes, dict[str, Route]] = {}
for _route in ROUTES:
    _BY_PATH.setdefault(_route.path.encode(), {})[_route.method] = _route


def found(path: bytes) -> tuple[dict[str, Route], bytes]:
    """Routes of a path by method, and what stands for {id}: a slash of an id is %2F; none: there is no such path."""
    if (methods := _BY_PATH.get(path)) is not None and b"{" not in path:
        return methods, b""
    parts = path.split(b"/")
    if len(parts) <= _VARIABLE:
        return {}, b""
    one, parts[_VARIABLE] = parts[_VARIABLE], b"{id}"
    return _BY_PATH.get(b"/".join(parts), {}), one
