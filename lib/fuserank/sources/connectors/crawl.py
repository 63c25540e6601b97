"""The product pages of a site: each asked for once a run, and only where it may have changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx2 as httpx
from protego import Protego
from selectolax.lexbor import LexborHTMLParser

from fuserank.config.mapping.connect import CrawlConfig
from fuserank.sources.connectors.http import Client, joined, on_same_host
from fuserank.sources.connectors.landing import FetchError, Piece
from fuserank.sources.connectors.product_page import links, product
from fuserank.sources.connectors.rest import json_lines

_MOST_SITEMAPS = 1_000
_ROBOTS_BYTES = 1 << 20
_SITEMAP_BYTES = 50 << 20  # as sitemaps.org bounds them
_PACKED = b"\x1f\x8b"


class CrawlConnector:
    """The cursor: ``run``, whether it is ``finished``, ``files`` so far, and of each page its ``run``, ETag,
    Last-Modified, the sitemap's lastmod, and the digest of its product.
    """

    def __init__(self, config: CrawlConfig, say: Callable[[str], None] = lambda line: None) -> None:
        self.config, self.say = config, say
        self.client = Client(config, f"{config.agent}/0.1")
        self._include = re.compile(config.include)

    def fetch(self, cursor: Mapping[str, Any]) -> Iterator[Piece]:
        """Products that are new or changed, in files of ``pages_per_file`` pages; a
        run that was cut off goes on where it was.

        Pages that fail, lead off the site or are too large are passed over, with a message.
        Products whose pages are gone stay as they were.
        """
        rules, sitemaps = self._robots()
        run = cursor.get("run", 0) + bool(cursor.get("finished", True))
        pages: dict[str, dict[str, Any]] = {url: dict(state) for url, state in cursor.get("pages", {}).items()}
        files, rows, requested, finished = int(cursor.get("files", 0)), [], 0, True
        for url, changed, found_links in self._frontier(rules, sitemaps):
            known = pages.get(url, {})
            if known.get("run") == run or (changed and changed == known.get("lastmod")):
                if found_links is not None:
                    found_links += known.get("links", [])
                continue
            if requested >= self.config.max_pages:
                self.say(f"stopped after {requested} pages (max_pages); the next run goes on")
                finished = False
                break
            requested += 1
            row, state, answered = self._page(url, known, found_links)
            pages[url] = {**state, "run": run, **({"lastmod": changed} if changed and answered else {})}
            rows += [row] if row else []
            if requested % self.config.pages_per_file == 0:
                files += bool(rows)
                yield _piece(rows, files, {"run": run, "finished": False, "pages": pages})
                rows = []
        files += bool(rows)
        yield _piece(rows, files, {"run": run, "finished": finished, "pages": pages})

    def _robots(self) -> tuple[Protego, list[str]]:
        """What may be asked (RFC 9309: all where there is no robots.txt), and the sitemaps that it names."""
        answer = self.client.ask(urljoin(self.config.url, "/robots.txt"), most_bytes=_ROBOTS_BYTES)
        rules = Protego.parse(answer.text if answer.status_code == 200 else "")
        delay = rules.crawl_delay(self.config.agent)
        self.client.seconds_apart = max(self.client.seconds_apart, float(delay or 0))
        named = [s for s in rules.sitemaps if joined(self.config.url, s) and on_same_host(self.config.url, s)]
        return rules, named or [urljoin(self.config.url, "/sitemap.xml")]

    def _frontier(self, rules: Protego, sitemaps: list[str]) -> Iterator[tuple[str, str | None, list[str] | None]]:
        """(page, the sitemap's lastmod, None) of each page of the sitemaps; where there are none, of each that links
        lead to: (page, None, a list that the caller fills with the page's links).
        """
        listed = False
        seen: set[str] = set()
        for url, changed in self._listed(sitemaps, rules):
            listed = True
            if url not in seen and self._include.search(urlsplit(url).path):
                seen.add(url)
                yield url, changed, None
        if listed:
            return
        queue = deque([(_plain(self.config.url), 0)])
        seen = {queue[0][0]}
        while queue:
            url, depth = queue.popleft()
            if not rules.can_fetch(url, self.config.agent):
                continue
            found: list[str] = []
            yield url, None, found
            for link in found:
                target = _plain(joined(url, link) or "")
                if target not in seen and depth < self.config.max_depth and on_same_host(self.config.url, target):
                    seen.add(target)
                    queue.append((target, depth + 1))

    def _listed(self, sitemaps: list[str], rules: Protego) -> Iterator[tuple[str, str | None]]:
        """Pages of the sitemaps and of those that they name, on this host, as far as robots.txt lets us."""
        waiting, seen = deque(sitemaps), set[str]()
        while waiting and len(seen) < _MOST_SITEMAPS:
            sitemap = waiting.popleft()
            if sitemap in seen:
                continue
            seen.add(sitemap)
            answer = self._passed_over(sitemap, {}, _SITEMAP_BYTES)
            if answer is None or answer.status_code != 200:
                continue
            for kind, address, changed in self._entries(sitemap, answer.content):
                url = joined(sitemap, address) or ""
                if not on_same_host(self.config.url, url) or not rules.can_fetch(url, self.config.agent):
                    continue
                if kind == "sitemap":
                    waiting.append(url)
                else:
                    yield _plain(url), changed

    def _entries(self, sitemap: str, body: bytes) -> Iterator[tuple[str, str, str | None]]:
        """(sitemap or url, address, lastmod) of a sitemap or of an index of sitemaps, packed by gzip or not."""
        if body.startswith(_PACKED):
            try:
                with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
                    body = stream.read(_SITEMAP_BYTES + 1)
            except (OSError, EOFError, zlib.error) as problem:
                self.say(f"passed over: sitemap {sitemap}: its packing is broken: {problem}")
                return
            if len(body) > _SITEMAP_BYTES:
                self.say(f"sitemap {sitemap}: more than {_SITEMAP_BYTES >> 20} MB; its end is not read")
        text = body.decode("utf-8", "replace").replace("<![CDATA[", "").replace("]]>", "")
        tree = LexborHTMLParser(text)
        for kind in ("sitemap", "url"):
            for node in tree.css(kind):
                address, changed = node.css_first("loc"), node.css_first("lastmod")
                if address is not None and address.text(strip=True):
                    yield kind, address.text(strip=True), changed.text(strip=True) if changed is not None else None

    def _page(
        self, url: str, known: dict[str, Any], found_links: list[str] | None
    ) -> tuple[dict[str, str] | None, dict[str, Any], bool]:
        """The product where it is new or changed, what is to be remembered of the page, and whether it was there."""
        headers = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified")}
        answer = self._passed_over(url, {k: v for k, v in headers.items() if v})
        if answer is None or answer.status_code == 304:
            if found_links is not None:
                found_links += known.get("links", [])
            return None, {k: v for k, v in known.items() if k != "lastmod"}, answer is not None
        if answer.status_code != 200 or "html" not in answer.headers.get("content-type", "html"):
            return None, {}, answer.status_code == 200
        page = LexborHTMLParser(answer.text)
        if found_links is not None:
            found_links += links(page)
        fields = {
            "etag": answer.headers.get("etag"),
            "modified": answer.headers.get("last-modified"),
            "links": found_links,
        }
        remembered = {k: v for k, v in fields.items() if v}
        described = product(page) if self._include.search(urlsplit(url).path) else None
        if described is None:
            return None, remembered, True
        row = {"url": url, **described, "item_id": described.get("item_id") or urlsplit(url).path}
        digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
        return (None if digest == known.get("product") else row), {**remembered, "product": digest}, True

    def _passed_over(self, url: str, headers: dict[str, str], most_bytes: int | None = None) -> httpx.Response | None:
        try:
            return self.client.ask(url, headers=headers, most_bytes=most_bytes)
        except FetchError as problem:
            self.say(f"passed over: {problem}")
            return None


def _piece(rows: list[dict[str, str]], files: int, cursor: dict[str, Any]) -> Piece:
    return Piece(f"{files:09d}.jsonl" if rows else None, json_lines(rows), {**cursor, "files": files}, len(rows))


def _plain(url: str) -> str:
    """Without a fragment; the host's root has a path."""
    bare = urldefrag(url).url
    return bare if urlsplit(bare).path else f"{bare}/"
