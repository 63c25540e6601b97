"""Who is in the shop: a visitor's user, basket, the list that was seen last and how it changed."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuserank.simulator.changes import Change, changed

if TYPE_CHECKING:
    from fuserank.serving.requests import Answer

_MOST, _CHANGES = 1_000, 5


@dataclass
class Visit:
    """One visitor.

    :ivar basket: item → the id of the event that put it there, in order
    :ivar changes: the latest first
    :ivar note: what was done on the page before, for the one that comes
    """

    token: str
    user: str
    is_new: bool
    basket: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    seen: Answer | None = None
    note: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def taken_note(self) -> str:
        """The note, this once."""
        with self.lock:
            note, self.note = self.note, ""
            return note

    def take(self, answer: Answer, after: str) -> bool:
        """Hold an answer as what is seen now; whether its list differs from the one before."""
        with self.lock:
            change = None if self.seen is None else changed(self.seen, answer, after)
            self.seen = answer
            if change:
                self.changes = [change, *self.changes[: _CHANGES - 1]]
            return bool(change)


class Visits:
    """Visitors by the token of their cookie; who was away longest goes first."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, token: str) -> Visit | None:
        """The visit that a cookie names."""
        with self._lock:
            found = self._visits.get(token)
            if found is not None:
                self._visits.move_to_end(token)
            return found

    def begin(self, user: str | None) -> Visit:
        """A visit of a user; None: of somebody new."""
        token = secrets.token_urlsafe(16)
        visit = Visit(token, user or f"visitor-{secrets.token_hex(4)}", user is None)
        with self._lock:
            self._visits[token] = visit
            while len(self._visits) > _MOST:
                self._visits.popitem(last=False)
        return visit
