"""The service as OpenAPI 3.1, made of its routes and of the types that it decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

import fuserank
from fuserank.serving.problems import CODES, ErrorAnswer
from fuserank.serving.requests import (
    POPULAR,
    Answer,
    Collected,
    Confirmed,
    ConfirmRequest,
    EventsRequest,
    Options,
    RankRequest,
    Ready,
    RecommendRequest,
)
from fuserank.serving.routes import ROUTES, Route

if TYPE_CHECKING:
    from fuserank.config.serving import ServingConfig

_TYPES = (
    Options,
    RecommendRequest,
    RankRequest,
    ConfirmRequest,
    EventsRequest,
    Answer,
    Confirmed,
    Collected,
    Ready,
    ErrorAnswer,
)
_ALWAYS = ("bad_request", "headers_too_large", "internal", "too_many_connections")
_KEYED = ("no_key", "wrong_scope", "too_many_requests")
_ASKED = ("bad_encoding", "unknown_field", "wrong_value", "not_ready")
_BODY = ("malformed_json", "too_slow", "body_too_large", "not_json", "missing_field")
_EVENTS = ("unknown_field", "wrong_value", "wrong_origin", "no_collector", "inbox_full", "not_keeping_up")
_ITEM = {"item": "i7", "rank": 1, "score": 0.91, "reason_code": POPULAR, "reason": "Bought often this week"}
_VERSIONS = {"ranking_run_id": "run-1", "ranking_version": 1, "as_of": "2024-06-03", "snapshot": "000001-run-1"}
_ANSWER = {
    "answer_id": "a1",
    "user": "u17",
    "surface": "home",
    "items": [_ITEM],
    "served_from": "personal",
    "why": "a list of this user is published",
    "short": "1 of 2 items: all others are excluded",
    "cursor": None,
    "policy_id": "p1",
    "versions": _VERSIONS,
    "exposure": "shown",
}
_EVENT = {"user": "u17", "item": "i7", "type": "view", "time": "2024-06-03T10:00:00Z", "line": "1"}
_EMPTY = {
    "index": 1,
    "rule": "no_user",
    "column": "user",
    "reason": "user is empty; a row without it belongs to no one",
}
_CONTEXT = {
    "style": "form",
    "explode": False,
    "description": "field:value, as age:25-34; comma between several, or repeated",
    "schema": {"type": "array", "items": {"type": "string", "pattern": "^[^:]*:"}},
}
_BODIES: dict[str, dict[str, Any]] = {
    "recommendations_now": {"k": 5, "session": [{"item": "i3", "role": "view"}], "exclude": ["i9"]},
    "rank": {"user": "u17", "candidates": ["i1", "i2", "i3"], "k": 3},
    "basket": {"basket": ["i1", "i2"], "k": 5},
    "exposures": {"answer_id": "a1", "items": ["i7"]},
    "events": {"events": [_EVENT, {"line": "2"}], "from": "clicks"},
    "session": {"session": [{"item": "i3", "role": "cart"}], "context": {"age": "25-34"}, "k": 5},
}


def description(cfg: ServingConfig) -> dict[str, Any]:
    """The whole document, as it is answered under /openapi.json."""
    _, schemas = msgspec.json.schema_components(
        _TYPES,
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas["Options"], cfg)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fuserank recommend service",
            "version": fuserank.__version__,
            "description": "Published lists, ranked and explained; every error has one form.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`fuserank serve-key new`"}},
        },
    }


def codes_of(route: Route) -> list[str]:
    """Codes of the errors that a route may answer."""
    codes = list(_ALWAYS)
    codes += _KEYED if route.scope else ()
    codes += _ASKED if route.ask else ()
    codes += _BODY if route.takes else ()
    codes += ("unknown_item",) if route.ask else ()
    codes += ("unknown_field", "wrong_value", "no_inbox", "inbox_full") if route.takes is ConfirmRequest else ()
    codes += _EVENTS if route.takes is EventsRequest else ()
    return sorted(codes, key=lambda code: (CODES[code][0], code))


def _operation(route: Route, options: dict[str, Any], cfg: ServingConfig) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": route.name, "summary": route.summary, "parameters": []}
    if route.variable:
        found["parameters"].append(
            {
                "name": "id",
                "in": "path",
                "required": True,
                "description": f"id of the {route.variable}; a slash in it is %2F",
                "schema": {"type": "string", "minLength": 1, "maxLength": 512},
                "example": "u17" if route.variable == "user" else "i7",
            }
        )
    if route.ask and not route.takes:
        found["parameters"] += [_parameter(name, schema) for name, schema in options["properties"].items()]
    if route.scope:
        found["security"] = [{"key": [route.scope]}]
    if route.takes:
        more = "; from a page text/plain, with a public key in it" if route.takes is EventsRequest else ""
        found["requestBody"] = {
            "required": True,
            "description": f"{cfg.most_body_bytes:,} bytes at most{more}",
            "content": {"application/json": {"schema": _ref(route.takes.__name__), "example": _BODIES[route.name]}},
        }
    found["responses"] = {"200": _good(route), **_errors(route)}
    if not found["parameters"]:
        del found["parameters"]
    return found


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    found = {"name": name, "in": "query", "required": False, "schema": schema}
    if schema.get("type") == "array":
        found |= {
            "style": "form",
            "explode": False,
            "description": "comma between values (%2C is one's own), or repeated",
        }
    if name == "context":
        found |= _CONTEXT
    return found


def _good(route: Route) -> dict[str, Any]:
    if route.ask:
        content = {"application/json": {"schema": _ref("Answer"), "example": _ANSWER}}
    elif route.takes is ConfirmRequest:
        content = {"application/json": {"schema": _ref("Confirmed"), "example": {"answer_id": "a1", "items": 1}}}
    elif route.takes is EventsRequest:
        example = {"accepted": 1, "duplicates": [], "refused": [_EMPTY]}
        content = {"application/json": {"schema": _ref("Collected"), "example": example}}
    elif route.name == "collect_js":
        content = {"text/javascript": {"schema": {"type": "string"}}}
    elif route.name == "metrics":
        content = {"text/plain": {"schema": {"type": "string"}}}
    elif route.name == "ready":
        content = {"application/json": {"schema": _ref("Ready")}}
    else:
        content = {"application/json": {"schema": {"type": "object"}}}
    return {"description": route.summary, "headers": {"X-Request-Id": _header("string")}, "content": content}


def _errors(route: Route) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        by_status.setdefault(CODES[code][0], []).append(code)
    found: dict[str, Any] = {}
    for status, codes in by_status.items():
        field = "k" if status == 422 else None
        examples = {
            code: {
                "summary": CODES[code][1],
                "value": {"error": {"code": code, "message": "…", "field": field, "request_id": "5f1d2c3b4a596877"}},
            }
            for code in codes
        }
        found[str(status)] = {
            "description": "; ".join(f"{code}: {CODES[code][1]}" for code in codes),
            "content": {"application/json": {"schema": _ref("ErrorAnswer"), "examples": examples}},
        }
        if status == 429:
            found["429"]["headers"] = {"Retry-After": _header("integer")}
    if route.name == "ready":
        found["503"]["description"] += "; or the same as 200 with ready false: stopping, without its store, or stale"
        of = found["503"]["content"]["application/json"]
        of["schema"] = {"anyOf": [_ref("Ready"), of["schema"]]}
    return found


def _header(kind: str) -> dict[str, Any]:
    return {"schema": {"type": kind}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
