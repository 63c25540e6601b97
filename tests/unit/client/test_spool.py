"""Events that wait on disk until a real service has taken them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fuserank.client import AsyncClient, Client, ServiceError, Spool, SpoolError
from tests.support.collecting import click, collecting, in_inbox, store
from tests.support.service import Running
from tests.unit.serving.test_inbox import no_file_beyond


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path / "store")
    return tmp_path


def client(port: int) -> Client:
    return Client(f"http://127.0.0.1:{port}", retries=0)


def test_both_clients_send_events_and_say_what_became_of_each(root: Path) -> None:
    with collecting(root) as service, client(service.port) as asks:
        event = click()
        found = asks.send([event, event, click(user=None)], "clicks")
        assert (found.accepted, found.duplicates) == (1, [1])
        assert [(one.index, one.rule, one.column) for one in found.refused] == [(2, "no_user", "user")]

        async def awaited() -> int:
            async with AsyncClient(f"http://127.0.0.1:{service.port}") as other:
                return (await other.send([click()])).accepted

        assert asyncio.run(awaited()) == 1


def test_what_was_spooled_is_sent_once_the_service_is_there_and_survives_this_process(root: Path) -> None:
    events = [click(line=f"s{n}") for n in range(30)]
    with Spool(root / "spool") as spool:
        for event in events[:10]:
            spool.add(event)
        with client(9) as nobody, pytest.raises(ServiceError):
            spool.send(nobody)
        spool.add(events[10], "clicks")
    with Spool(root / "spool") as spool:  # another process
        for event in [*events[11:], click(user=None, line="bad"), events[0]]:
            spool.add(event)

        def sent(service: Running) -> tuple[int, list[int], list[tuple[int, str]]]:
            with client(service.port) as asks:
                found = spool.send(asks)
            return found.accepted, found.duplicates, [(one.index, one.rule) for one in found.refused]

        with collecting(root) as service:
            assert sent(service) == (30, [31], [(30, "no_user")])
            assert sent(service) == (0, [], [])
    assert in_inbox(root) == events
    refused = json.loads((root / "spool" / "refused.jsonl").read_text())
    assert (refused["rule"], refused["event"]["line"]) == ("no_user", "bad")


def test_what_was_sent_before_a_kill_and_is_sent_again_counts_once(root: Path) -> None:
    with Spool(root / "spool") as spool, collecting(root) as service, client(service.port) as asks:
        spool.add(click(line="a"))
        before = (root / "spool" / "waiting.jsonl").read_bytes()
        assert spool.send(asks).accepted == 1
        (root / "spool" / "sending.jsonl").write_bytes(before + before[:20])  # killed before it could forget it
        spool.add(click(line="b"))
        found = spool.send(asks)
        assert (found.accepted, found.duplicates) == (1, [0])


def test_a_spool_says_when_it_is_full_and_is_one_process_s(root: Path) -> None:
    with Spool(root / "spool", most_bytes=400) as spool:
        spool.add(click())
        with pytest.raises(SpoolError, match="another process"):
            Spool(root / "spool")
        with pytest.raises(SpoolError, match="is full"):
            spool.add(click(item="x" * 400))
    with Spool(root / "other") as spool:
        with no_file_beyond(10), pytest.raises(SpoolError, match="takes nothing"):
            spool.add(click())
        assert (root / "other" / "waiting.jsonl").stat().st_size == 0
        spool.add(click())
