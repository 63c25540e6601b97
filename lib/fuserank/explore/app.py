"""The pages as an ASGI application: routes, what a browser may do with them, and
what is said where something is not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from fuserank.common.errors import FuserankError
from fuserank.explore import items, overview, quarantine, runs, users, words
from fuserank.explore.shop import NotThere, Shop

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Made = Callable[[Shop, "Request"], dict[str, Any]]
# Nothing but this server's own style sheet and icon may be loaded, nothing may run,
# and no other page may frame or read these.
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_LOCAL = ("127.0.0.1", "localhost")


class Guarded:
    """Answers only requests whose Host header names this machine, and adds HEADERS to the answers.

    A page of another site whose name was made to point here (DNS rebinding) sends that other name.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        named = {f"{name}:{port}" for name in _LOCAL} | (set(_LOCAL) if port == 80 else set())
        self.app, self.hosts = app, {name.encode() for name in named}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in HEADERS.items())]
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        refused = PlainTextResponse("fuserank explore answers on 127.0.0.1 and localhost alone\n", 421)
        await (self.app if len(hosts) == 1 and hosts[0] in self.hosts else refused)(scope, receive, headed)


def application(shop: Shop, port: int) -> Starlette:
    """The application over one lake; ``port``: by which it is asked."""
    pages = _Pages(shop)
    made: list[tuple[str, str, Made]] = [
        ("/", "overview.html", lambda s, _: overview.overview(s)),
        ("/users", "users.html", lambda s, r: users.users(s, _text(r, "q"), _text(r, "after"))),
        ("/user", "user.html", lambda s, r: users.user(s, _text(r, "id"), _number(r))),
        ("/items", "items.html", lambda s, r: items.items(s, _text(r, "q"), _number(r))),
        ("/item", "item.html", lambda s, r: items.item(s, _text(r, "id"), _number(r))),
        ("/runs", "runs.html", lambda s, r: runs.runs(s, _number(r))),
        ("/run", "run.html", lambda s, r: runs.run(s, _text(r, "id"))),
        ("/quarantine", "quarantine.html", lambda s, _: quarantine.quarantine(s)),
        ("/quarantine/rows", "quarantine_rows.html", _quarantined),
    ]
    routes = [Route(path, pages.page(template, of)) for path, template, of in made]
    routes += [
        Route("/style.css", _file("style.css", "text/css")),
        Route("/icon.svg", _file("icon.svg", "image/svg+xml")),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(Guarded, port=port)], exception_handlers={HTTPException: pages.refused}
    )


def _quarantined(shop: Shop, request: Request) -> dict[str, Any]:
    dataset, table, rule, column, state = (_text(request, n) for n in ("dataset", "table", "rule", "column", "state"))
    return quarantine.rows(shop, dataset, table, rule, column, state or "open", _number(request))


class _Pages:
    """Templates and the shop that they show."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.templates = jinja2.Environment(
            loader=jinja2.PackageLoader("fuserank.explore"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters |= words.FILTERS

    def page(self, template: str, made: Made) -> Callable[[Request], Any]:
        """An endpoint: what is made of a request, in a template.

        Lakes are read in a thread, so that one page waits for no other.
        """

        async def answered(request: Request) -> Response:
            return await run_in_threadpool(self._answer, request, template, made)

        return answered

    def _answer(self, request: Request, template: str, made: Made) -> Response:
        shop = self.shop
        try:
            if day := _text(request, "as_of"):
                shop = shop.of(_day(day))
            return self._rendered(request, shop, template, made(shop, request))
        except NotThere as missing:
            context = {"said": str(missing), "near": missing.near}
            return self._rendered(request, shop, "missing.html", context, 404)
        except FuserankError as problem:
            return self._rendered(request, shop, "missing.html", {"said": str(problem), "near": []}, 500)

    async def refused(self, request: Request, problem: Exception) -> Response:
        """What is no page, or not asked for by GET."""
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        message = f"there is no page {request.url.path}" if status == 404 else "these pages can only be looked at"
        return self._rendered(request, self.shop, "missing.html", {"said": message, "near": []}, status)

    def _rendered(
        self, request: Request, shop: Shop, template: str, values: dict[str, Any], status: int = 200
    ) -> Response:
        def link(path: str, **query: Any) -> str:
            day_query = {} if shop.day == self.shop.day else {"as_of": str(shop.day)}
            named = {n: str(v) for n, v in (query | day_query).items() if v not in (None, "")}
            return f"{path}?{urlencode(named)}" if named else path

        context = {
            "status": status,
            "shop": shop,
            "about": shop.about,
            "here": request.url.path,
            "link": link,
            **values,
        }
        return HTMLResponse(self.templates.get_template(template).render(context), status)


def _file(name: str, kind: str) -> Callable[[Request], Response]:
    text = files("fuserank.explore").joinpath("templates", name).read_text(encoding="utf-8")

    def answered(_: Request) -> Response:
        return Response(text, media_type=kind)

    return answered


def _text(request: Request, name: str) -> str:
    return request.query_params.get(name, "").strip()


def _number(request: Request) -> int:
    """From which row on."""
    text = _text(request, "from") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotThere(f"from={text}: a row's number is expected")
    return int(text)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise NotThere(f"as_of={text}: a day such as 2017-12-04 is expected") from None
