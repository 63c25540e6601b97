"""Ids of one person on several platforms: joined by links, from the link's own time on, where the person agreed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.mapping.load import MappingError
from fuserank.config.mapping.pseudonym_columns import replaced_columns
from fuserank.privacy.keys import Key
from fuserank.tables import silver as t
from fuserank.tables.ops import QUARANTINE
from tests.support.people import SECRET, VARIABLE
from tests.support.shop import ingest, mapping, sales, write_csv

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake

COLUMNS = {"web": "string", "card": "string", "agreed": "boolean", "where": "string", "since": "date"}
LINKS = {
    "from": "links",
    "other": "web",
    "user": "card",
    "consent": "agreed",
    "platform": "where",
    "known_at": {"column": "since"},
}
LINK = {"web": "w1", "card": "c1", "agreed": "yes", "where": "web", "since": "2019-03-01"}


def shop(root: Path, **changes: Any) -> Any:
    columns = changes.pop("columns", COLUMNS)
    files = {"links": {"path": "links.csv", "format": "csv", "columns": columns}}
    return mapping(root, files=files, dimensions={"identity_links": LINKS}, **changes)


def at(user: str, *days: str) -> list[dict[str, str]]:
    return [{"user": user, "time": f"2019-{day} 12:00:00", "line": f"{user} {day}"} for day in days]


@pytest.mark.parametrize("pseudonyms", [None, pytest.param({}, marks=pytest.mark.proof)])
def test_events_count_for_the_person_by_what_was_known_and_agreed_to_at_their_time(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pseudonyms: dict[str, Any] | None
) -> None:
    from fuserank.io.lake.spark_rows import SparkRows
    from fuserank.usecases.people import person_of

    monkeypatch.setenv(VARIABLE, SECRET)
    rows = [
        LINK,
        LINK | {"agreed": "no", "since": "2019-05-01"},  # withdrawn
        LINK | {"web": "w2", "agreed": "no"},
        LINK | {"web": "w3", "agreed": ""},
        LINK | {"web": "w4"},
        LINK | {"web": "w4", "card": "c2", "since": "2019-04-01"},  # the device changed hands
        LINK | {"web": "a1", "card": "w1", "where": "app"},  # app → web → card
        LINK | {"web": ""},
        LINK | {"web": "c9", "card": " c9"},
        LINK | {"card": "c3"},  # says otherwise of w1 and the same day
    ]
    write_csv(tmp_path / "links.csv", rows)
    days = ("02-01", "03-15", "04-15", "05-15")
    events = [e for user in ("w1", "w2", "w3", "w4", "a1", "c1") for e in at(user, *days)]
    write_csv(tmp_path / "sales.csv", sales(*events, {"item": "", "line": "bad"}))
    dataset = shop(tmp_path, pseudonyms=pseudonyms)
    ingest(lake, dataset)

    key = Key.of_text(SECRET, VARIABLE)
    names = {(key.of(u) if pseudonyms is not None else u): u for u in ("w1", "w2", "w3", "w4", "a1", "c1", "c2", "c3")}
    found: dict[str, list[str]] = {}
    for r in lake.read(t.EVENTS).orderBy("event_time", "user_id").collect():
        found.setdefault(f"{r['event_time']:%m-%d}", []).append(names[r["user_id"]])
    assert {day: sorted(people) for day, people in found.items()} == {
        "02-01": ["a1", "c1", "w1", "w2", "w3", "w4"],  # nothing is known yet
        "03-15": ["c1", "c1", "c1", "c1", "w2", "w3"],
        "04-15": ["c1", "c1", "c1", "c2", "w2", "w3"],
        "05-15": ["c1", "c2", "w1", "w1", "w2", "w3"],  # the app still knows the web id, which is alone again
    }
    known = {r["user_id"] for r in lake.read(t.USER_DICTIONARY).collect()}
    assert {names[u] for u in known} == {"w1", "w2", "w3", "w4", "a1", "c1", "c2"}
    bad = {(r["source_table"], r["row"], r["rule"]) for r in lake.read(QUARANTINE).collect()}
    assert bad == {
        ("sales", 24, "no_item"),
        ("links", 7, "no_other"),
        ("links", 8, "links_itself"),
        ("links", 9, "duplicate_key"),
    }

    def person(user: str, month: int) -> str:
        mine = next(u for u, s in names.items() if s == user)
        return names[person_of(SparkRows(lake), mine, dt.date(2019, month, 20))]

    assert [person("a1", month) for month in (2, 3, 4, 5)] == ["a1", "c1", "c1", "w1"]
    assert [person("w4", month) for month in (2, 3, 4)] == ["w4", "c1", "c2"]
    assert person("w2", 6) == "w2"
    versions = [lake.version(table) for table in (t.EVENTS, t.IDENTITY_LINKS, t.USER_DICTIONARY)]
    ingest(lake, dataset, run_id="second")
    assert [lake.version(table) for table in (t.EVENTS, t.IDENTITY_LINKS, t.USER_DICTIONARY)] == versions


def test_links_are_declared_with_a_consent_that_is_yes_or_no_and_both_ids_are_people(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"identity_links\.consent: column agreed is string; it must be boolean"):
        shop(tmp_path, columns=COLUMNS | {"agreed": "string"})
    assert replaced_columns(shop(tmp_path, pseudonyms={}))["links"] == {"web", "card"}
