"""What the service keeps of its answers: by HTTP, from the real service, in a real inbox."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from fuserank.client import AsyncClient, Client, ServiceError
from fuserank.common.errors import FuserankError
from fuserank.serving.store import snapshot
from tests.support.service import Running, running, until
from tests.support.stores import user, write_snapshot
from tests.unit.serving.test_inbox import lines_of, no_file_beyond

LIST = "/v1/users/u1/recommendations?k=2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_snapshot(tmp_path / "store", [user("u1"), user("u2", first=3)])
    snapshot.switch(folder.parent, folder.name)
    return tmp_path / "store"


def exposure(service: Running, path: str = LIST) -> str:
    answer = service.ask("GET", path)
    assert answer.status == 200
    return str(answer.json["exposure"])


def test_an_answer_leaves_a_line_with_all_that_made_it_before_it_goes_out(root: Path, tmp_path: Path) -> None:
    with running(root, inbox=tmp_path / "inbox") as service:
        before = time.time_ns() // 1000
        answer = service.ask("GET", LIST).json
        assert answer["exposure"] == "shown"
        [line] = lines_of(tmp_path / "inbox", "*.open")
        assert before <= line.pop("at") <= time.time_ns() // 1000
        assert line == {
            "row": 0,
            "kind": "answer",
            "answer_id": answer["answer_id"],
            "user": "u1",
            "surface": "home",
            "route": "recommendations",
            "served_from": "personal",
            "policy_id": "published-1",
            "shown_by": "answer",
            "ranking_run_id": "run-1",
            "ranking_version": 1,
            "as_of": "2024-06-03",
            "snapshot": "000001-run",
            "first_position": 1,
            "items": ["i0", "i1"],
            "scores": [one["score"] for one in answer["items"]],
            "reason_codes": ["popular", "popular"],
        }


def test_the_next_page_goes_on_where_the_one_before_ended(root: Path, tmp_path: Path) -> None:
    with running(root, inbox=tmp_path / "inbox") as service:
        cursor = service.ask("GET", LIST).json["cursor"]
        service.ask("GET", f"{LIST}&cursor={cursor}")
    assert [one["first_position"] for one in lines_of(tmp_path / "inbox")] == [1, 3]


def test_every_route_that_answers_items_leaves_a_line_and_what_is_refused_or_a_dry_run_none(
    root: Path, tmp_path: Path
) -> None:
    with running(root, inbox=tmp_path / "inbox") as service:
        assert exposure(service, f"{LIST}&dry_run=true") == "dry_run"
        assert service.ask("GET", "/v1/users/u1/recommendations?k=0").status == 422
        assert service.ask("HEAD", LIST).status == 200  # nobody sees it
        assert service.ask("POST", "/v1/rank", {"candidates": ["i1", "i2"]}).json["exposure"] == "shown"
        assert service.ask("GET", "/v1/items/i3/similar?k=1").json["exposure"] == "shown"
        assert service.ask("POST", "/v1/baskets/recommendations", {"basket": ["i1"]}).json["exposure"] == "shown"
        session = {"session": [{"item": "i3"}], "k": 1}
        assert service.ask("POST", "/v1/sessions/recommendations", session).json["exposure"] == "shown"
        assert service.ask("POST", "/v1/users/u2/recommendations", {"k": 1}).json["exposure"] == "shown"
    lines = lines_of(tmp_path / "inbox")
    assert [one["route"] for one in lines] == ["rank", "similar", "basket", "session", "recommendations_now"]
    assert [one.get("user") for one in lines] == [None, None, None, None, "u2"]


def test_without_an_inbox_nothing_is_kept_and_a_confirmation_is_refused(root: Path) -> None:
    with running(root) as service:
        assert exposure(service) == "off"
        refused = service.ask("POST", "/v1/exposures", {"answer_id": "a1"})
        assert (refused.status, refused.error["code"]) == (404, "no_inbox")


def test_where_clients_say_what_was_seen_an_answer_awaits_it_and_the_client_has_a_method(
    root: Path, tmp_path: Path
) -> None:
    with running(root, inbox=tmp_path / "inbox", shown_by="client") as service:
        with Client(f"http://127.0.0.1:{service.port}") as client:
            answer = client.recommend("u1", k=2)
            assert answer.exposure == "awaited"
            confirmed = client.confirm(answer.answer_id, ["i1"])
            assert (confirmed.answer_id, confirmed.items) == (answer.answer_id, 1)
            with pytest.raises(ServiceError) as failed:
                client.confirm("")
            assert (failed.value.status, failed.value.field) == (422, "answer_id")

        async def awaited() -> int | None:
            async with AsyncClient(f"http://127.0.0.1:{service.port}") as client:
                return (await client.confirm(answer.answer_id)).items

        assert asyncio.run(awaited()) is None
        assert service.ask("POST", "/v1/exposures", {"answer_id": "a", "items": []}).error["field"] == "items"
        assert service.ask("POST", "/v1/exposures", {"answer_id": "a", "seen": []}).error["field"] == "seen"
    lines = lines_of(tmp_path / "inbox")
    assert [(one["kind"], one.get("items")) for one in lines] == [
        ("answer", ["i0", "i1"]),
        ("shown", ["i1"]),
        ("shown", None),
    ]
    assert lines[0]["shown_by"] == "client"


def test_a_full_disk_costs_no_answer_is_said_and_counted_and_a_confirmation_is_to_be_sent_again(
    root: Path, tmp_path: Path
) -> None:
    with running(root, inbox=tmp_path / "inbox") as service:
        assert exposure(service) == "shown"
        size = next((tmp_path / "inbox").glob("*.open")).stat().st_size
        with no_file_beyond(size):
            assert [exposure(service) for _ in range(3)] == ["unwritten"] * 3
            refused = service.ask("POST", "/v1/exposures", {"answer_id": "a1"})
            assert (refused.status, refused.error["code"]) == (429, "inbox_full")
            assert refused.headers["retry-after"] == "1"
        assert len(service.lines("inbox")) == 1
        assert exposure(service) == "shown"
        numbers = service.ask("GET", "/metrics").body.decode()
        assert 'fuserank_exposures_total{state="unwritten"} 3.0' in numbers
        assert 'fuserank_exposures_total{state="shown"} 2.0' in numbers
    assert len(lines_of(tmp_path / "inbox")) == 2


def test_under_load_every_answer_has_its_line_when_the_service_has_ended(root: Path, tmp_path: Path) -> None:
    answered: list[str] = []
    with running(root, inbox=tmp_path / "inbox", inbox_bytes=5_000) as service:

        def load() -> None:
            for _ in range(100):
                answered.append(service.ask("GET", LIST).json["answer_id"])

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        until(lambda: len(list((tmp_path / "inbox").glob("*.jsonl"))) > 1)
    lines = lines_of(tmp_path / "inbox", "*.jsonl")
    assert sorted(one["answer_id"] for one in lines) == sorted(answered)
    assert len(answered) == 300


def test_an_inbox_that_cannot_be_written_stops_the_start_with_words(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cannot = r"the inbox .*file/inbox cannot be written: Not a directory; name another"
    with pytest.raises(FuserankError, match=cannot), running(root, inbox=tmp_path / "file" / "inbox"):
        pass
