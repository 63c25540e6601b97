"""One page of an answer: what rules, filter and request leave of some lists, and where each item stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.filters import Features
    from fuserank.serving.recommend.lists import Ranked
    from fuserank.serving.recommend.rules import Rules
    from fuserank.serving.requests import Options
    from fuserank.serving.store.records import ItemRecord

_SPARE, _AT_ONCE = 4, 64  # records that are read at first beyond those that are missing, and later at once


class Placed(NamedTuple):
    """An item of the page; ``of``: the list it is from, None: it is pinned."""

    rank: int
    record: ItemRecord
    of: Ranked | None


class Page:
    """Takes items from lists until there are as many as the page holds.

    :param gone: item_index → why it must not come
    :param before: items of the pages before
    :ivar removed: how many items each rule took away, of all that were looked at (with ``explain`` all of a list)
    :ivar looked_at: how many items that were
    """

    def __init__(
        self,
        catalogue: Catalogue,
        rules: Rules,
        options: Options,
        gone: Mapping[int, str],
        before: Sequence[int],
        features: Features,
    ) -> None:
        self._catalogue, self._rules, self._options, self._gone = catalogue, rules, options, gone
        self._excluded, self._features = frozenset(options.exclude), features
        self._filter = None if options.filter is None else catalogue.filter(options.filter)
        self._seen, self._first = set(before), len(before)
        self._caps: Counter[tuple[str, str | float | int]] = Counter()
        self.removed: Counter[str] = Counter()
        self.looked_at = 0
        self._pinned: list[tuple[int, ItemRecord]] = []
        self._taken: list[tuple[ItemRecord, Ranked]] = []
        if rules.max_per:
            for record in catalogue.records(before):
                if record is not None:
                    self._capped(record)

    def pin(self, places: Mapping[int, str]) -> None:
        """Hold places of the whole list, before any list is taken from; position → item."""
        indices = self._catalogue.indices(places.values())
        self.removed["unknown_item"] += sum(index is None for index in indices.values())
        places = dict(sorted(places.items()))
        known = {at: index for at, item_id in places.items() if (index := indices[item_id]) is not None}
        for at, record in zip(known, self._allowed(list(known.values())), strict=True):
            if record is not None and self._capped(record):
                self._pinned.append((at, record))

    @property
    def missing(self) -> int:
        """How many more items the page holds."""
        last = self._first + self._options.k
        return max(self._options.k - sum(at <= last for at, _ in self._pinned), 0) - len(self._taken)

    def take(self, ranked: Ranked) -> int:
        """Items of a list, in its order, until the page is full; how many were taken."""
        taken, order, missing = len(self._taken), ranked.order, self.missing
        at, more = 0, missing + _SPARE
        while at < len(order) and (missing > 0 or self._options.explain):
            some = order[at : at + more].tolist()
            at, more = at + more, max(more, _AT_ONCE)
            for record in self._allowed(some):
                if record is not None and missing > 0 and self._capped(record):
                    self._taken.append((record, ranked))
                    missing -= 1
        return len(self._taken) - taken

    def placed(self) -> list[Placed]:
        """The items of the page with their ranks in the whole list, which go on from page to page."""
        if not self._pinned:
            return [Placed(rank, *one) for rank, one in enumerate(self._taken, self._first + 1)]
        found: list[Placed] = []
        pinned, taken = iter(self._pinned), iter(self._taken)
        pin, one = next(pinned, None), next(taken, None)
        while len(found) < self._options.k and (pin or one):
            rank = self._first + len(found) + 1
            if pin is not None and (pin[0] <= rank or one is None):
                found.append(Placed(rank, pin[1], None))
                pin = next(pinned, None)
            elif one is not None:
                found.append(Placed(rank, *one))
                one = next(taken, None)
        return found

    def _allowed(self, indices: Sequence[int]) -> list[ItemRecord | None]:
        """Records of items that may come, None for the others; each item is looked at once."""
        found: list[ItemRecord | None] = []
        for index, record in zip(indices, self._catalogue.records(indices), strict=True):
            if index in self._seen:
                found.append(None)
                continue
            self._seen.add(index)
            self.looked_at += 1
            why = "unknown_item" if record is None else self._gone.get(index) or self._denied(record)
            if why:
                self.removed[why] += 1
            found.append(None if why else record)
        return found

    def _denied(self, record: ItemRecord) -> str | None:
        rules, item_id = self._rules, record.item_id
        if item_id in rules.hidden:
            return "hidden"
        if rules.allowed is not None and item_id not in rules.allowed:
            return "not_allowed"
        if item_id in rules.out_of_stock:
            return "out_of_stock"
        if item_id in self._excluded:
            return "excluded"
        if self._filter is not None and not self._filter(record, self._features):
            return "filter"
        return None

    def _capped(self, record: ItemRecord) -> bool:
        """Whether no cap is reached by an item, which then counts towards it."""
        if not self._rules.max_per:
            return True
        values = [(name, record.fields[name]) for name in self._rules.max_per if name in record.fields]
        if any(self._caps[value] >= self._rules.max_per[value[0]] for value in values):
            self.removed["max_per"] += 1
            return False
        self._caps.update(values)
        return True
