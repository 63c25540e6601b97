"""From the service to the report: answers in the inbox, bronze, silver, events that name them, their shares."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.evaluation.outcomes import by_place, by_policy, outcomes, ratio
from fuserank.history.events import reversals_of
from fuserank.jobs.parts.exposure_rows import lines_into_bronze, lines_into_silver
from fuserank.serving.inbox.lines import ANSWER, SHOWN, Line, encoded
from fuserank.serving.store import snapshot
from fuserank.tables.exposures import EXPOSURES, LINES
from fuserank.tables.ops import QUARANTINE
from fuserank.tables.silver import EVENTS
from tests.support.service import running
from tests.support.shop import NOW, columns, ingest, mapping, run_on, sales, write_csv
from tests.support.stores import user, write_snapshot

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run

NOON = dt.datetime(2019, 5, 1, 12, tzinfo=dt.UTC)


def at(minutes: int) -> int:
    return int((NOON + dt.timedelta(minutes=minutes)).timestamp() * 1_000_000)


def answer(answer_id: str, items: list[str], minutes: int = 0, **changes: Any) -> Line:
    values: dict[str, Any] = {
        "kind": ANSWER,
        "at": at(minutes),
        "answer_id": answer_id,
        "user": "u1",
        "surface": "home",
        "route": "recommendations",
        "served_from": "personal",
        "policy_id": "published-1",
        "shown_by": "answer",
        "ranking_run_id": "run-1",
        "ranking_version": 1,
        "as_of": "2019-05-01",
        "snapshot": "000001-run",
        "first_position": 1,
        "items": items,
        "scores": [1.0 / (n + 1) for n in range(len(items))],
        "reason_codes": ["popular"] * len(items),
    }
    return Line(**(values | changes))


def seen(answer_id: str, items: list[str], minutes: int) -> Line:
    return Line(kind=SHOWN, at=at(minutes), answer_id=answer_id, items=items)


def segment(inbox: Path, number: int, *lines: Line | bytes) -> Path:
    """A whole segment as a service leaves it."""
    inbox.mkdir(exist_ok=True)
    path = inbox / f"20190501T120000Z-00000000-{number:012x}.jsonl"
    path.write_bytes(b"".join(one if isinstance(one, bytes) else encoded(one, n) for n, one in enumerate(lines)))
    return path


def shop(root: Path, *events: dict[str, Any], **changes: Any) -> DatasetConfig:
    """A shop whose clicks and sales may name an answer."""
    write_csv(root / "sales.csv", sales(*({"answer": ""} | one for one in events or ({},))))
    return mapping(root, columns=columns(answer="string"), **changes)


def take_in(lake: Lake, dataset: DatasetConfig, inbox: Path, run_id: str = "test-run", now: dt.datetime = NOW) -> Run:
    """The inbox into bronze and silver, as the two jobs do it beside the shop's own files."""
    run = run_on(lake, dataset, run_id, now, inbox=inbox)
    lines_into_bronze(run, None)
    lines_into_silver(run, dataset)
    return run


def rows_of(lake: Lake) -> list[dict[str, Any]]:
    return [r.asDict() for r in lake.read(EXPOSURES).orderBy("answer_id", "position").collect()]


def test_answers_of_a_real_service_come_into_silver_once_and_with_what_was_seen(lake: Lake, tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path / "store", [user("u1")])
    snapshot.switch(folder.parent, folder.name)
    # the run is older than what the service answered meanwhile
    dataset, inbox, now = shop(tmp_path), tmp_path / "inbox", dt.datetime.now(dt.UTC)
    with running(tmp_path / "store", inbox=inbox, shown_by="client", inbox_seconds=0.05) as service:
        found = [service.ask("GET", "/v1/users/u1/recommendations?k=2").json for _ in range(2)]
        service.ask("POST", "/v1/exposures", {"answer_id": found[0]["answer_id"], "items": ["i1"]})
        while list(inbox.glob("*.open")):
            time.sleep(0.02)
        run = take_in(lake, dataset, inbox, now=now)
        assert (run.metrics["exposure_lines"], run.metrics["exposures"]) == (3, 4)
        service.ask("POST", "/v1/exposures", {"answer_id": found[1]["answer_id"]})
        service.ask("POST", "/v1/exposures", {"answer_id": "of no answer"})
    by_answer = {one["answer_id"]: one for one in found}
    rows = rows_of(lake)
    assert {(r["answer_id"], r["item_id"], r["position"]) for r in rows} == {
        (a["answer_id"], one["item"], one["rank"]) for a in found for one in a["items"]
    }
    assert {(r["answer_id"], r["item_id"]) for r in rows if r["shown_at"]} == {(found[0]["answer_id"], "i1")}
    for row in rows:
        one = by_answer[row["answer_id"]]
        assert (row["user_id"], row["surface"], row["policy_id"]) == ("u1", "home", one["policy_id"])
        assert (row["ranking_run_id"], row["ranking_version"]) == ("run-1", 1)
        assert (row["as_of_date"], row["propensity"], row["dataset"]) == (dt.date(2024, 6, 3), None, "shop")
        assert abs((row["answered_at"].replace(tzinfo=dt.UTC) - now).total_seconds()) < 3600
    again = take_in(lake, dataset, inbox, "second", now)
    assert again.metrics["exposure_lines"] == 2
    assert {(r["answer_id"], r["item_id"]) for r in rows_of(lake) if r["shown_at"]} == {
        (found[0]["answer_id"], "i1"),
        (found[1]["answer_id"], "i0"),
        (found[1]["answer_id"], "i1"),
    }
    before = {table.name: lake.version(table) for table in (LINES, EXPOSURES)}
    take_in(lake, dataset, inbox, "third", now)
    assert {table.name: lake.version(table) for table in (LINES, EXPOSURES)} == before, "nothing is new"


def test_what_a_killed_run_took_into_bronze_is_not_taken_again_and_comes_into_silver(
    lake: Lake, tmp_path: Path
) -> None:
    dataset, inbox = shop(tmp_path), tmp_path / "inbox"
    segment(inbox, 1, answer("a1", ["i1", "i2"]))
    lines_into_bronze(run_on(lake, dataset, inbox=inbox), None)  # and the run dies before silver
    segment(inbox, 2, answer("a2", ["i1"], 1))
    dead = segment(inbox, 3, answer("a3", ["i3"], 2), b'{"row":1,"kind":"ans')
    dead.rename(dead.with_suffix(".open"))
    os.utime(dead.with_suffix(".open"), (NOON.timestamp(), NOON.timestamp()))  # of another machine, and long dead
    (inbox / "notes.jsonl").write_text("no segment\n")
    take_in(lake, dataset, inbox, "second")
    assert [(r["answer_id"], r["item_id"]) for r in rows_of(lake)] == [
        ("a1", "i1"),
        ("a1", "i2"),
        ("a2", "i1"),
        ("a3", "i3"),
    ]
    assert lake.read(LINES).count() == 3
    assert [r["_batch"] for r in lake.read(LINES).orderBy("_batch").collect()] == [1, 2, 2]
    for path in inbox.glob("2019*.jsonl"):  # of long ago, as of the third run
        os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    last = segment(inbox, 4, answer("a4", ["i1"], 3))
    os.utime(last, (NOON.timestamp(), NOON.timestamp()))
    run = take_in(lake, dataset, inbox, "third")
    assert run.metrics["segments_removed"] == 3
    assert {path.name for path in inbox.iterdir()} == {last.name, "notes.jsonl"}, "it is in only now"
    assert lake.read(EXPOSURES).count() == 5


def test_a_line_counts_once_by_its_earliest_and_what_is_no_line_is_quarantined(lake: Lake, tmp_path: Path) -> None:
    dataset, inbox = shop(tmp_path), tmp_path / "inbox"
    segment(
        inbox,
        1,
        answer("a1", [" i1 ", "i1", "i2.0", "7.0"], 0, user=" u9 ", propensities=[0.5, 0.25, 0.125, 1.0]),
        answer("a1", ["i8"], 5),  # the same answer once more
        answer("a2", ["i1"], 1, user=None, shown_by="client", first_position=11),
        seen("a2", ["i1 "], 9),
        seen("a2", [], 7),
        seen("a2", ["i1"], 8),
        answer("empty", []),
        answer("future", ["i1"], 10**7),
        answer("placeless", ["i1"], first_position=None),
        answer("zeroth", ["i1"], first_position=0),
        answer("dayless", ["i1"], as_of="today"),
        b'{"row":20,"kind":"answer","at":1556712000000000,"answer_id":"holes","surface":"home","route":"rank",'
        b'"served_from":"personal","policy_id":"p","shown_by":"answer","ranking_run_id":"r","ranking_version":1,'
        b'"as_of":"2019-05-01","snapshot":"s","first_position":1,"items":["i1"],"scores":[null],"reason_codes":["x"]}\n',
        answer("uneven", ["i1", "i2"], scores=[1.0]),
        answer("lacking", ["i1"], surface=None),
        b"no line\n",
        b'{"row":11,"kind":"other","at":1,"answer_id":"x"}\n',
    )
    take_in(lake, dataset, inbox)
    rows = {(r["answer_id"], r["item_id"]): r for r in rows_of(lake)}
    assert set(rows) == {("a1", "i1"), ("a1", "i2.0"), ("a1", "7"), ("a2", "i1")}
    assert [(r["position"], r["propensity"], r["user_id"]) for k, r in rows.items() if k[0] == "a1"] == [
        (1, 0.5, "u9"),
        (3, 0.125, "u9"),
        (4, 1.0, "u9"),
    ]
    anonymous = rows["a2", "i1"]
    assert (anonymous["user_id"], anonymous["position"]) == (None, 11)
    assert anonymous["shown_at"] == (NOON + dt.timedelta(minutes=7)).replace(tzinfo=None)
    assert anonymous["known_at"] == anonymous["shown_at"]
    bad = lake.read(QUARANTINE).where("source_table = '_inbox'").collect()
    assert sorted((r["rule"], json.loads(r["payload"]).get("answer_id", "")) for r in bad) == [
        ("time_in_future", "future"),
        *(("unreadable", name) for name in ("", "dayless", "holes", "lacking", "placeless", "uneven", "x", "zeroth")),
    ]
    take_in(lake, dataset, inbox, "second")
    assert lake.read(QUARANTINE).where("source_table = '_inbox'").count() == 9


def test_where_the_mapping_has_pseudonyms_no_id_of_the_inbox_comes_into_the_lake(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSERANK_PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef")
    dataset, inbox = shop(tmp_path, pseudonyms={"vault": False}), tmp_path / "inbox"
    segment(inbox, 1, answer("a1", ["i1"]), b'{"user": "u1", "at": broken\n')
    ingest(lake, dataset, inbox=inbox)
    [row] = rows_of(lake)
    [event] = lake.read(EVENTS).collect()
    assert row["user_id"] == event["user_id"]
    assert row["user_id"].startswith("p1_")
    assert "u1" not in str(lake.read(LINES).collect())
    assert '"u1"' not in str([r["payload"] for r in lake.read(QUARANTINE).collect()])


def test_events_that_name_an_answer_make_its_shares_by_surface_and_by_place(lake: Lake, tmp_path: Path) -> None:
    named = {"user": "u1", "time": "2019-05-02 10:00:00"}
    dataset = shop(
        tmp_path,
        named | {"answer": "a1", "item": "i1"},
        named | {"answer": "a1", "item": "i1"},  # twice is once
        named | {"answer": "", "item": "i2"},
        named | {"answer": "a2", "item": "i9"},  # not in the answer
        named | {"answer": "a3", "item": "i1", "user": "u2"},
        named | {"answer": "a4", "item": "i1"},  # offered, not seen
        events=[
            {
                "from": "sales",
                "type": "purchase",
                "role": "feedback",
                "user": "user",
                "item": "item",
                "time": "time",
                "key": ["line"],
                "request": "answer",
            }
        ],
    )
    inbox = tmp_path / "inbox"
    segment(
        inbox,
        1,
        answer("a1", ["i1", "i2"]),
        answer("a2", ["i1", "i3"], 1),
        answer("a3", ["i1", "i2"], 2, user="u2"),
        answer("a4", ["i1"], 3, shown_by="client", surface="basket"),
        answer("a5", ["i1"], 4, user=None, policy_id="other"),
    )
    ingest(lake, dataset, inbox=inbox)
    events = lake.read(EVENTS)
    rows = outcomes(lake.read(EXPOSURES), events, reversals_of(events))
    found = {(s.surface, s.policy): s for s in by_policy(rows)}
    assert {s.route for s in found.values()} == {"recommendations"}
    home = found["home", "published-1"]
    assert (home.answers, home.users, home.offered, home.seen) == (3, 2, 6, 6)
    assert (home.clicked, home.taken) == (2, 2)
    assert home.click_rate.value == pytest.approx(1 / 3)
    assert home.click_rate.low < 0.1, "two users say little"
    assert home.click_rate.high > 0.7
    basket = found["basket", "published-1"]
    assert (basket.offered, basket.seen, basket.clicked) == (1, 0, 0)
    assert basket.click_rate.value != basket.click_rate.value
    assert (found["home", "other"].users, found["home", "other"].seen) == (0, 1)
    places = {(s.surface, s.place): (s.seen, s.clicked) for s in by_place(rows)}
    assert places == {("basket", 1): (0, 0), ("home", 1): (4, 2), ("home", 2): (3, 0)}


def test_an_interval_of_a_share_covers_the_truth_as_often_as_it_says() -> None:
    import numpy as np

    rng, inside, trials = np.random.default_rng(5), 0, 400
    for _ in range(trials):
        seen_U = rng.integers(1, 20, 300)
        rate_U = rng.beta(2, 8, 300)
        hits_U = rng.binomial(seen_U, rate_U)
        share = ratio(
            300,
            int(hits_U.sum()),
            int(seen_U.sum()),
            int((hits_U**2).sum()),
            int((hits_U * seen_U).sum()),
            int((seen_U**2).sum()),
        )
        inside += share.low <= 0.2 <= share.high
    assert 0.92 <= inside / trials <= 0.98


def test_where_nothing_was_clicked_the_interval_is_not_nothing() -> None:
    none = ratio(1000, 0, 5000, 0, 0, 30_000)
    assert (none.value, none.low) == (0.0, pytest.approx(0.0))
    assert 0.003 < none.high < 0.005
    alone = ratio(1, 2, 3, 4, 6, 9)
    assert alone.low < 0.2 < 0.9 < alone.high
