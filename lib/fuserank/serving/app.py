"""The service as an ASGI application: every request is answered in JSON, errors in one form, and leaves one line."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fuserank.serving import metrics, openapi, routes
from fuserank.serving.collect.door import PAGE, SNIPPET, events_of, require_local
from fuserank.serving.limits import Buckets
from fuserank.serving.problems import body_of, coded, refused
from fuserank.serving.requests import ConfirmRequest, EventsRequest, Ready, Refused
from fuserank.serving.store.contract import Store, StoreError
from fuserank.serving.wire import Call, HungUp

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

    from fuserank.config.serving import ServingConfig
    from fuserank.serving.collect.collector import Collector
    from fuserank.serving.exposures import Exposures
    from fuserank.serving.keys import KeyRow, Keys
    from fuserank.serving.log import Level, Log
    from fuserank.serving.routes import Asks, Route

_JSON = b"application/json"
_SCRIPT = b"text/javascript; charset=utf-8", ((b"cache-control", b"public, max-age=3600"),)
_ENCODER = msgspec.json.Encoder()
_NOBODY = "-"  # the route of a path that is not there


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    kind: bytes = _JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class State(NamedTuple):
    """What answers now: one snapshot and the recommender over it."""

    store: Store
    recommender: Asks


class Service:
    """The application over a store.

    :param keys: None: anybody may ask, from this machine alone
    :param written: when the snapshot that answers was written, in seconds since 1970
    :param exposures: keeps what was answered
    :param in_threads: the store waits for a network, so that answers wait in threads
    :param collector: takes events; None: none are taken
    """

    def __init__(
        self,
        state: State,
        keys: Keys | None,
        cfg: ServingConfig,
        log: Log,
        written: Callable[[], float],
        exposures: Exposures,
        in_threads: bool = False,
        collector: Collector | None = None,
    ) -> None:
        self._state, self._keys, self._cfg, self._log = state, keys, cfg, log
        self._written, self._exposures, self._in_threads = written, exposures, in_threads
        self._metrics, self._collector = metrics.Metrics(), collector
        self._buckets = Buckets(cfg.rate, cfg.burst)
        self._of_events = Buckets(cfg.collect.rate, cfg.collect.burst)
        self._openapi = msgspec.json.encode(openapi.description(cfg))
        self._own = {
            "health": lambda: Reply(200, b'{"alive":true}'),
            "ready": self._ready,
            "metrics": self._numbers,
            "openapi": lambda: Reply(200, self._openapi),
            "collect_js": lambda: Reply(200, SNIPPET, *_SCRIPT),
        }
        self.stopping = False

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        began, call = time.perf_counter(), Call(scope, receive)
        by_method, call.one = routes.found(call.path)
        route = by_method.get("GET" if call.method == "HEAD" else call.method)
        name = route.name if route else _NOBODY
        reply = await self._guarded(call, by_method, route)
        if reply is None:
            return
        whole = call.whole or await call.drained(self._cfg.most_body_bytes, self._cfg.request_seconds)
        headers = [
            (b"content-type", reply.kind),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", call.id.encode()),
            *reply.headers,
        ]
        if self.stopping or not whole:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        seconds = time.perf_counter() - began
        self._metrics.request(name, reply.status, seconds)
        self._logged(call, name, reply.status, seconds)

    async def _guarded(self, call: Call, by_method: dict[str, Route], route: Route | None) -> Reply | None:
        """The reply, an error where something is wrong; None: nobody is there any more."""
        try:
            return await self._answered(call, by_method, route)
        except HungUp:
            return None
        except Refused as problem:
            headers: tuple[tuple[bytes, bytes], ...] = ()
            if problem.status == 401:
                headers = ((b"www-authenticate", b"Bearer"),)
            elif problem.status == 405:
                headers = ((b"allow", ", ".join(sorted(by_method)).encode()),)
            elif problem.status == 429:
                seconds = problem.seconds if isinstance(problem, _Later) else 1
                headers = ((b"retry-after", b"%d" % seconds),)
            return Reply(problem.status, body_of(problem, call.id), _JSON, headers)
        except StoreError as problem:
            self._log.line("error", "store", request_id=call.id, message=str(problem))
            sorry = refused("not_ready", "the store does not answer; the log has more under the request_id")
            return Reply(503, body_of(sorry, call.id), _JSON, ((b"retry-after", b"1"),))
        except Exception:
            self._log.line("error", "fault", request_id=call.id, message=traceback.format_exc())
            sorry = refused("internal", "a fault of the service; its log has more under the request_id")
            return Reply(500, body_of(sorry, call.id))

    async def _answered(self, call: Call, by_method: dict[str, Route], route: Route | None) -> Reply:
        if (size := call.head_bytes()) > self._cfg.most_header_bytes:
            most = self._cfg.most_header_bytes
            raise refused("headers_too_large", f"line and headers have {size:,} bytes, and {most:,} are taken")
        if not by_method:
            raise refused("no_route", "there is no such path; /openapi.json names all")
        if route is None:
            raise refused("wrong_method", f"this path answers {', '.join(sorted(by_method))}, not {call.method}")
        if route.name == "events":
            return await self._collected(call, route)
        if route.scope is not None and self._keys is not None:
            self._let_in(call, route, self._keys.of(call.headers.get(b"authorization")), self._buckets)
        if route.name in self._own:
            return self._own[route.name]()
        body = b"" if route.takes is None else await call.body(self._cfg.most_body_bytes, self._cfg.request_seconds)
        if route.ask is None:
            confirmed = await self._exposures.confirmed(routes.decoded(ConfirmRequest, body))
            return Reply(200, _ENCODER.encode(confirmed))
        if self._collector is not None:
            self._collector.look()
        to = self._state.recommender
        try:
            if self._in_threads:
                answer = await asyncio.to_thread(route.ask, to, call, body)
            else:
                answer = route.ask(to, call, body)
        except Refused as problem:
            raise coded(problem) from None
        call.served_from = answer.served_from
        if call.method != "HEAD":  # nobody sees what it would have been
            answer = self._exposures.answered(answer, route.name)
        self._metrics.answer(answer.served_from, answer.short is not None, answer.exposure)
        return Reply(200, _ENCODER.encode(answer))

    async def _collected(self, call: Call, route: Route) -> Reply:
        """Take events in; from a page, which can set no header without asking first, the key comes in the body."""
        cfg, keys, from_page = self._cfg, self._keys, call.kind == PAGE
        if keys is not None and not from_page:
            self._let_in(call, route, keys.of(call.headers.get(b"authorization")), self._of_events)
        if self._collector is None:
            raise refused("no_collector", "this service takes no events: it was started without --collect")
        most = min(cfg.most_body_bytes, cfg.collect.most_page_bytes) if from_page else cfg.most_body_bytes
        body = await call.body(most, cfg.request_seconds, PAGE if from_page else _JSON)
        request, origin = routes.decoded(EventsRequest, body), call.headers.get(b"origin")
        if from_page and keys is not None:
            self._let_in(call, route, keys.public(request.key, origin), self._of_events)
        elif keys is None:
            require_local(origin)
        collected = await self._collector.take(request.source, events_of(request))
        self._metrics.events(collected)
        allowed = ((b"access-control-allow-origin", origin),) if from_page and origin else ()
        return Reply(200, _ENCODER.encode(collected), _JSON, allowed)

    def _let_in(self, call: Call, route: Route, row: KeyRow | None, buckets: Buckets) -> None:
        if row is None:
            raise refused("no_key", "send a valid key: Authorization: Bearer KEY")
        call.key = row.name
        if route.scope not in row.scopes:
            raise refused("wrong_scope", f"the key {row.name} has not the scope {route.scope}")
        if seconds := buckets.wait(row.id):
            raise _Later(seconds, row.name, buckets.rate)

    def _age(self) -> float:
        return max(0.0, time.time() - self._written())

    @property
    def stale(self) -> bool:
        """Whether the snapshot that answers was written longer ago than it should be."""
        return self._age() > self._cfg.stale_hours * 3600

    @property
    def without_step(self) -> str | None:
        """Why answers come without the step of the snapshot's sequence model; None: they don't."""
        return self._state.recommender.without_step

    def _ready(self) -> Reply:
        manifest, stale = self._state.store.manifest, self.stale
        sends_away = self.stopping or (stale and self._cfg.when_stale == "unready")
        ready = Ready(
            ready=not sends_away and self._state.store.answers,
            stale=stale,
            stopping=self.stopping,
            snapshot=manifest.name,
            number=manifest.number,
            surface=manifest.surface,
            as_of=manifest.as_of_date,
            age_seconds=int(self._age()),
            problem=self._state.store.problem,
        )
        return Reply(200 if ready.ready else 503, _ENCODER.encode(ready))

    def _numbers(self) -> Reply:
        store, lacks = self._state.store, self.without_step is not None
        of_now = metrics.OfNow(store.manifest, self._age(), self.stale, store.problem is not None, lacks)
        return Reply(200, self._metrics.text(of_now), metrics.TYPE)

    def _logged(self, call: Call, route: str, status: int, seconds: float) -> None:
        level: Level = "error" if status >= 500 else "warning" if status in (401, 403, 429) else "info"
        if not self._log.writes(level):
            return
        fields: dict[str, Any] = {
            "request_id": call.id,
            "method": call.method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 3),
            "key": call.key,
            "served_from": call.served_from,
            "user": self._log.user(call.user),
        }
        self._log.line(level, "request", **fields)


class _Later(Refused):
    """Too many requests; ``seconds`` to wait."""

    def __init__(self, seconds: int, key: str, rate: float) -> None:
        super().__init__(429, "too_many_requests", f"the key {key} sent more than {rate:g} requests a second")
        self.seconds = seconds
