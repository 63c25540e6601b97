"""A paginated API that answers with JSON: each page becomes a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import httpx2 as httpx

from fuserank.config.mapping.connect import RestConfig
from fuserank.sources.connectors.http import Client, joined, same_host
from fuserank.sources.connectors.landing import FetchError, Hide, Piece

# A page: the URL to ask, or the value of the pages' parameter.
Page = str | int | None


class RestConnector:
    """The cursor: ``since`` (of finished runs), ``highest`` and ``page`` (of one under way), ``files`` so far."""

    def __init__(self, config: RestConfig, hide: Hide | None = None) -> None:
        self.config, self.hide = config, hide

    def fetch(self, cursor: Mapping[str, Any]) -> Iterator[Piece]:
        """From the page where a run was cut off, or from the first; rows as they came, in any order."""
        client = Client(self.config, repeat_answers=self.hide is None)
        since, files = cursor.get("since"), int(cursor.get("files", 0))
        highest, page = cursor.get("highest", since), cursor.get("page", self._first())
        seen: set[Page] = set()
        before: list[dict[str, Any]] = []
        while True:
            if page in seen:
                raise FetchError(
                    f"{self.config.url}: page {self._in_errors(page)} leads back to itself; fix pages in the mapping"
                )
            seen.add(page)
            rows, following = self._page(client, page, since)
            # the server does not know the parameter: this would never end
            if rows and rows == before and self._is_counted():
                raise FetchError(
                    f"{self.config.url}: page {self._in_errors(page)} has the rows of the page before; fix pages in the"
                    " mapping"
                )
            before = rows
            highest = self._highest(highest, rows)
            files += bool(rows)
            more = (
                {"page": following, "since": since, "highest": highest} if following is not None else {"since": highest}
            )
            name = f"{files:09d}.jsonl" if rows else None
            marked = {"files": files} | ({"key": self.hide.key.fingerprint} if self.hide else {})
            landed = [self.hide.row(row) for row in rows] if self.hide else rows
            yield Piece(
                name, json_lines(landed), {**{k: v for k, v in more.items() if v is not None}, **marked}, len(rows)
            )
            if following is None:
                return
            page = following

    def _page(self, client: Client, page: Page, since: Any) -> tuple[list[dict[str, Any]], Page]:
        url, parameters = self._request(page, since)
        answer = client.ask(url, parameters)
        if answer.status_code == 404 and self._is_counted() and page != self._first():
            return [], None  # past the last page
        return self._read(client.checked(answer, url), page)

    def _in_errors(self, page: Page) -> str:
        """A page as errors name it: with pseudonyms on, a value that the server gave may be somebody's id."""
        return repr(page) if self.hide is None or isinstance(page, int) else "…"

    def _is_counted(self) -> bool:
        return self.config.pages is not None and self.config.pages.kind in {"number", "offset"}

    def _first(self) -> Page:
        pages = self.config.pages
        return {"number": pages.first, "offset": 0}.get(pages.kind) if pages else None

    def _request(self, page: Page, since: Any) -> tuple[str, dict[str, str]]:
        config = self.config
        if config.pages and config.pages.kind == "link" and page is not None:
            same_host(config.url, str(page))  # a cursor may be of another day's mapping
            return str(page), {}
        parameters = dict(config.parameters)
        if config.since and since is not None:
            parameters[config.since.parameter] = str(since)
        if config.pages and page is not None:
            parameters[config.pages.parameter] = str(page)
        return config.url, parameters

    def _read(self, answer: httpx.Response, page: Page) -> tuple[list[dict[str, Any]], Page]:
        """Rows, and the page after this one; None after the last."""
        config, where = self.config, self.config.url
        try:
            body = answer.json()
        except ValueError as problem:
            raise FetchError(f"{where}: the answer is no JSON; fix url or parameters in the mapping") from problem
        rows = _at(body, config.rows)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            have = (
                f"it has {', '.join(body)}"
                if self.hide is None and isinstance(body, dict)
                else f"it is a {type(body).__name__}"
            )
            raise FetchError(
                f"{where}: the answer has no list of objects at {config.rows or 'its top'}; {have}; fix rows in the"
                " mapping"
            )
        pages = config.pages
        if pages is None:
            return rows, None
        if self._is_counted():
            return rows, (int(page or 0) + (1 if pages.kind == "number" else len(rows))) if rows else None
        following = _at(body, pages.next) if pages.next else answer.links.get("next", {}).get("url")
        if following in (None, "", False):
            return rows, None
        if pages.kind == "cursor":
            return rows, following
        target = joined(str(answer.url), str(following))
        if target is None:
            raise FetchError(
                f"{where}: the next page {self._in_errors(str(following)[:80])} is no address; fix pages in the mapping"
            )
        same_host(config.url, target)
        named = config.auth.name if config.auth and config.auth.kind == "query" else ""
        return rows, str(httpx.URL(target).copy_remove_param(named)) if named else target

    def _highest(self, highest: Any, rows: list[dict[str, Any]]) -> Any:
        since = self.config.since
        if since is None:
            return None
        lacking = sum(row.get(since.column) is None for row in rows)
        if lacking:
            raise FetchError(
                f"{self.config.url}: {lacking} of {len(rows)} rows have no {since.column}, by which the next run would"
                " ask; fix since in the mapping"
            )
        values = [v for v in (highest, *(row[since.column] for row in rows)) if v is not None]
        if all(isinstance(v, int | float) for v in values):
            return max(values, default=None)
        return max(map(str, values), default=None)


def _at(body: Any, path: str) -> Any:
    for key in path.split(".") if path else []:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def json_lines(rows: Sequence[Mapping[str, Any]]) -> Callable[[IO[bytes]], None]:
    """Writes one object a line."""

    def write(out: IO[bytes]) -> None:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n")

    return write
