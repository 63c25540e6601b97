"""Rows of an API lose their users' ids before they lie on a disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.connect import RestConfig
from fuserank.privacy.keys import Key, KeyProblem
from fuserank.sources.connectors.landing import FetchError, Hide, land, read_cursor, require_same_key
from fuserank.sources.connectors.rest import RestConnector
from tests.support.cli import ran
from tests.support.http import Answer, serving
from tests.support.people import CANARY, SECRET, VARIABLE, changes
from tests.support.search import files_with
from tests.support.shop import GOOD, columns, mapping

KEY = Key.of_text(SECRET, VARIABLE)
ROWS = [
    GOOD | {"user": CANARY, "line": "1", "visit": None, "mail": f"{CANARY}@shop.example"},
    GOOD | {"user": 42, "line": "2"},
]


def connected(root: Path, url: str, **pseudonyms: Any) -> Any:
    """The shop with sales from an API."""
    files = changes()["files"] | {"sales": {"path": "sales/*", "format": "jsonl", "columns": columns(visit="string")}}
    connect = {"sales": {"kind": "rest", "url": url, "rows": "data", "retry_seconds": 0.001}}
    sections = changes(files=files, connect=connect, pseudonyms=pseudonyms or None)
    return mapping(root, **sections)


def fetch(root: Path, monkeypatch: pytest.MonkeyPatch, url: str, **pseudonyms: Any) -> None:
    dataset = connected(root, url, **pseudonyms)
    monkeypatch.setattr("fuserank.config.mapping.load.load_dataset", lambda name: dataset)
    ran("fetch", "shop")


def test_what_is_landed_has_pseudonyms_and_declared_fields_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    with serving(lambda request: Answer({"data": ROWS})) as site:
        fetch(tmp_path, monkeypatch, f"{site.url}/orders", vault=False, also={"sales": ["visit"]})
    landed = [
        json.loads(line) for f in sorted((tmp_path / "sales").glob("*.jsonl")) for line in f.read_text().splitlines()
    ]
    assert [r["user"] for r in landed] == [KEY.of(CANARY), KEY.of("42")]
    assert set(landed[0]) == {*GOOD, "visit"}
    assert files_with(CANARY, tmp_path) == []
    assert read_cursor(tmp_path / "sales")["key"] == KEY.fingerprint


def test_a_folder_keeps_to_one_key_or_to_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda request: Answer({"data": ROWS})) as site:
        url = f"{site.url}/orders"
        with pytest.raises(KeyProblem, match="which is not set here"):
            fetch(tmp_path, monkeypatch, url, vault=False)
        monkeypatch.setenv(VARIABLE, SECRET)
        fetch(tmp_path, monkeypatch, url, vault=False)
        before = len(site.requests)
        monkeypatch.setenv(VARIABLE, SECRET.replace("4", "5"))
        with pytest.raises(FetchError, match="fetched with pseudonyms of another key"):
            fetch(tmp_path, monkeypatch, url, vault=False)
        with pytest.raises(FetchError, match="of one that the mapping no longer names"):
            fetch(tmp_path, monkeypatch, url)
        assert len(site.requests) == before
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "_cursor.json").write_text('{"since": 1}')
    with pytest.raises(FetchError, match="fetched with ids as they came"):
        require_same_key(tmp_path / "plain", KEY.fingerprint)


@pytest.mark.parametrize(
    ("answer", "pages", "message"),
    [
        (lambda request: Answer(f"no user {CANARY}", 422), None, "answered 422; fix url"),
        (lambda request: Answer({CANARY: []}), None, "no list of objects at data"),
        (
            lambda request: Answer({"data": ROWS, "next": CANARY}),
            {"kind": "cursor", "parameter": "after", "next": "next"},
            "page … leads back to itself",
        ),
        (
            lambda request: Answer({"data": ROWS, "next": f"http://[{CANARY}"}),
            {"kind": "link", "next": "next"},
            "next page … is no address",
        ),
        (lambda request: Answer({"data": [{"user": {"id": CANARY}}]}), None, "field user is no id but holds others"),
    ],
)
def test_no_error_repeats_what_the_server_said(tmp_path: Path, answer: Any, pages: Any, message: str) -> None:
    hide = Hide(KEY, frozenset({"user"}), frozenset(GOOD))
    with serving(answer) as site:
        config = RestConfig.model_validate(
            {"kind": "rest", "url": f"{site.url}/orders", "rows": "data", "pages": pages}
        )
        with pytest.raises(FuserankError, match=message) as refused:
            land(RestConnector(config, hide), tmp_path)
    assert CANARY not in str(refused.value)
    assert CANARY not in "".join(f.read_text() for f in tmp_path.glob("*.jsonl"))
