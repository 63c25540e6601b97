"""The past of a shop as visits: baskets of its users with their times, in order, split into known and to be found."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, NamedTuple

from fuserank.history.events import taken_query
from fuserank.io.lake.rows import literal
from fuserank.serving.recommend.replay import first_items
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.io.lake.rows import FolderRows

_LEAST = 2  # items of a basket: one to know, one to find


class Visit(NamedTuple):
    """One basket.

    :ivar items: in the order in which they are put into it, which the past does not tell: drawn by the seed
    :ivar thinks: seconds before each of them; all 0 in a burst
    """

    user: str
    basket: str
    start: dt.datetime
    items: tuple[str, ...]
    thinks: tuple[float, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """The first half, four at most: what is in the basket when a list is asked for."""
        return tuple(first_items(self.items))

    @property
    def rest(self) -> frozenset[str]:
        """What is to be found."""
        return frozenset(self.items[len(self.known) :])

    @property
    def is_burst(self) -> bool:
        """Whether all is done at once."""
        return not any(self.thinks)


class Manner(NamedTuple):
    """How visitors are played.

    :param think_seconds: mean of the seconds before an item, drawn from an exponential distribution
    :param bursts: share of the visits in which all is done at once
    :param most: visits, drawn by the seed; None: all
    """

    seed: int
    think_seconds: float = 20.0
    bursts: float = 0.1
    most: int | None = None


def visits(reader: FolderRows, first: dt.date, last: dt.date, manner: Manner) -> list[Visit]:
    """Baskets of two items or more on the days ``first`` to ``last`` (UTC), in order of their times, ties by user.

    A basket is a session of a user's, where the shop tells it, else a day.
    """
    days = f"event_date >= {literal(first)} AND event_date <= {literal(last)}"
    query = (
        f"WITH w AS (SELECT * FROM v WHERE {days}), t AS ({taken_query('w')})"
        " SELECT user_id, coalesce(session, CAST(event_date AS VARCHAR)) AS basket, min(event_time) AS start,"
        " array_agg(DISTINCT item_id) AS items FROM t GROUP BY 1, 2"
    )
    rows = [r for r in reader.select(query, v=EVENTS) if len(r["items"]) >= _LEAST]
    rows.sort(key=lambda r: (r["start"], r["user_id"], r["basket"]))
    if manner.most is not None and len(rows) > manner.most:
        chosen = random.Random(manner.seed).sample(range(len(rows)), manner.most)
        rows = [rows[n] for n in sorted(chosen)]
    return [_visit(r["user_id"], r["basket"], r["start"], r["items"], manner) for r in rows]


def _visit(user: str, basket: str, start: dt.datetime, items: list[str], manner: Manner) -> Visit:
    draw = random.Random(f"{manner.seed}:{user}:{basket}")
    ordered = sorted(items)
    draw.shuffle(ordered)
    is_burst = draw.random() < manner.bursts
    thinks = [0.0 if is_burst else draw.expovariate(1 / manner.think_seconds) for _ in ordered]
    return Visit(user, basket, start.replace(tzinfo=dt.UTC), tuple(ordered), tuple(thinks))
