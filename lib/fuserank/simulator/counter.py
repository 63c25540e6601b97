"""What the shop's server does for a visitor: asks the service, sends what it knows itself, minds the basket."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from fuserank.client import ServiceError
from fuserank.config.mapping import pages
from fuserank.simulator.catalogue import Product
from fuserank.simulator.visits import Visit, Visits

if TYPE_CHECKING:
    from fuserank.client import Client
    from fuserank.serving.requests import Answer, AnswerItem
    from fuserank.simulator.catalogue import Catalogue
    from fuserank.simulator.lines import Lines

K, _BESIDE = 6, 6  # items of a visitor's list, and of lists beside a page
_POPULAR = 9
_WORDS = {
    pages.VIEW: "you looked at",
    pages.CART: "you put into the basket:",
    pages.UNCART: "you took out of the basket:",
    pages.DISLIKE: "not for you:",
    pages.BUY: "you bought what was in the basket",
}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Counter:
    """The server side of one shop.

    :param url: of the service, as pages see it
    :param users: of whom a visitor may be one
    """

    def __init__(
        self,
        client: Client,
        url: str,
        catalogue: Catalogue,
        lines: Lines,
        users: Sequence[str],
        now: Callable[[], dt.datetime] = _now,
    ) -> None:
        self.client, self.url, self.catalogue, self.lines, self.users = client, url, catalogue, lines, users
        self.visits, self._now = Visits(), now

    def product(self, item: str, name: str | None = None) -> Product:
        """An item, also one that the lake does not describe."""
        return self.catalogue.of(item) or Product(item, name or f"item {item}", "")

    @staticmethod
    def line() -> str:
        """An id for an event."""
        return secrets.token_urlsafe(12)

    def popular(self, visit: Visit) -> list[Product]:
        """What most baskets held, but for what is in this one."""
        return self._products(self.client.session([], k=_POPULAR, exclude=list(visit.basket)).items)

    def similar(self, item: str) -> list[Product]:
        """What is like an item; none where the store does not have it, though the lake does."""
        try:
            return self._products(self.client.similar(item, k=_BESIDE).items)
        except ServiceError as problem:
            if problem.code != "unknown_item":
                raise
            return []

    def goes_with(self, visit: Visit) -> list[AnswerItem]:
        """What goes with the basket."""
        if not visit.basket:
            return []
        return self.client.basket(list(visit.basket), user=visit.user, k=_BESIDE).items

    def recommended(self, visit: Visit, after: str, is_look: bool = False) -> bool:
        """Ask for the visitor's list; whether it differs from the one that was seen before.

        The request names the basket, which this server knows; all else the collector does.

        :param is_look: nobody sees it unless it differs
        """
        answer: Answer = self.client.recommend(visit.user, k=K, basket=list(visit.basket), dry_run=is_look)
        return visit.take(answer, after)

    def did(self, visit: Visit, form: Mapping[str, str], from_page: bool) -> None:
        """Something that the visitor does.

        :param from_page: the page's own script has sent the event
        """
        kind, item = form.get("kind", ""), form.get("item", "")
        line = form.get("line") or self.line()
        if kind == pages.BUY:
            self._buy(visit)
        elif kind == pages.UNCART:
            self._uncart(visit, item)
        elif kind in (pages.CART, pages.DISLIKE) and item:
            with visit.lock:
                if kind == pages.CART:
                    visit.basket.setdefault(item, line)
                else:
                    visit.basket.pop(item, None)
            if not from_page:
                self._send(visit, kind, item, line)
        if not from_page:
            visit.note = self.in_words(kind, item)

    def in_words(self, kind: str, item: str) -> str:
        """What was done."""
        words = _WORDS.get(kind, "")
        return f"{words} {self.product(item).name}" if words and item else words

    def _uncart(self, visit: Visit, item: str) -> None:
        with visit.lock:
            line = visit.basket.pop(item, None)
        if line is not None:
            self._send(visit, pages.UNCART, item, self.line(), takes_back=line)

    def _buy(self, visit: Visit) -> None:
        """Purchases are sent by the server: what a page says is what anybody may say."""
        with visit.lock:
            bought = list(visit.basket)
            visit.basket.clear()
        if bought:
            now, order = self._now(), f"order-{self.line()}"
            sent = [self.lines.purchase(visit.user, item, now, order) for item in bought]
            self.client.send([one.row for one in sent], sent[0].table)

    def _send(self, visit: Visit, kind: str, item: str, line: str, **more: str) -> None:
        sent = self.lines.act(kind, visit.user, item, self._now(), line, **more)
        self.client.send([sent.row], sent.table)

    def _products(self, items: Sequence[AnswerItem]) -> list[Product]:
        return [self.product(one.item, one.name) for one in items]
