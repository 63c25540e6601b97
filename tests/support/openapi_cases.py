"""Requests that schemathesis draws from the service's OpenAPI, and what their answers are held against."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from fuserank.config.serving import ServingConfig
from fuserank.serving.keys import made
from fuserank.serving.openapi import description
from tests.support.load import published
from tests.support.processes import COMMAND, started

LIMITS = ServingConfig()
REFUSED = [400, 401, 403, 404, 405, 413, 415, 422, 431]
# Fields whose words OpenAPI can't describe: a text that is one for it may be none for the service.
OWN_WORDS = ("context", "filter", "cursor", "surface", "fields", "session", "basket", "user")
OWN_WORDS += ("from", "event", "events")


class Place(NamedTuple):
    """Where a service answers, and a key of all scopes."""

    url: str
    key: str


@contextmanager
def placed(folder: Path) -> Iterator[Place]:
    """A service that is a process of its own; it lives until the end."""
    published(folder / "store")
    key, _ = made(folder / "keys.yaml", "shop", ["recommend", "admin", "events:write"], None)
    words = ["serve", "--store", str(folder / "store"), "--port", "0", "--keys", str(folder / "keys.yaml")]
    words += ["--collect", "--inbox", str(folder / "inbox"), "--set", "serving.collect.ids=1000"]
    words += ["--log-level", "error", "--set", "serving.rate=1000000", "--set", "serving.burst=1000000"]
    with started(COMMAND, *words) as (process, port):
        yield Place(f"http://127.0.0.1:{port}", key)
        assert process.poll() is None


def schema(at_random: bool) -> Any:
    """The service's OpenAPI as schemathesis reads it: one thing wrong at a time, and what is drawn at random."""
    load_all_checks()
    checks = {"negative_data_rejection": {"expected-statuses": REFUSED}}
    config = schemathesis.Config.from_dict({"checks": checks, "phases": {"fuzzing": {"enabled": at_random}}})
    return schemathesis.openapi.from_dict(description(LIMITS), config=config)


def answered(case: Any, place: Place) -> None:
    """Send it: no 5xx, a status, headers and a body that the document has, and what it forbids is refused."""
    response = case.call(base_url=place.url, headers={"Authorization": f"Bearer {place.key}"})
    case.validate_response(response, excluded_checks=[positive_data_acceptance])
    allowed = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if allowed and response.status_code not in (200, 404):
        assert _beyond_the_schema(response, response.json()["error"]), response.text


def _beyond_the_schema(response: Any, error: dict[str, Any]) -> bool:
    """Whether a request that the document allows is refused for what no schema can say."""
    if error["code"] in ("headers_too_large", "body_too_large"):  # each field has its bound, the whole one of its own
        sent = response.request
        return len(sent.url) > LIMITS.most_header_bytes or len(sent.body or b"") > LIMITS.most_body_bytes
    if "got `float`" in error["message"]:  # 1.0 is an integer for JSON Schema
        return bool(response.status_code == 422)
    return response.status_code == 422 and error["field"].partition("[")[0] in OWN_WORDS
