"""The demo shop as an ASGI application: home, search, product, basket, and beside each what is recommended now."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from fuserank.client import ServiceError
from fuserank.config.mapping.pages import TABLE
from fuserank.explore.guard import HEADERS, Guarded

if TYPE_CHECKING:
    from fuserank.simulator.counter import Counter
    from fuserank.simulator.visits import Visit

_COOKIE, _MOST_FORM = "visit", 10_000
_FOUND = 24
Made = Callable[[Request, "Visit"], tuple[str, dict[str, Any]]]


def application(counter: Counter, port: int, public: str) -> Starlette:
    """The application of one shop.

    :param port: by which it is asked
    :param public: the key that its pages send events by
    """
    pages = _Pages(counter, port, public)
    routes = [
        Route("/", pages.page(pages.home)),
        Route("/search", pages.page(pages.search)),
        Route("/product", pages.page(pages.product)),
        Route("/basket", pages.page(pages.basket)),
        Route("/list", pages.list),
        Route("/do", pages.do, methods=["POST"]),
        Route("/as", pages.come, methods=["POST"]),
        *(Route(f"/{name}", _file(room, name, kind)) for room, name, kind in _FILES),
    ]
    headers = HEADERS | {
        # the collector's script and address besides this server's own; events have to name their origin
        "content-security-policy": f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        f"script-src 'self' {counter.url}; connect-src 'self' {counter.url}; base-uri 'none'; frame-ancestors 'none'",
        "referrer-policy": "strict-origin",
    }
    guard = Middleware(Guarded, port=port, name="fuserank shop", headers=headers)
    handlers: Any = {HTTPException: pages.refused, ServiceError: pages.silent}
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


class _Pages:
    """Templates, and who is looked after."""

    def __init__(self, counter: Counter, port: int, public: str) -> None:
        self.counter, self.public = counter, public
        self.origins = {f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")}
        self.templates = jinja2.Environment(
            loader=jinja2.PackageLoader("fuserank.simulator"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def home(self, _: Request, visit: Visit) -> tuple[str, dict[str, Any]]:
        """What is popular."""
        return "home.html", {"products": self.counter.popular(visit)}

    def search(self, request: Request, _: Visit) -> tuple[str, dict[str, Any]]:
        """Items by words."""
        text = _text(request, "q")
        return "search.html", {"text": text, "products": self.counter.catalogue.found(text, _FOUND)}

    def product(self, request: Request, _: Visit) -> tuple[str, dict[str, Any]]:
        """One item, and what is like it."""
        product = self.counter.catalogue.of(_text(request, "id"))
        if product is None:
            raise HTTPException(404, "the shop has no such product")
        return "product.html", {"product": product, "similar": self.counter.similar(product.item)}

    def basket(self, request: Request, visit: Visit) -> tuple[str, dict[str, Any]]:
        """What is in it, and what goes with it."""
        inside = [self.counter.product(item) for item in visit.basket]
        return "basket.html", {"inside": inside, "goes_with": self.counter.goes_with(visit), "note": visit.note}

    def page(self, made: Made) -> Callable[[Request], Any]:
        """An endpoint; the service is asked in a thread."""

        async def answered(request: Request) -> Response:
            visit, is_first = self._visit(request)

            def rendered() -> str:
                template, values = made(request, visit)
                self.counter.recommended(visit, visit.taken_note() or "the page was opened")
                return self._rendered(request, visit, template, values)

            response = HTMLResponse(await run_in_threadpool(rendered))
            return _remembered(response, visit) if is_first else response

        return answered

    async def list(self, request: Request) -> Response:
        """The list and its changes, once the list differs; else nothing, unless it is the ``last`` look."""
        visit, _ = self._visit(request)
        after = self.counter.in_words(_text(request, "did"), _text(request, "item"))
        differs = await run_in_threadpool(self.counter.recommended, visit, after, True)
        if not differs and not _text(request, "last"):
            return Response(status_code=204)
        here = _text(request, "here") or "/"
        return HTMLResponse(await run_in_threadpool(self._rendered, request, visit, "aside.html", {"here": here}))

    async def do(self, request: Request) -> Response:
        """Something that a visitor does; with ``x-from-page`` the page's script sends the event itself."""
        form = await self._form(request)
        visit, _ = self._visit(request)
        from_page = "x-from-page" in request.headers
        await run_in_threadpool(self.counter.did, visit, form, from_page)
        if from_page:
            return Response(status_code=204)
        back = form.get("back", "/")
        return RedirectResponse(back if back.startswith("/") and not back.startswith("//") else "/", 303)

    async def come(self, request: Request) -> Response:
        """Another visitor."""
        form = await self._form(request)
        user = form.get("user", "")
        visit = self.counter.visits.begin(user if user in self.counter.users else None)
        return _remembered(RedirectResponse("/", 303), visit)

    async def refused(self, request: Request, problem: Exception) -> Response:
        """What is no page of the shop."""
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        words = problem.detail if isinstance(problem, HTTPException) else "a fault of the shop"
        return self._sorry(request, words, status)

    async def silent(self, request: Request, problem: Exception) -> Response:
        """The service does not answer as it should."""
        return self._sorry(request, f"the recommend service: {problem}", 502)

    def _sorry(self, request: Request, words: str, status: int) -> Response:
        if request.url.path in ("/list", "/do"):
            return PlainTextResponse(words + "\n", status)
        text = self.templates.get_template("sorry.html").render(self._context(request, None, {"words": words}))
        return HTMLResponse(text, status)

    def _visit(self, request: Request) -> tuple[Visit, bool]:
        found = self.counter.visits.of(request.cookies.get(_COOKIE, ""))
        return (found, False) if found is not None else (self.counter.visits.begin(None), True)

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of a form of this shop's own pages."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in self.origins:
            raise HTTPException(403, "that page is none of this shop's")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MOST_FORM:
                raise HTTPException(413, "a form of this shop is shorter")
        return dict(parse_qsl(body.decode("utf-8", "replace")))

    def _rendered(self, request: Request, visit: Visit, template: str, values: dict[str, Any]) -> str:
        return self.templates.get_template(template).render(self._context(request, visit, values))

    def _context(self, request: Request, visit: Visit | None, values: dict[str, Any]) -> dict[str, Any]:
        query = {name: value for name, value in request.query_params.items() if name in ("q", "id")}
        return {
            "visit": visit,
            "counter": self.counter,
            "here": request.url.path + (f"?{urlencode(query)}" if query else ""),
            "view": query.get("id", "") if request.url.path == "/product" else "",
            "text": "",
            "public": self.public,
            "table": TABLE,
            "line": self.counter.line,
            **values,
        }


def _remembered(response: Response, visit: Visit) -> Response:
    response.set_cookie(_COOKIE, visit.token, httponly=True, samesite="lax")
    return response


def _text(request: Request, name: str) -> str:
    return request.query_params.get(name, "").strip()[:512]


_FILES = (
    ("explore", "style.css", "text/css"),
    ("simulator", "shop.css", "text/css"),
    ("simulator", "shop.js", "text/javascript"),
    ("explore", "icon.svg", "image/svg+xml"),
)


def _file(room: str, name: str, kind: str) -> Callable[[Request], Response]:
    text = files(f"fuserank.{room}").joinpath("templates", name).read_text(encoding="utf-8")

    def answered(_: Request) -> Response:
        return Response(text, media_type=kind)

    return answered
