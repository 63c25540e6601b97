"""The pages in a real browser: nothing to complain of, nothing cut off, and pictures for the docs.

`make browser-test` runs these.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.explore.conftest import ROOT, Site, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
PAGES = {
    "overview": "/",
    "users": "/users?q=u",
    "user": "/user?id=u1",
    "items": "/items",
    "item": "/item?id=i0",
    "runs": "/runs",
    "run": "/run?id=run-03",
    "quarantine": "/quarantine",
    "missing": "/user?id=u99",
    "rows": "/quarantine/rows?dataset=shop&table=sales&rule=no_item&column=i&state=open",
}
WIDTHS = (400, 1200)
MOST = 150_000  # bytes of a picture
# the least contrast between text and what lies behind it: WCAG 2.2, level AA
CONTRAST = """() => {
  const rgb = c => c.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b) };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c }
    return [255, 255, 255] };
  const poor = [];
  for (const e of document.querySelectorAll('main *, header *, footer')) {
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || e.closest('svg')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(e.textContent.trim().slice(0, 40) + ' ' +
      ((a + .05) / (b + .05)).toFixed(2));
  }
  return poor;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium that is there; none is fetched."""
    from playwright.sync_api import sync_playwright

    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "no Chromium is here: apt-get install chromium, or CHROMIUM=/path/to/it"
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


def opened(browser: Browser, width: int, scheme: str) -> tuple[Page, list[str]]:
    """A page of that width, and all that it will complain of."""
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(120_000)
    messages: list[str] = []
    page.on("console", lambda line: messages.append(line.text))
    page.on("pageerror", lambda problem: messages.append(str(problem)))
    page.on("requestfailed", lambda request: messages.append(f"{request.url} failed"))
    return page, messages


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_are_legible_and_have_nothing_to_complain_of(
    browser: Browser, site: Site, width: int, scheme: str
) -> None:
    page, messages = opened(browser, width, scheme)
    for name, path in PAGES.items():
        answer = page.goto(site.base + path)
        assert answer is not None
        assert answer.status == (404 if name == "missing" else 200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than its window"
        assert page.evaluate(CONTRAST) == [], name
        # the box of a search has the focus, soon
        page.wait_for_function(
            "[...document.querySelectorAll('input')].every(i => i == document.activeElement || i.type == 'hidden')"
        )
    assert [t for t in messages if "404" not in t] == []
    page.context.close()


def test_a_user_is_found_by_the_keyboard_alone(browser: Browser, site: Site) -> None:
    page, messages = opened(browser, 1200, "light")
    page.goto(site.base)
    page.wait_for_function("document.activeElement.name == 'q'")
    page.keyboard.type("u1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/users?q=u1")
    page.get_by_role("link", name="u1", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "User u1"
    page.locator("summary").first.click()
    assert page.locator("details[open]").count() == 1
    assert messages == []
    page.context.close()


def test_every_link_on_a_page_leads_to_one(browser: Browser, site: Site) -> None:
    page, _ = opened(browser, 1200, "light")
    found: set[str] = set()
    for path in PAGES.values():
        page.goto(site.base + path)
        found |= set(
            page.evaluate("[...document.links].filter(a => a.getAttribute('href')[0] != '#').map(a => a.href)")
        )
    assert found
    assert [a for a in found if page.request.get(a).status != 200] == []
    page.context.close()


def test_pictures_for_the_docs(browser: Browser) -> None:
    """Of the lake that EXPLORE_LAKE names; without one nothing is drawn again."""
    lake = os.environ.get("EXPLORE_LAKE")
    if not lake:
        pytest.skip("EXPLORE_LAKE names no lake")
    pictures = {
        "overview": ("/", 1000, "light"),
        "user": ("/user?id=1000", 1000, "light"),
        "item": ("/item?id=1029743", 1000, "dark"),
        "narrow": ("/user?id=1000", 400, "dark"),
    }
    folder = ROOT / "docs" / "img"
    folder.mkdir(exist_ok=True)
    with served(Path(lake), ROOT / "conf") as (site, _):
        for name, (path, width, scheme) in pictures.items():
            page, messages = opened(browser, width, scheme)
            page.goto(site.base + path)
            # a footer says where the lake lies on this machine
            page.evaluate("document.querySelector('footer').textContent = 'lake · read only'")
            if name == "user":
                page.evaluate("document.querySelector('.sides').scrollIntoView()")
            file = folder / f"explore-{name}.png"
            page.screenshot(path=file, clip={"x": 0, "y": 0, "width": width, "height": 720})
            assert file.stat().st_size < MOST, name
            assert messages == []
            page.context.close()
