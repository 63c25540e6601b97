"""The pages as an ASGI application: routes, what a browser may do with them, and
what is said where something is not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fuserank.common.errors import FuserankError
from fuserank.explore import items, overview, quarantine, runs, users, words
from fuserank.explore.guard import Guarded
from fuserank.explore.shop import NotThere, Shop

Made = Callable[[Shop, "Request"], dict[str, Any]]


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
        routes=routes,
        middleware=[Middleware(Guarded, port=port, name="fuserank explore")],
        exception_handlers={HTTPException: pages.refused},
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
