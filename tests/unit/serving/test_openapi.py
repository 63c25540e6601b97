"""/openapi.json says what the routes are, and answers are what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fuserank.config.serving import ServingConfig
from fuserank.serving.openapi import codes_of, description
from fuserank.serving.problems import CODES
from fuserank.serving.requests import Options
from fuserank.serving.routes import ROUTES, found
from fuserank.serving.store import snapshot
from tests.support.collecting import collector
from tests.support.pages import DOCS
from tests.support.service import Running, running
from tests.support.stores import user, write_snapshot

DOCUMENT = description(ServingConfig())


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root: Path = tmp_path_factory.mktemp("store")
    folder = write_snapshot(root, [user("u17")])
    snapshot.switch(folder.parent, folder.name)
    with running(root, inbox=root / "inbox", collector=collector(root / "inbox")) as service:
        yield service


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, o) for path, of in DOCUMENT["paths"].items() for method, o in of.items()]


def fits(schema: dict[str, Any], value: Any) -> None:
    """Raise where a value is not of the schema, whose references lead into the document."""
    jsonschema.Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)


def test_the_document_is_answered_and_names_every_route(service: Running) -> None:
    assert service.ask("GET", "/openapi.json").json == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")
    assert {(path, method.upper(), o["operationId"]) for path, method, o in operations()} == {
        (route.path, route.method, route.name) for route in ROUTES
    }
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_every_reference_and_every_schema_is_there() -> None:
    def references(value: Any) -> Iterator[str]:
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            if key == "$ref":
                yield below
            elif isinstance(below, dict | list):
                yield from references(below)

    schemas = DOCUMENT["components"]["schemas"]
    assert {name.rpartition("/")[2] for name in references(DOCUMENT)} == schemas.keys() - {"Options"}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_parameters_are_the_options_and_the_id() -> None:
    for path, _, operation in operations():
        names = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
        in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        asks = "requestBody" not in operation and path.startswith("/v1/") and not path.endswith(".js")
        assert names == (set(Options.__struct_fields__) if asks else set())
        assert in_path == (["id"] if "{id}" in path else [])
        assert found(path.replace("{id}", "x").encode())[0]


def test_every_error_is_described_where_it_can_come() -> None:
    described = set()
    for path, method, operation in operations():
        route = found(path.replace("{id}", "x").encode())[0][method.upper()]
        codes = set()
        for status, response in operation["responses"].items():
            examples = response["content"].get("application/json", {}).get("examples", {})
            assert all(CODES[code][0] == int(status) for code in examples)
            codes |= {example["value"]["error"]["code"] for example in examples.values()}
        assert codes == set(codes_of(route)), path
        described |= codes
    assert described == CODES.keys() - {"no_route", "wrong_method"}, "those two are of no route"


def test_examples_fit_their_schemas_and_the_service_answers_them(service: Running) -> None:
    for path, method, operation in operations():
        if not path.startswith("/v1/") or path.endswith(".js"):
            continue
        good = operation["responses"]["200"]["content"]["application/json"]
        fits(good["schema"], good["example"])
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            fits(content["schema"], content["example"])
        body = content and content["example"]
        example = next((p["example"] for p in operation.get("parameters", []) if p["in"] == "path"), "")
        reply = service.ask(method.upper(), path.replace("{id}", example), body)
        assert reply.status == 200, reply.body
        fits(good["schema"], reply.json)
        bad = service.ask(method.upper(), path.replace("{id}", example) + ("" if body else "?k=0"), body and {"k": 0})
        fits(operation["responses"]["422"]["content"]["application/json"]["schema"], bad.json)


def test_the_page_explains_every_route_and_every_code() -> None:
    text = (DOCS / "serving.md").read_text(encoding="utf-8")
    for route in ROUTES:
        assert f"`{route.method} {route.path}`" in text, route.path
    for code, (status, _) in CODES.items():
        assert f"| {status} | `{code}` |" in text, code
