"""What a line of a segment says: JSON, one object a line, the fields of bronze.exposures (tables/exposures.py)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

ANSWER: Final = "answer"  # a list that went out
SHOWN: Final = "shown"  # a client says that items of a list were seen
By = Literal["answer", "client"]  # who says that an item was seen: the answer itself, or the client later

_ENCODER = msgspec.json.Encoder()


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One answer, or one confirmation of a client.

    :param at: microseconds since 1970, UTC
    :param shown_by: of an answer: who says that its items were seen
    :param first_position: place of the first item in the list that a user sees, from 1; the others follow it
    :param items: in the order of their places; of a confirmation: those that were seen, none: all of the answer
    :param propensities: probability with which each item was at its place; none: the list is deterministic
    """

    kind: Literal["answer", "shown"]
    at: int
    answer_id: str
    user: str | None = None
    surface: str | None = None
    route: str | None = None
    served_from: str | None = None
    policy_id: str | None = None
    shown_by: By | None = None
    ranking_run_id: str | None = None
    ranking_version: int | None = None
    as_of: str | None = None
    snapshot: str | None = None
    first_position: int | None = None
    items: list[str] = []
    scores: list[float] = []
    reason_codes: list[str] = []
    propensities: list[float] | None = None


def encoded(line: Line, row: int) -> bytes:
    """The bytes of a line, its line feed at the end; ``row``: its number in the segment, from 0."""
    return b'{"row":%d,' % row + _ENCODER.encode(line)[1:] + b"\n"
