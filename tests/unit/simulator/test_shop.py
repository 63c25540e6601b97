"""The demo shop as people start it: its pages without a script, what it sends, and its end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fuserank.common.errors import FuserankError
from tests.support.cli import ran
from tests.support.service import ask, until
from tests.unit.simulator.conftest import Site, items, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(shop, "--keep", str(tmp_path_factory.mktemp("run"))) as site:
        yield site


@pytest.fixture
def visitor(site: Site) -> Site:
    """A new visitor of the shop."""
    site.cookie = {}
    site.page("/")
    return site


def sent(site: Site, table: str) -> list[dict[str, str]]:
    """Lines of the collector's inbox."""
    files = sorted((site.folder / "inbox" / "events" / table).iterdir())
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def do(site: Site, kind: str, item: str = "", **more: str) -> int:
    return site.ask("/do", {"kind": kind, "item": item, "back": "/basket"} | more)[0]


def test_a_user_of_the_short_list_gets_the_published_list_with_its_reasons(visitor: Site) -> None:
    assert 'class="chip">popular' in visitor.page("/")
    assert visitor.ask("/as", {"user": "u1"}) == (303, "/")
    text = visitor.page("/")
    assert items(text)[:4] == ["i0", "i1", "i2", "i3"]
    assert 'class="chip">personal' in text
    assert "reason 0" in text
    visitor.ask("/as", {"user": "u77"})  # none that may be chosen
    assert 'class="chip">popular' in visitor.page("/")


def test_without_a_script_a_basket_and_a_dislike_take_items_from_the_list_and_the_panel_says_so(visitor: Site) -> None:
    visitor.ask("/as", {"user": "u1"})
    visitor.page("/")
    assert do(visitor, "cart", "i0", line="c-1") == 303
    text = visitor.page("/basket")
    assert "i0" not in items(text)
    assert "You put into the basket: thing 0" in text
    assert do(visitor, "dislike", "i1") == 303
    text = visitor.page("/")
    assert "Not for you: thing 1" in text
    assert not {"i0", "i1"} & set(items(text))
    assert do(visitor, "uncart", "i0") == 303
    assert "It is empty" in visitor.page("/basket")
    lines = [line for line in sent(visitor, "shop_pages") if line["user"] == "u1"]
    assert [(line["type"], line["item"]) for line in lines] == [("cart", "i0"), ("dislike", "i1"), ("uncart", "i0")]
    assert lines[2]["takes_back"] == lines[0]["line"] == "c-1"


def test_purchases_are_sent_by_the_server_in_the_columns_of_the_mapping(visitor: Site) -> None:
    do(visitor, "cart", "i4")
    do(visitor, "cart", "i5")
    assert do(visitor, "buy") == 303
    assert "You bought" in visitor.page("/basket")
    assert [line["i"] for line in sent(visitor, "sales")] == ["i4", "i5"]
    assert not {"i4", "i5"} & set(items(visitor.page("/")))


def test_products_are_found_by_words_and_have_similar_ones(visitor: Site) -> None:
    assert "/product?id=i3" in visitor.page("/search?q=THING+3")
    assert "No product has all these words" in visitor.page("/search?q=thing+33")
    text = visitor.page("/product?id=i3")
    assert "thing 3" in text
    assert "/product?id=i4" in text
    assert "item i9" in visitor.page("/product?id=i9")  # nothing describes it
    assert visitor.ask("/product?id=nothing")[0] == 404
    assert visitor.ask("/nowhere")[0] == 404


def test_a_look_answers_nothing_until_the_list_differs_or_it_is_the_last(visitor: Site) -> None:
    visitor.ask("/as", {"user": "u2"})
    visitor.page("/")
    assert visitor.ask("/list")[0] == 204
    assert "Recommended for you" in visitor.ask("/list?last=1")[1]
    do(visitor, "dislike", "i2")
    status, text = visitor.ask("/list?did=dislike&item=i2")
    assert status == 200
    assert "Not for you: thing 2" in text


def test_forms_of_other_pages_and_other_names_of_this_machine_are_refused(visitor: Site) -> None:
    assert visitor.ask("/do", {"kind": "buy"}, origin="http://elsewhere.example")[0] == 403
    assert visitor.ask("/do", {"kind": "x" * 20_000})[0] == 413
    assert visitor.ask("/do", {"kind": "cart", "item": "i1", "back": "//elsewhere.example"})[1] == "/"
    assert visitor.ask("/", host="shop.example")[0] == 421


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_shop_and_its_service_and_leaves_no_folder(shop: Path, number: int) -> None:
    with opened(shop) as site:
        site.page("/")
        site.process.send_signal(number)
        assert site.process.wait(60) == 0
        assert not site.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        ask(site.service, "GET", "/health")


def test_a_shop_that_is_killed_takes_its_service_along(shop: Path, tmp_path: Path) -> None:
    with opened(shop, "--keep", str(tmp_path / "run")) as site:
        assert ask(site.service, "GET", "/health").status == 200
        site.process.kill()
        site.process.wait()
        until(lambda: not answers(site.service))


def test_a_shop_ends_with_a_word_where_its_service_ends(shop: Path, tmp_path: Path) -> None:
    with opened(shop, "--keep", str(tmp_path / "run")) as site:
        children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()
        assert len(children) == 1
        os.kill(int(children[0]), signal.SIGKILL)
        assert site.process.wait(60) == 2
        assert site.process.stderr is not None
        assert "the service ended by itself" in site.process.stderr.read()


def test_a_lake_without_a_store_is_answered_by_the_command_that_makes_one(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))
    with pytest.raises(FuserankError, match=f"fuserank publish-store --lake {tmp_path}"):
        ran("shop", "--lake", str(tmp_path), "--dataset", "shop", "--port", "0", "--no-open")


def test_a_run_is_not_put_into_a_folder_that_has_files(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))
    with pytest.raises(FuserankError, match="has files already"):
        ran("shop", "--lake", str(shop / "lake"), "--dataset", "shop", "--no-open", "--keep", str(shop))


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/health").status == 200
    except OSError:
        return False
