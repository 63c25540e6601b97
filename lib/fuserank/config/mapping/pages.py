"""What the pages of a shop that is played send: one more table beside those of a mapping."""

from __future__ import annotations

import copy
from typing import Any, Final

TABLE: Final = "shop_pages"
VIEW, CART, UNCART, DISLIKE, BUY = "view", "cart", "uncart", "dislike", "buy"
LINE: Final = "line"  # the column of an event's id
TAKES_BACK: Final = "takes_back"
_COLUMNS = {
    "user": "string",
    "item": "string",
    "type": "string",
    "time": "timestamp",
    LINE: "string",
    "visit": "string",
    TAKES_BACK: "string",
}
_TYPES = {
    VIEW: {"type": VIEW, "role": "feedback", "reward": {"value": 0.1}},
    CART: {"type": CART, "role": "feedback", "reward": {"value": 0.5}},
    BUY: {"type": "purchase", "role": "feedback", "reward": {"value": 1.0}},
    DISLIKE: {"type": DISLIKE, "role": "feedback", "reward": {"value": -1.0}},
    UNCART: {"type": UNCART, "role": "reversal"},
}


def with_pages(raw: dict[str, Any]) -> dict[str, Any]:
    """A mapping as its file has it, and a table of what pages send: views, carts, what is taken out, dislikes.

    A shop whose mapping has a table of that name already keeps its own.
    """
    more = copy.deepcopy(raw)
    if TABLE in more["files"]:
        return more
    more["files"][TABLE] = {"path": f"{TABLE}/*.jsonl", "format": "jsonl", "columns": dict(_COLUMNS)}
    events = {
        "from": TABLE,
        "type_column": "type",
        "types": copy.deepcopy(_TYPES),
        "user": "user",
        "item": "item",
        "time": "time",
        "key": [LINE],
        "session": "visit",
        "reverses": {"type": CART, "key": [TAKES_BACK]},
    }
    more["events"] = [*more["events"], events]
    return more
