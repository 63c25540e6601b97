"""What both clients share: requests, what is read, when is tried again; and what they import."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import typing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fuserank.client
from fuserank.client import AsyncClient, Client, ServiceError
from fuserank.client.calls import ItemOptions
from fuserank.client.replies import Reply, seconds_to_wait
from fuserank.client.tries import Schedule, Tries
from fuserank.serving.keys import made
from fuserank.serving.requests import Answer, Options
from fuserank.serving.store import snapshot
from tests.support.pages import DOCS
from tests.support.service import running, until
from tests.support.stores import user, write_snapshot

HERE = Path(fuserank.client.__file__).parent
SCHEDULE = Schedule(timeout=2, retries=3, deadline=10)


def test_options_are_those_of_the_service() -> None:
    assert set(typing.get_type_hints(ItemOptions)) == set(Options.__struct_fields__)


def test_a_wait_is_full_jitter_that_doubles_up_to_a_cap_on_top_of_what_the_service_names() -> None:
    longest = [SCHEDULE.wait(tries, 0, 1.0) for tries in (1, 2, 3, 6, 7, 5000)]
    assert longest == pytest.approx([0.1, 0.2, 0.4, 3.2, 5.0, 5.0])
    assert SCHEDULE.wait(3, 0, 0.0) == 0
    assert SCHEDULE.wait(3, 7, 0.5) == pytest.approx(7.2)


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)
    for text, seconds in (
        ("3", 3),
        (" 0 ", 0),
        ("Sun, 29 Nov 2026 12:00:05 GMT", 5),
        ("Sun, 29 Nov 2026 12:00:05 -0000", 5),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("-1", 0),
        ("1.5", 0),
        ("٣", 0),
        ("", 0),
        (None, 0),
    ):
        assert seconds_to_wait(text, now) == seconds, text
    assert seconds_to_wait("9" * 400) == float("inf")


def test_tries_end_by_count_and_by_the_clock() -> None:
    now = [100.0]
    tries = Tries(SCHEDULE, Answer, "r", "key", lambda: now[0], lambda: 0.5)
    assert tries.end() == 102
    assert tries.after(Reply(503)) == pytest.approx(0.05)
    now[0] = 109
    assert tries.end() == 110, "what is left of all"
    with pytest.raises(ServiceError):
        tries.after(Reply(503, retry_after="1"))
    assert "key" not in repr(tries)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_cannot_be_is_refused_at_once_and_no_secret_repeated(kind: type[Client] | type[AsyncClient]) -> None:
    for url in (
        "ftp://host",
        "host:8200",
        "http://",
        "http://host/?a=b",
        "http://me:secret@host",
        "http://[::1",
        "http://host:99999",
    ):
        with pytest.raises(ValueError, match="url"):
            kind(url, "key")
    for key in ("", "secret\n", "a secret", "gehéim"):
        with pytest.raises(ValueError, match=r"^key: ") as failed:
            kind("http://host", key)
        assert not key or key not in str(failed.value)
    for options in ({"timeout": 0}, {"deadline": -1}, {"timeout": float("nan")}, {"retries": -1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            kind("http://host", "key", **options)
    assert repr(kind("https://host/", "a-secret")) == f"{kind.__name__}('https://host')"


def test_it_imports_what_is_sent_and_common_alone_and_the_service_does_not_import_it() -> None:
    found = set()
    for module in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fuserank"):
                found.add(node.module)
    theirs = {name for name in found if name and not name.startswith(("fuserank.client", "fuserank.common."))}
    assert theirs == {"fuserank.serving.requests"}
    for module in (HERE.parent / "serving").rglob("*.py"):
        assert "fuserank.client" not in module.read_text(encoding="utf-8")


def test_its_import_brings_nothing_heavy() -> None:
    code = "import sys, fuserank.client; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert not {"pyspark", "delta", "torch", "lmdb", "redis", "numpy", "uvicorn", "pydantic"} & set(done.stdout.split())


def test_the_python_of_the_page_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (DOCS / "serving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    folder = write_snapshot(tmp_path / "store", [user("u17")])
    snapshot.switch(folder.parent, folder.name)
    key, _ = made(tmp_path / "keys.yaml", "shop", ["recommend"], None)
    with running(tmp_path / "store", keys=tmp_path / "keys.yaml") as service:
        names = {"URL": f"http://127.0.0.1:{service.port}", "KEY": key}
        for block in blocks:
            exec(compile(block, "docs/serving.md", "exec"), names)
        routes = {"recommendations_now", "rank", "similar", "trending", "basket", "session"}
        until(lambda: {line["route"] for line in service.lines("request")} == routes)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("422 wrong_value k ") for line in lines)
    assert lines[-1] == "['i0', 'i1']"
