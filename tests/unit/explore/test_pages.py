"""Pages over a lake in a folder: what they show, and what they refuse."""

from __future__ import annotations

import random
import re
import shutil
import socket
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.explore import serve, users
from fuserank.explore.shop import Shop
from fuserank.explore.users import parts_of
from fuserank.io.lake.rows import FolderRows
from fuserank.privacy.keys import Key
from fuserank.tables.ops import PSEUDONYMS
from fuserank.tables.silver import EVENTS
from tests.support.chance import DAYS, fill
from tests.support.cli import ran
from tests.support.folder_lake import write
from tests.support.people import SECRET, VARIABLE
from tests.unit.explore.conftest import NASTY, Site, served
from tests.unit.insight.worlds import MAPPING

PAGES = ("/", "/users", "/user?id=u1", "/items", "/item?id=i1", "/runs", "/run?id=run-03", "/quarantine")


class Links(HTMLParser):
    """Addresses that a page leads to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {v for n, v in attrs if n in ("href", "src", "action") and v}


def links(text: str) -> set[str]:
    parser = Links()
    parser.feed(text)
    return {a for a in parser.found if not a.startswith("#")}


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_every_page_and_every_link_from_it_is_there(site: Site) -> None:
    seen, open_ = set(), list(PAGES)
    while open_:
        address = open_.pop()
        if address in seen:
            continue
        seen.add(address)
        assert address.startswith("/"), f"{address} leads out of here"
        status, text, headers = site.get(address)
        assert status == 200, f"{address}: {words(text)}"
        if headers["content-type"].startswith("text/html"):
            kind = urllib.parse.urlsplit(address).path
            more = sum(urllib.parse.urlsplit(a).path == kind for a in seen)
            open_ += links(text) if more < 4 else []
    kinds = {urllib.parse.urlsplit(a).path for a in seen}
    assert kinds >= {*(p.partition("?")[0] for p in PAGES), "/quarantine/rows", "/style.css", "/icon.svg"}


def test_what_a_lake_says_is_text_and_never_markup(site: Site) -> None:
    for path in (
        *PAGES,
        "/items?q=%3Cscript",
        "/users?q=%3Cscript%3E",
        "/user?id=%3Cb%3E",
        "/nix%3Cb%3E",
        "/user?id=u1&from=%3Cb%3E",
    ):
        _, text, headers = site.get(path)
        assert "<script" not in text
        assert "<b>" not in text.replace("<b>2", "").replace("<b>fusion", "").replace('<div class="tile"><b>', ""), path
        assert "style=" not in text, "the policy forbids it"
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert headers["cache-control"] == "no-store"
    assert "&lt;script&gt;alert(" in site.page("/item", id="i1")
    assert NASTY.replace("&", "").split()[0] in words(site.page("/items")).replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&#34;", '"')


def test_other_names_of_this_machine_and_other_methods_are_refused(site: Site) -> None:
    port = site.base.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1:1", ""):
        status, text, _ = site.get("/user?id=u1", Host=host)
        assert (status, "u1" in text) == (421, False), host
    assert site.get("/", Host=f"localhost:{port}")[0] == 200
    assert site.get("/", method="POST")[0] == 405
    assert site.get("/", method="HEAD")[:2] == (200, "")


def test_it_answers_on_the_loopback_alone(site: Site) -> None:
    server = serve.listening(0)
    assert server.getsockname()[0] == "127.0.0.1"
    server.close()


def test_a_user_s_history_stands_beside_the_list_with_its_parts(site: Site) -> None:
    text = site.page("/user", id=" u1 ")
    visible, rows = (
        words(text),
        FolderRows(str(site.lake)).rows(EVENTS, {"user_id": "u1"}, ("event_id",), known=DAYS[0]),
    )
    history = text[text.index("<h2>History") : text.index("<h2>List")]
    assert history.count("/item?id=") == len(rows) > 30
    assert site.page("/user", id="u1", **{"from": "30"}).count('class="w"') == len(rows) - 30
    assert "age 45-54" in visible
    assert any("taken back" in words(site.page("/user", id=f"u{n}")) for n in range(4))
    assert "because" in visible
    assert "ALS 1.0000" in visible
    assert visible.index("History") < visible.index("List") < visible.index("Features")


def test_users_are_found_by_how_their_id_begins_else_by_the_nearest(site: Site) -> None:
    assert len(re.findall(r'href="/user\?id=u\d"', site.page("/users", q="u"))) == 5  # one is deleted
    assert len(re.findall(r'href="/user\?id=u\d"', site.page("/users", q="u1"))) == 1
    assert "Nearest: u0" in words(site.page("/users", q="x0"))
    status, text, _ = site.get("/user?id=u99")
    assert status == 404
    assert "nothing is known of user &#39;u99&#39; before 2024-03-29" in text
    assert 'href="/user?id=u0"' in text


def test_a_pseudonym_is_found_by_the_id_in_the_shop_where_the_key_is_here(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key.of_text(SECRET, VARIABLE)
    fill(tmp_path / "lake", random.Random(3), returns=False, users=[key.of(f"c4n4ry-{n}") or "" for n in range(6)])
    write(tmp_path / "lake", PSEUDONYMS, [{"dataset": "shop", "key_check": key.fingerprint}])
    shutil.copytree(shop / "conf", tmp_path / "conf")
    mapping = {**MAPPING, "pseudonyms": {"also": {"sales": []}}}
    (tmp_path / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(mapping))
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    monkeypatch.setenv(VARIABLE, SECRET)
    seen = Shop(FolderRows(str(tmp_path / "lake")), load("local", ["dataset=shop", f"as_of={DAYS[0]}"]))
    mine = key.of("c4n4ry-1")
    assert [r["user_id"] for r in users.users(seen, " c4n4ry-1 ", "")["rows"]] == [mine]
    assert users.user(seen, "c4n4ry-1", 0)["user"] == mine
    monkeypatch.delenv(VARIABLE)
    result = users.users(seen, "c4n4ry-1", "")
    assert (result["rows"], VARIABLE in result["note"]) == ([], True)
    assert users.user(seen, str(mine), 0)["user"] == mine  # a pseudonym needs no key


def test_items_are_found_by_id_and_by_words_of_their_name(site: Site) -> None:
    assert "Milk 1 l" in site.page("/items", q="MILK")
    assert "/item?id=i0" in site.page("/items", q="i0")
    assert "/item?id=i3" in site.page("/items", q="i3")  # not in the catalogue
    visible = words(site.page("/item", id="i0"))
    assert "of 4 users" in visible
    assert "In the same baskets" in visible
    status, text, _ = site.get("/item?id=milk")
    assert (status, "Milk 1 l (i0)" in text) == (404, True)


def test_nothing_of_after_the_day_is_shown_and_the_day_is_kept_in_links(site: Site) -> None:
    later = site.page("/item", id="i0", as_of="2024-04-09")
    assert "Milk, new" in later
    assert "Milk, new" not in site.page("/item", id="i0")
    assert 'href="/users?as_of=2024-04-09"' in later
    assert site.get("/users?as_of=soon")[0] == 404
    status, text, _ = site.get("/user?id=u1&as_of=2024-03-01")
    assert (status, "before 2024-03-01" in text) == (404, True)
    assert "Made as of: 2024-03-29 · 2024-03-01" in words(site.page("/"))


def test_runs_and_quarantine_come_in_pages_of_fifty(site: Site) -> None:
    first = site.page("/runs")
    assert first.index("run-53") < first.index("run-04")
    assert 'href="/runs?from=50"' in first
    assert "run-03" in site.page("/runs", **{"from": "50"})
    assert "out of &lt;memory&gt;" in site.page("/run", id="run-03")
    assert site.get("/run?id=run-99")[0] == 404
    groups = words(site.page("/quarantine"))
    assert "60 are open" in groups
    query = {"dataset": "shop", "table": "sales", "rule": "no_item", "column": "i"}
    assert "1 to 50 of 60" in words(site.page("/quarantine/rows", **query, state="open"))
    assert "&lt;b&gt;60&lt;/b&gt;" in site.page("/quarantine/rows", **query, state="fixed")
    assert site.get("/quarantine/rows?dataset=shop&table=sales&rule=none")[0] == 404


def test_the_first_page_tells_quality_over_time_and_broken_rules(site: Site) -> None:
    text = site.page("/")
    assert "<polyline" in text
    visible = words(text)
    for phrase in (
        "300 events",
        "6 users",
        "4 lists as of 2024-03-29",
        "0.3200",
        "1 kept, 1 broken",
        "the last day is &lt;old&gt;",
    ):
        assert phrase in visible, phrase


def test_an_empty_lake_says_what_to_run(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "lake").mkdir()
    with served(tmp_path / "lake", shop / "conf") as (site, line):
        assert line.startswith("completejourney as of 2017-12-04: ")
        for path in ("/", "/runs"):
            assert "fuserank refresh" in words(site.page(path))
        assert "Nothing is in quarantine" in site.page("/quarantine")
        for path in ("/users", "/items", "/user?id=u1", "/item?id=i1"):
            status, text, _ = site.get(path)
            assert (status, "fuserank refresh" in text) == (404, True), path


def test_a_lake_that_is_not_in_a_folder_is_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(FuserankError, match=r"no lake at .*nix; `fuserank refresh --lake .*nix` makes one"):
        ran("explore", "--lake", str(tmp_path / "nix"), "--no-open")
    with pytest.raises(FuserankError, match="explore looks at a lake in a folder, and s3a://shop/lake is none"):
        ran("explore", "--lake", "s3a://shop/lake", "--no-open")


def test_a_port_that_is_taken_is_told_with_another(site: Site) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            FuserankError, match=rf"port {port} is taken; choose another: --port {port + 1}, or --port 0"
        ):
            ran("explore", "--lake", str(site.lake), "--port", str(port), "--no-open")


def test_parts_below_zero_go_to_the_left_and_the_longest_row_has_all() -> None:
    rows = [{"parts": {"a": 3.0, "b": -1.0}}, {"parts": {"a": 1.0}}]
    parts = parts_of(rows)
    assert [(round(b["x"]), round(b["width"])) for b in parts["bars"][0]] == [(250, 750), (0, 250)]
    assert [(round(b["x"]), round(b["width"])) for b in parts["bars"][1]] == [(250, 250)]
    assert parts["zero"] == 250
    assert parts_of([{"parts": {"a": 0.5}}])["zero"] is None
