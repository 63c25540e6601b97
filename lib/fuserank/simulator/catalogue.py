"""What the shop sells and who comes: names and shelves of items, found by words; users with lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fuserank.io.lake.rows import literal
from fuserank.tables.results import RANKING
from fuserank.tables.silver import ITEM_DICTIONARY, ITEMS

if TYPE_CHECKING:
    from fuserank.io.lake.rows import FolderRows

_USERS = 6


class Product(NamedTuple):
    """An item as pages write it; ``shelf``: department and brand, where they are known."""

    item: str
    name: str
    shelf: str


class Catalogue:
    """The items of a lake before 00:00 UTC of a day, in memory.

    :param popular: indices of items, the most popular first: so search orders what it finds
    """

    def __init__(self, reader: FolderRows, day: dt.date, popular: Sequence[int]) -> None:
        self._reader, self._day = reader, day
        place = {index: n for n, index in enumerate(popular)}
        rows = reader.rows(ITEM_DICTIONARY, {"deleted_at": None}, ("item_id", "item_index"))
        described = {}
        if reader.exists(ITEMS):
            columns = ("item_id", "name", "department", "brand")
            described = {r["item_id"]: r for r in reader.rows(ITEMS, {}, columns, known=day)}
        rows.sort(key=lambda r: (place.get(r["item_index"], len(place)), r["item_index"]))
        self._products = {r["item_id"]: _product(r["item_id"], described.get(r["item_id"], {})) for r in rows}
        self._words = [(one, f"{one.item} {one.name} {one.shelf}".lower()) for one in self._products.values()]

    def __len__(self) -> int:
        return len(self._products)

    def of(self, item: str) -> Product | None:
        """An item by its id."""
        return self._products.get(item)

    def found(self, text: str, most: int) -> list[Product]:
        """Items that have every word of a text in id, name or shelf, the most popular first."""
        words = text.lower().split()
        hits: list[Product] = []
        for one, letters in self._words if words else []:
            if all(word in letters for word in words):
                hits.append(one)
                if len(hits) == most:
                    break
        return hits

    def users(self, surface: str) -> list[str]:
        """Some users who have a list."""
        if not self._reader.exists(RANKING):
            return []
        first = f'as_of_date = {literal(self._day)} AND surface = {literal(surface)} AND "rank" = 1'
        query = f"SELECT user_id FROM r WHERE {first} ORDER BY user_id LIMIT {_USERS}"
        return [r["user_id"] for r in self._reader.select(query, r=RANKING)]


def _product(item: str, row: dict[str, str | None]) -> Product:
    shelf = " · ".join(part for part in (row.get("department"), row.get("brand")) if part)
    return Product(item, row.get("name") or f"item {item}", shelf)
