"""The script for pages, in a real browser: what a page of another origin sends arrives, also when it is left.

`make browser-test` runs these.
"""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from fuserank.serving.keys import made
from tests.support.collecting import collecting, in_inbox, store
from tests.support.service import until

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><script>fuserankSettings = {url: "http://127.0.0.1:%d", key: "%s", from: "clicks",
  userColumn: "user", user: function () { return "u17"; }, type: "type", time: "time", id: "line"};</script>
<script src="http://127.0.0.1:%d/v1/collect.js"></script>
<script>for (var n = 0; n < 25; n++) fuserank("view", {item: "i" + n});</script>"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def site(folder: Path) -> Iterator[int]:
    """The shop's own server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_page_sends_what_its_visitor_does_and_the_rest_when_it_is_left(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium is here: apt-get install chromium, or CHROMIUM=/path/to/it"
    store(tmp_path / "store")
    (tmp_path / "site").mkdir()
    with site(tmp_path / "site") as shop, site(tmp_path / "site") as stranger, sync_playwright() as started:
        key, _ = made(tmp_path / "keys.yaml", "page", ["events:write"], None, [f"http://127.0.0.1:{shop}"])
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with collecting(tmp_path, keys=tmp_path / "keys.yaml") as service:
            (tmp_path / "site" / "index.html").write_text(PAGE % (service.port, key, service.port))
            page, problems = browser.new_page(), list[str]()
            page.on("pageerror", lambda problem: problems.append(str(problem)))
            page.goto(f"http://127.0.0.1:{shop}/")
            until(lambda: len(in_inbox(tmp_path)) == 25)
            page.evaluate('fuserank("hate", {item: "i1", user: "u1"})')
            page.goto("about:blank")  # it is left before its second is over
            until(lambda: len(in_inbox(tmp_path)) == 26)
            page.goto(f"http://127.0.0.1:{stranger}/")
            until(lambda: any(line["status"] == 403 for line in service.lines("request")))
        browser.close()
    lines = in_inbox(tmp_path)
    assert not problems
    assert len(lines) == 26
    assert {line["item"] for line in lines[:25]} == {f"i{n}" for n in range(25)}
    assert {line["user"] for line in lines[:25]} == {"u17"}
    assert len({line["line"] for line in lines}) == 26
    assert (lines[25]["user"], lines[25]["type"]) == ("u1", "hate")
