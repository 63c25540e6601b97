"""What a shop decides about every list, whatever was learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rules:
    """Rules of the shop; to deny an item beats to pin it.

    :param hidden: items that never come
    :param allowed: the only items that may come; None: all
    :param out_of_stock: items that do not come now
    :param pinned: surface → position (from 1) → item; of ``recommend`` alone. A pinned item takes its position where no
        rule, filter or request removes it; a list that ends before the position has it at its end
    :param max_per: field of items → how many items of one value a list may have, over all of its pages and with what
        is pinned; an item without the field is in no value
    """

    hidden: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None
    out_of_stock: frozenset[str] = frozenset()
    pinned: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    max_per: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [f"{surface}: {at}" for surface, places in self.pinned.items() for at in places if at < 1]
        wrong += [f"max_per of {name}: {most}" for name, most in self.max_per.items() if most < 0]
        if wrong:
            raise ValueError(f"positions are 1 and more, caps 0 and more, not {', '.join(wrong)}")
