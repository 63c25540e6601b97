"""The product crawler on a real site full of traps: loops, ways out, failures,
pages without end, products told badly.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fuserank.config.mapping.connect import CrawlConfig
from fuserank.sources.connectors.crawl import CrawlConnector
from fuserank.sources.connectors.landing import STATE, FetchError, Landed, land
from tests.support.http import Answer, Request, Site, serving

HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(body: str = "", **headers: str) -> Answer:
    return Answer(f"<html><body>{body}</body></html>", headers=HTML | headers)


def ld(**fields: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "Product"} | fields)}</script>'


def crawl(site: Site, **changes: Any) -> CrawlConfig:
    plain = {
        "kind": "crawl",
        "url": f"{site.url}/",
        "requests_per_second": 10_000,
        "retry_seconds": 0.001,
        "retries": 1,
    }
    return CrawlConfig.model_validate(plain | changes)


def crawled(
    folder: Path, answers: dict[str, Answer], messages: list[str] | None = None, **changes: Any
) -> tuple[Landed, list[Request]]:
    def answer(request: Request) -> Answer:
        return answers.get(request.path, Answer("no", 404))

    with serving(answer) as site:
        filled = {
            p: Answer(
                a.bytes().replace(b"SITE", site.url.encode()),
                a.code,
                {k: v.replace("SITE", site.url) for k, v in a.headers.items()},
            )
            for p, a in answers.items()
        }
        answers.update(filled)
        return (
            land(CrawlConnector(crawl(site, **changes), (messages if messages is not None else []).append), folder),
            site.requests,
        )


def rows(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]


def sitemap(*paths: str, changed: str | None = None) -> Answer:
    last = f"<lastmod>{changed}</lastmod>" if changed else ""
    urls = "".join(f"<url><loc>SITE{p}</loc>{last}</url>" for p in paths)
    return Answer(f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>')


def test_a_site_is_read_by_its_sitemaps(tmp_path: Path) -> None:
    index = "<sitemapindex><sitemap><loc>SITE/a.xml</loc></sitemap><sitemap><loc>SITE/index.xml</loc></sitemap><sitemap><loc>http://127.0.0.1:9/x.xml</loc></sitemap></sitemapindex>"
    answers = {
        "/robots.txt": Answer("User-agent: *\nDisallow: /p/secret\nSitemap: SITE/index.xml\n"),
        "/index.xml": Answer(index),
        "/a.xml": sitemap("/p/1", "/p/2", "/p/1#reviews", "/p/secret", "/about"),
        "/p/1": page(
            ld(
                sku="s1",
                name="Über &amp; so",
                brand={"name": "B"},
                offers={"price": "1.99", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"},
            )
        ),
        "/p/2": page(
            '<meta property="og:type" content="product"><meta property="og:title" content="Two"><meta'
            ' property="product:price:amount" content="2">'
        ),
        "/p/secret": page(ld(name="Hidden")),
    }
    landed, requests = crawled(tmp_path, answers, include="^/p/")
    assert [r["item_id"] for r in rows(tmp_path)] == ["s1", "/p/2"]
    one, two = rows(tmp_path)
    assert (one["name"], one["brand"], one["price"], one["currency"], one["availability"]) == (
        "Über &amp; so",
        "B",
        "1.99",
        "EUR",
        "InStock",
    )
    assert (two["name"], two["price"]) == ("Two", "2")
    assert [a.path for a in requests] == ["/robots.txt", "/index.xml", "/a.xml", "/p/1", "/p/2"]
    assert all(a.headers["user-agent"].startswith("fuserank/") for a in requests)
    assert landed.rows == 2


def test_a_packed_sitemap_is_read(tmp_path: Path) -> None:
    with serving(lambda request: answers[request.path]) as site:
        answers = {
            "/robots.txt": Answer("no", 404),
            "/sitemap.xml": Answer(gzip.compress(sitemap("/1").bytes().replace(b"SITE", site.url.encode()))),
            "/1": page(ld(name="One")),
        }
        land(CrawlConnector(crawl(site)), tmp_path)
    assert [r["name"] for r in rows(tmp_path)] == ["One"]


def test_without_a_sitemap_links_are_followed_in_spite_of_loops_and_never_off_the_site(tmp_path: Path) -> None:
    messages: list[str] = []
    with serving(lambda request: page(ld(name="Elsewhere"))) as other:
        answers = {
            "/": page(
                f'<a href="/p/1">1</a><a href="/">home</a><a href="{other.url}/p/9">out</a><a href="/away">away</a><a'
                ' href="mailto:a@b">m</a><a rel="nofollow" href="/p/nofollow">no</a><a href="/broken">b</a><a'
                ' href="/p/1#x">again</a><a href="/round">r</a>'
            ),
            "/p/1": page(ld(name="One") + '<a href="/p/2">2</a><a href="/p/1">self</a>'),
            "/p/2": page(ld(name="Two") + '<a href="/p/1">back</a>'),
            "/p/nofollow": page(ld(name="No")),
            "/away": Answer("", 302, {"Location": f"{other.url}/p/9"}),
            "/round": Answer("", 302, {"Location": "/round"}),
            "/broken": Answer("oh", 500),
        }
        _, requests = crawled(tmp_path, answers, messages)
    assert [r["name"] for r in rows(tmp_path)] == ["One", "Two"]
    assert other.requests == []
    assert [a.path for a in requests].count("/p/1") == 1
    assert any("another host" in line for line in messages)
    assert any("answered 500, 2 times" in line for line in messages)
    assert any("more than 5 redirects" in line for line in messages)


def test_a_site_without_an_end_is_left_at_max_pages_and_gone_on_with(tmp_path: Path) -> None:
    def endless(request: Request) -> Answer:
        if request.path in {"/robots.txt", "/sitemap.xml"}:
            return Answer("", 404)
        n = int(request.path.strip("/") or 0)
        return page(ld(name=f"P{n}") + f'<a href="/{n + 1}">next</a>')

    messages: list[str] = []
    with serving(endless) as site:
        config = crawl(site, max_pages=4, max_depth=10, pages_per_file=3)
        land(CrawlConnector(config, messages.append), tmp_path)
        assert [r["name"] for r in rows(tmp_path)] == ["P0", "P1", "P2", "P3"]
        assert "max_pages" in messages[-1]
        land(CrawlConnector(config, messages.append), tmp_path)
        assert [r["name"] for r in rows(tmp_path)] == [f"P{n}" for n in range(8)]
        assert len({a.path for a in site.requests if a.path[1:].isdigit()}) == 7
    assert json.loads((tmp_path / STATE).read_text())["finished"] is False


def test_depth_is_bounded(tmp_path: Path) -> None:
    answers = {f"/{n or ''}": page(ld(name=f"P{n}") + f'<a href="/{n + 1}">next</a>') for n in range(10)}
    crawled(tmp_path, answers, max_depth=2)
    assert [r["name"] for r in rows(tmp_path)] == ["P0", "P1", "P2"]


def test_large_pages_and_other_things_are_passed_over(tmp_path: Path) -> None:
    messages: list[str] = []
    answers = {
        "/sitemap.xml": sitemap("/big", "/file", "/gone", "/list", "/torn", "/ok"),
        "/big": page("x" * (10 << 20) + ld(name="Big")),
        "/file": Answer(b"%PDF", headers={"Content-Type": "application/pdf"}),
        "/list": page(ld(name="A") + ld(name="B")),
        "/torn": page('<script type="application/ld+json">{"@type": "Product", "name": </script>'),
        "/ok": page(ld(name="Fine")),
    }
    crawled(tmp_path, answers, messages)
    assert [r["name"] for r in rows(tmp_path)] == ["Fine"]
    assert any("larger than 5 MB" in line for line in messages)


def test_pages_that_did_not_change_are_not_sent_again_nor_products_written_again(tmp_path: Path) -> None:
    offer = {"price": "1"}

    def answer(request: Request) -> Answer:
        if request.path == "/sitemap.xml":
            return Answer(
                sitemap("/etag", "/plain").bytes().replace(b"SITE", f"http://{request.headers['host']}".encode())
            )
        if request.path == "/etag":
            return (
                Answer("", 304) if request.headers.get("if-none-match") == '"v1"' else page(ld(name="E"), ETag='"v1"')
            )
        return page(ld(name="P", offers=offer)) if request.path == "/plain" else Answer("", 404)

    with serving(answer) as site:
        assert land(CrawlConnector(crawl(site)), tmp_path).rows == 2
        assert land(CrawlConnector(crawl(site)), tmp_path).files == 0
        offer["price"] = "2"
        assert land(CrawlConnector(crawl(site)), tmp_path).rows == 1
    assert [(r["name"], r.get("price")) for r in rows(tmp_path)] == [("E", None), ("P", "1"), ("P", "2")]


def test_a_sitemap_that_tells_when_pages_changed_saves_the_asking(tmp_path: Path) -> None:
    answers = {"/sitemap.xml": sitemap("/1", changed="2024-01-01"), "/1": page(ld(name="One"))}
    with serving(lambda request: answers.get(request.path, Answer("", 404))) as site:
        answers["/sitemap.xml"] = Answer(answers["/sitemap.xml"].bytes().replace(b"SITE", site.url.encode()))
        land(CrawlConnector(crawl(site)), tmp_path)
        site.requests.clear()
        land(CrawlConnector(crawl(site)), tmp_path)
        assert [a.path for a in site.requests] == ["/robots.txt", "/sitemap.xml"]


def test_a_page_that_failed_is_asked_for_again_by_the_next_run(tmp_path: Path) -> None:
    answers = {"/sitemap.xml": sitemap("/1", "/2", changed="2024-01-01"), "/1": Answer("", 503), "/2": Answer("", 403)}
    with serving(lambda request: answers.get(request.path, Answer("", 404))) as site:
        answers["/sitemap.xml"] = Answer(answers["/sitemap.xml"].bytes().replace(b"SITE", site.url.encode()))
        assert land(CrawlConnector(crawl(site)), tmp_path).rows == 0
        answers |= {"/1": page(ld(name="One")), "/2": page(ld(name="Two"))}
        land(CrawlConnector(crawl(site)), tmp_path)
    assert [r["name"] for r in rows(tmp_path)] == ["One", "Two"]


def test_addresses_and_sitemaps_that_are_told_wrong_stop_nothing(tmp_path: Path) -> None:
    messages: list[str] = []
    cdata = "<urlset><url><loc><![CDATA[SITE/1?a=1&b=2]]></loc></url><url><loc>http://[x/2</loc></url><url><loc>/3</loc></url></urlset>"
    answers = {
        "/robots.txt": Answer("Sitemap: SITE/bad.gz\nSitemap: http://[x/\nSitemap: SITE/good.xml\n"),
        "/bad.gz": Answer(b"\x1f\x8bno such packing"),
        "/good.xml": Answer(cdata),
        "/1": page(ld(name="One")),
        "/3": page(ld(name="Three")),
    }
    crawled(tmp_path, answers, messages)
    assert [r["name"] for r in rows(tmp_path)] == ["One", "Three"]
    assert any("bad.gz: its packing is broken" in line for line in messages)
    trap = {
        "/": page('<a href="http://[x/">x</a><a href="http://h:port/">p</a><a href="/1">1</a>'),
        "/1": page(ld(name="One")),
    }
    crawled(tmp_path / "links", trap)
    assert [r["name"] for r in rows(tmp_path / "links")] == ["One"]


def test_a_run_that_was_cut_off_asks_no_page_twice(tmp_path: Path) -> None:
    paths = [f"/{n}" for n in range(7)]

    def answer(request: Request) -> Answer:
        if request.path == "/sitemap.xml":
            return Answer(sitemap(*paths).bytes().replace(b"SITE", f"http://{request.headers['host']}".encode()))
        return page(ld(name=request.path)) if request.path in paths else Answer("", 404)

    class CutOff(CrawlConnector):
        def _page(self, url: str, *rest: Any) -> Any:
            if url.endswith("/5"):
                raise KeyboardInterrupt
            return super()._page(url, *rest)

    with serving(answer) as site:
        with pytest.raises(KeyboardInterrupt):
            land(CutOff(crawl(site, pages_per_file=2)), tmp_path)
        assert [r["name"] for r in rows(tmp_path)] == paths[:4]
        site.requests.clear()
        land(CrawlConnector(crawl(site, pages_per_file=2)), tmp_path)
        assert [r["name"] for r in rows(tmp_path)] == paths
        assert [a.path for a in site.requests if a.path in paths] == paths[4:]


def test_a_crawl_delay_is_kept_and_a_site_that_fails_at_robots_is_left_alone(tmp_path: Path) -> None:
    with serving(lambda request: Answer("User-agent: *\nCrawl-delay: 7\nDisallow: /", 200)) as site:
        connector = CrawlConnector(crawl(site))
        connector._robots()
        assert connector.client.seconds_apart == 7.0
    with (
        serving(lambda request: Answer("", 503)) as site,
        pytest.raises(FetchError, match=r"robots\.txt: answered 503"),
    ):
        land(CrawlConnector(crawl(site)), tmp_path)
    assert {a.path for a in site.requests} == {"/robots.txt"}
