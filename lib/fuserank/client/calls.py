"""Requests as they go over the wire, made of what a method takes; nothing here sends one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict
from urllib.parse import quote, urlsplit

import msgspec

from fuserank.serving.requests import Fill, SessionEvent

_KEY = re.compile(r"[!-~]+")  # what a header carries as it is


class ItemOptions(TypedDict, total=False):
    """Options of every request, by the names and defaults of ``fuserank.serving.requests.Options``."""

    k: int
    surface: str
    filter: str | None
    exclude: Sequence[str]
    fill: Fill
    context: Mapping[str, str]
    fields: Sequence[str]
    cursor: str | None
    explain: bool
    dry_run: bool


class Call(NamedTuple):
    """One request; ``path``: with its query, quoted, behind the service's URL. ``id``: of all its tries."""

    method: str
    path: str
    body: bytes | None
    id: str


def of_user(
    user: str, session: Sequence[SessionEvent], basket: Sequence[str], options: Mapping[str, Any] | ItemOptions
) -> Call:
    """Items for a user; by POST, so that many excluded items have room."""
    return _post(f"/v1/users/{quoted(user)}/recommendations", options, session=session, basket=basket)


def of_candidates(
    candidates: Sequence[str],
    user: str | None,
    session: Sequence[SessionEvent],
    basket: Sequence[str],
    options: Mapping[str, Any] | ItemOptions,
) -> Call:
    """Candidates in the best order."""
    own = {"candidates": list(candidates), "user": user}
    return _post("/v1/rank", options, own, session=session, basket=basket)


def of_item(item: str, options: Mapping[str, Any] | ItemOptions) -> Call:
    """Items like one item."""
    return _call("GET", f"/v1/items/{quoted(item)}/similar{_query(options)}", None)


def of_now(options: Mapping[str, Any] | ItemOptions) -> Call:
    """What users do most at this time."""
    return _call("GET", f"/v1/trending{_query(options)}", None)


def of_basket(
    basket: Sequence[str],
    user: str | None,
    session: Sequence[SessionEvent],
    options: Mapping[str, Any] | ItemOptions,
) -> Call:
    """What goes with a basket."""
    return _post("/v1/baskets/recommendations", options, {"basket": list(basket), "user": user}, session=session)


def of_session(
    session: Sequence[SessionEvent], basket: Sequence[str], options: Mapping[str, Any] | ItemOptions
) -> Call:
    """Items for somebody unknown."""
    return _post("/v1/sessions/recommendations", options, session=session, basket=basket)


def of_exposure(answer_id: str, items: Sequence[str] | None) -> Call:
    """What was seen of an answer."""
    return _post("/v1/exposures", {}, {"answer_id": answer_id, "items": None if items is None else list(items)})


def of_events(events: Sequence[Mapping[str, Any]], source: str | None) -> Call:
    """Events that happened."""
    return _post("/v1/events", {}, {"events": list(events), "from": source})


def quoted(text: str) -> str:
    """Every byte but letters, digits, ``_``, ``-`` and ``~`` in percent-encoding: a dot too, or ``..`` would go up."""
    return quote(text, safe="").replace(".", "%2E")


def checked_url(url: str) -> str:
    """The service's URL without a slash at its end.

    :raises ValueError: it is none; what it holds is not repeated, for a password may stand in it
    """
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no host or port that can be read
        whole = False
    if not whole or "?" in url or "#" in url:
        raise ValueError("url: expected http://host:port or https://host, without a query")
    if "@" in parts.netloc:
        raise ValueError("url: no user and no password stand in it; the service takes a key")
    return url.rstrip("/")


def headers(key: str | None) -> dict[str, str]:
    """Headers of every request.

    :raises ValueError: the key cannot stand in a header; it is not repeated
    """
    found = {"User-Agent": "fuserank-client", "Accept": "application/json"}
    if key is None:
        return found
    if not _KEY.fullmatch(key):
        raise ValueError("key: has blanks, ends of lines or letters beyond ASCII, or is empty; strip what was read")
    return found | {"Authorization": f"Bearer {key}"}


def own_headers(call: Call) -> dict[str, str]:
    """Headers of one request."""
    return {"X-Request-Id": call.id} | ({} if call.body is None else {"Content-Type": "application/json"})


def _query(options: Mapping[str, Any] | ItemOptions) -> str:
    sent = {name: value for name, value in options.items() if value not in (None, [], (), {})}
    query = "&".join(f"{name}={_parameter(value)}" for name, value in sent.items())
    return f"{'?' if query else ''}{query}"


def _post(
    path: str, options: Mapping[str, Any] | ItemOptions, own: Mapping[str, Any] | None = None, **lists: Sequence[Any]
) -> Call:
    """Only what differs from the defaults is sent, so that a service of an older version takes it."""
    named = {**options, **(own or {})}
    body = {name: value for name, value in named.items() if value is not None}
    if "context" in body:
        body["context"] = dict(body["context"])
    body |= {name: list(values) for name, values in lists.items() if values}
    return _call("POST", path, msgspec.json.encode(body))


def _call(method: str, path: str, body: bytes | None) -> Call:
    return Call(method, path, body, os.urandom(8).hex())


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ",".join(quoted(f"{name}:{one}") for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(quoted(str(one)) for one in value)
    return quoted(str(value))
