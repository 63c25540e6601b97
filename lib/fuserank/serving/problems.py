"""Every error of the service in one form, and what each code means."""

from __future__ import annotations

import re

import msgspec

from fuserank.serving.requests import Refused

_LONGEST = 300  # characters of a message: it repeats what was sent
_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>(?:\$|key in \$).*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<kind>contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL)

# code → status, when it comes
CODES = {
    "malformed_json": (400, "the body is no JSON; the message names the byte"),
    "bad_encoding": (400, "the path or query is not UTF-8 in percent-encoding"),
    "bad_request": (400, "it is no HTTP that can be read"),
    "no_key": (401, "no `Authorization: Bearer KEY`, or the key is unknown, revoked or expired"),
    "wrong_origin": (403, "the public key stands in pages of other origins"),
    "wrong_scope": (403, "the key has not the scope of this route"),
    "no_collector": (404, "the service takes no events: it was started without --collect"),
    "no_inbox": (404, "the service keeps no exposures"),
    "no_route": (404, "there is no such path"),
    "unknown_item": (404, "the catalogue has no such item"),
    "wrong_method": (405, "the path is there, for other methods; see the header Allow"),
    "too_slow": (408, "the body did not come in time"),
    "body_too_large": (413, "the body is larger than serving.most_body_bytes"),
    "not_json": (415, "the body is not application/json without content encoding"),
    "unknown_field": (422, "a field or parameter that the route does not know"),
    "missing_field": (422, "a field that the route needs is not there"),
    "wrong_value": (422, "a value that the field cannot have"),
    "not_keeping_up": (
        429,
        "more events wait for the disk than serving.collect.most_waiting; Retry-After says how long",
    ),
    "too_many_requests": (429, "the key sent more than serving.rate; Retry-After says for how long to wait (seconds)"),
    "inbox_full": (429, "the disk takes nothing now; Retry-After says when to send it again (seconds)"),
    "headers_too_large": (431, "line and headers are larger than serving.most_header_bytes"),
    "internal": (500, "a fault of the service; its log has more under the request_id"),
    "not_ready": (503, "there is no snapshot that can be answered from"),
    "too_many_connections": (503, "more than serving.most_connections are open"),
}


class Problem(msgspec.Struct, frozen=True):
    """What is wrong: ``field`` where a value of the request is, by its path (``session[0].item``)."""

    code: str
    message: str
    field: str | None
    request_id: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of every error."""

    error: Problem


def refused(code: str, message: str, field: str | None = None) -> Refused:
    """A refusal by its code."""
    return Refused(CODES[code][0], code, message, field)


def coded(problem: Refused) -> Refused:
    """A refusal of the recommender with a code of the service: it names the field alone."""
    if problem.code in CODES:
        return problem
    return refused("unknown_item" if problem.status == 404 else "wrong_value", problem.message, problem.field)


def body_of(problem: Refused, request_id: str) -> bytes:
    """The bytes of an error."""
    field = None if problem.field is None else _cut(problem.field)
    return msgspec.json.encode(ErrorAnswer(Problem(problem.code, _cut(problem.message), field, request_id)))


def of_json(problem: msgspec.DecodeError, body: bytes) -> Refused:
    """What is wrong with a body, with its field or byte."""
    if isinstance(problem, msgspec.ValidationError):
        return of_value(problem)
    if not body.strip():
        return refused("malformed_json", "the body is empty (byte 0), and a JSON object is expected")
    message = str(problem)
    if "(byte " not in message:
        message = f"{message} (byte {_first_wrong(body)})"
    return refused("malformed_json", message)


def of_value(problem: msgspec.ValidationError, within: str = "") -> Refused:
    """What is wrong with a value; ``within``: the field that was looked at alone."""
    found = _AT.match(str(problem))
    assert found is not None
    path = (found["path"] or "$").rpartition("$")[2].lstrip(".")
    named = _NAMED.match(found["what"])
    if named is None:
        where = within + path if path.startswith("[") or not path else path
        return refused("wrong_value", f"{where or 'the body'}: {found['what']}", where or None)
    where = ".".join(part for part in (path, named["name"]) if part)
    if named["kind"].startswith("missing"):
        return refused("missing_field", f"the field {where} is missing", where)
    return refused("unknown_field", f"there is no field {where}", where)


def _first_wrong(body: bytes) -> int:
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return wrong.start
    return len(body)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
