"""What comes to the collector over HTTP: from the shop's own servers, or from its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fuserank.serving.problems import refused

if TYPE_CHECKING:
    from fuserank.serving.requests import EventsRequest

PAGE = b"text/plain"  # what navigator.sendBeacon may send to another origin without asking it first
_LOCAL = re.compile(rb"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?")

# Less than 2 kB, as it is sent (tests/unit/serving/collect).
SNIPPET = b"""/* fuserank: sends events. fuserankSettings = {url, key, from, user, time, type, id, userColumn}:
   time, type, id, userColumn: the mapping's columns; user: an id, or a function. fuserank(type, {column: value}) */
(function (w, d) {
  var s = w.fuserankSettings || {}, q = [], t = 0, n = w.navigator;
  function value(v) { return typeof v === "function" ? v() : v; }
  function unique() {
    return w.crypto && w.crypto.randomUUID ? w.crypto.randomUUID()
      : Date.now().toString(36) + Math.random().toString(36).slice(2);
  }
  function send(events) {
    var body = JSON.stringify({ key: s.key, from: s.from, events: events });
    if (body.length > 6e4 && events.length > 1) {
      var half = events.length >> 1;
      send(events.slice(0, half));
      return send(events.slice(half));
    }
    var url = s.url + "/v1/events";
    if (n.sendBeacon && n.sendBeacon(url, new Blob([body], { type: "text/plain" }))) return;
    if (w.fetch) fetch(url, { method: "POST", body: body, keepalive: true, mode: "no-cors",
      headers: { "Content-Type": "text/plain" } })["catch"](function () {});
  }
  function flush() {
    clearTimeout(t);
    t = 0;
    if (q.length) send(q.splice(0));
  }
  w.fuserank = function (type, cells) {
    var e = {};
    for (var c in cells) e[c] = cells[c];
    if (s.type && type) e[s.type] = type;
    if (s.userColumn && e[s.userColumn] == null) e[s.userColumn] = value(s.user);
    if (s.time && e[s.time] == null) e[s.time] = new Date().toISOString();
    if (s.id && e[s.id] == null) e[s.id] = unique();
    q.push(e);
    if (q.length > 19) flush(); else if (!t) t = setTimeout(flush, 1000);
  };
  w.fuserank.flush = flush;
  d.addEventListener("visibilitychange", function () { if (d.visibilityState === "hidden") flush(); });
  w.addEventListener("pagehide", flush);
})(window, document);
"""


def events_of(request: EventsRequest) -> Sequence[Mapping[str, Any]]:
    """The events of a request.

    :raises Refused: it has none, or both forms
    """
    if request.event is None and not request.events:
        raise refused("missing_field", "the field events is missing, or holds no event", "events")
    if request.event is not None and request.events:
        raise refused("wrong_value", "event: one alone, or several as events", "event")
    return request.events if request.event is None else [request.event]


def require_local(origin: bytes | None) -> None:
    """Where no key is asked for, a page of another machine may write nothing by a visitor's browser.

    :raises Refused: the page is one
    """
    if origin is not None and not _LOCAL.fullmatch(origin):
        raise refused("wrong_origin", "without keys only pages of this machine may send events")
