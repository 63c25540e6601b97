"""Every kind of connector passes one battery; docs/add-a-connector.md, followed to the letter, makes one that does."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fuserank.config.mapping import connect
from fuserank.config.mapping.load import MappingError
from fuserank.registry import connectors
from fuserank.registry.connectors import CONNECTORS, Connector
from fuserank.sources.connectors.landing import FetchError, land
from tests.support import connectors as sources
from tests.support.pages import blocks
from tests.support.shop import mapping

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add-a-connector.md"
KINDS = CONNECTORS.names


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    """The kind that the page's three blocks make, in the places that the page names."""
    settings, module_text, line = blocks(PAGE, "python")
    named: dict[str, Any] = dict(vars(connect))
    exec(compile(settings, "settings", "exec"), named)
    monkeypatch.setattr(connect, "SqliteConfig", named["SqliteConfig"], raising=False)
    module = types.ModuleType("fuserank.sources.connectors.sqlite")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(module_text, "module", "exec"), vars(module))
    made = eval(line, dict(vars(connectors)))
    assert isinstance(made, Connector)
    CONNECTORS.add(made)
    yield made
    CONNECTORS.remove(made.name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_passes_the_battery(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    needs_spark = "spark" in CONNECTORS[kind].needs
    fixtures = {"spark": request.getfixturevalue("spark")} if needs_spark else {}
    with getattr(sources, kind)(tmp_path, **fixtures) as source:
        sources.passes(source, tmp_path, monkeypatch)


def test_the_pages_example_passes_the_battery(
    sqlite: Connector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sources.sqlite(tmp_path) as source:
        sources.passes(source, tmp_path, monkeypatch)
    gone = sqlite.settings.model_validate(source.connect | {"path": str(tmp_path / "none.db")})
    with pytest.raises(FetchError, match="unable to open database file; fix connect in the mapping"):
        land(sqlite.made(gone, {}), tmp_path / "other")


def test_a_declaration_and_its_settings_name_the_same_kind() -> None:
    for each in CONNECTORS:
        assert each.settings.model_fields["kind"].annotation.__args__ == (each.name,)  # type: ignore[union-attr]
        assert each.place in each.settings.model_fields


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"kind": "rst"},
            "connect.sales: no connector 'rst'; did you mean 'rest'? there are: rest, crawl, folder, delta",
        ),
        ({"url": "https://shop"}, "connect.sales: kind says where from: rest, crawl, folder, delta"),
        ({"kind": "rest", "url": "ftp://shop"}, "connect.sales.url: an http or https URL is expected"),
        ({"kind": "rest", "url": "https://shop", "row": "x"}, "connect.sales.row: unknown key"),
    ],
)
def test_what_a_mapping_gets_wrong_is_told_with_its_path(tmp_path: Path, section: dict[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=re.escape(message)):
        mapping(tmp_path, connect={"sales": section})


def test_with_ids_hidden_no_page_that_a_server_named_is_repeated() -> None:
    rest = CONNECTORS["rest"]
    assert rest.goes_on({"page": "u-17", "files": 1}, hidden=True) == "goes on at page …"
    assert rest.goes_on({"page": 3, "files": 1}, hidden=True) == "goes on at page 3"
    assert rest.goes_on({"page": "u-17", "files": 1}, hidden=False) == "goes on at page u-17"
