"""What a shop's users did with what they took, in words: bought, liked, took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig


@dataclass(frozen=True)
class Words:
    """Of one verb, and of what is counted."""

    past: str  # you … it
    participle: str  # the most …
    present: str  # which you …
    noun: str  # 12 …

    def say(self, text: str) -> str:
        """The text with the words in place of {past}, {participle}, {present} and {noun}; other braces stay."""
        for name in FIELDS:
            text = text.replace(f"{{{name}}}", getattr(self, name))
        return text


FIELDS = ("past", "participle", "present", "noun")
BOUGHT = Words("bought", "bought", "buy", "purchases")
LIKED = Words("liked", "liked", "like", "good ratings")
TOOK = Words("took", "taken", "take", "events")
_PURCHASES = {
    "purchase",
    "purchases",
    "purchased",
    "order",
    "orders",
    "ordered",
    "sale",
    "sales",
    "transaction",
    "buy",
    "bought",
    "checkout",
}
_RATINGS = {"rating", "ratings", "rated", "rate", "review", "reviews", "star", "stars", "score", "like", "liked"}


def words_of(dataset: DatasetConfig) -> Words:
    """By the names of the types that count as taken: where one is a purchase, users bought; where all
    are ratings, they liked; else they took.
    """
    parts = [set(re.split(r"[_\d]+", name)) for name in _types(dataset)]
    if any(one & _PURCHASES for one in parts):
        return BOUGHT
    return LIKED if parts and all(one & _RATINGS for one in parts) else TOOK


def _types(dataset: DatasetConfig) -> Iterator[str]:
    for events in dataset.events:
        kinds = list(events.types.values())
        declared = [(k.type, k.role, k.reward) for k in kinds] if kinds else [(events.type, events.role, events.reward)]
        for name, role, reward in declared:
            if name and role == "feedback" and (reward.value is None or reward.value > 0):
                yield name
