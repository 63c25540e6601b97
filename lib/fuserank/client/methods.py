"""The methods that both clients have: which request each is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, Unpack

from fuserank.client import calls
from fuserank.client.calls import Call, ItemOptions
from fuserank.client.replies import T
from fuserank.client.tries import Schedule, Tries
from fuserank.serving.requests import SessionEvent

R = TypeVar("R")  # an answer, or what is awaited for one
C = TypeVar("C")  # the same of a confirmation
E = TypeVar("E")  # the same of events


class Methods(ABC, Generic[R, C, E]):
    """Where to ask, by which key, and how long.

    :param url: of the service, such as ``https://recommend.shop.example``
    :param key: that ``fuserank serve-key new`` printed; None: the service runs with ``--insecure-local``
    :param timeout: seconds that one try may take
    :param retries: how often a request is sent again after 429, 502, 503, 504, or where no connection holds
    :param deadline: seconds of a whole call, with all tries and waits
    :raises ValueError: what of them is wrong; the key is never repeated
    """

    def __init__(
        self, url: str, key: str | None = None, *, timeout: float = 2.0, retries: int = 3, deadline: float = 10.0
    ) -> None:
        self.url = calls.checked_url(url)
        self._schedule = Schedule(timeout, retries, deadline)
        self._key = key

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def recommend(
        self,
        user: str,
        *,
        session: Sequence[SessionEvent] = (),
        basket: Sequence[str] = (),
        **options: Unpack[ItemOptions],
    ) -> R:
        """Items for a user; an unknown one gets what is popular.

        :param session: what the user did just now
        :raises ServiceError: it was not answered
        """
        return self._ask(calls.of_user(user, session, basket, options))

    def rank(
        self,
        candidates: Sequence[str],
        *,
        user: str | None = None,
        session: Sequence[SessionEvent] = (),
        basket: Sequence[str] = (),
        **options: Unpack[ItemOptions],
    ) -> R:
        """Of these candidates alone the k best, in order.

        :raises ServiceError: it was not answered
        """
        return self._ask(calls.of_candidates(candidates, user, session, basket, options))

    def similar(self, item: str, **options: Unpack[ItemOptions]) -> R:
        """Items like this one.

        :raises ServiceError: it was not answered; 404 ``unknown_item``: the catalogue has no such item
        """
        return self._ask(calls.of_item(item, options))

    def trending(self, **options: Unpack[ItemOptions]) -> R:
        """What users do most at this time.

        :raises ServiceError: it was not answered
        """
        return self._ask(calls.of_now(options))

    def basket(
        self,
        basket: Sequence[str],
        *,
        user: str | None = None,
        session: Sequence[SessionEvent] = (),
        **options: Unpack[ItemOptions],
    ) -> R:
        """What goes with these items.

        :raises ServiceError: it was not answered
        """
        return self._ask(calls.of_basket(basket, user, session, options))

    def session(
        self, session: Sequence[SessionEvent], *, basket: Sequence[str] = (), **options: Unpack[ItemOptions]
    ) -> R:
        """Items for somebody unknown, after what was done just now.

        :raises ServiceError: it was not answered
        """
        return self._ask(calls.of_session(session, basket, options))

    def confirm(self, answer_id: str, items: Sequence[str] | None = None) -> C:
        """Say what a user saw of an answer; None: all of it. Where it is sent again, it counts once.

        :raises ServiceError: it is not kept; 404 ``no_inbox``: the service keeps no exposures
        """
        return self._confirm(calls.of_exposure(answer_id, items))

    def send(self, events: Sequence[Mapping[str, Any]], source: str | None = None) -> E:
        """Send events that happened, at most 5,000; those that are accepted are on the service's disk.

        Sent again they count once, for the service knows their ids; ``fuserank.client.Spool`` keeps them meanwhile.

        :param events: by the names of the mapping's columns
        :param source: the mapping's table that they are rows of; None: it has one of events alone
        :raises ServiceError: none is taken; 404 ``no_collector``: the service takes no events
        """
        return self._send(calls.of_events(events, source))

    @abstractmethod
    def _ask(self, call: Call) -> R:
        """Send the request, as often as it needs."""

    @abstractmethod
    def _confirm(self, call: Call) -> C:
        """The same for a confirmation."""

    @abstractmethod
    def _send(self, call: Call) -> E:
        """The same for events."""

    def _tries(self, call: Call, kind: type[T]) -> Tries[T]:
        return Tries(self._schedule, kind, call.id, self._key)
