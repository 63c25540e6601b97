"""What differs between two lists of one user: what came, what went, what moved, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fuserank.serving.requests import Answer, AnswerItem


class Move(NamedTuple):
    """An item that is in both lists, at another place."""

    one: AnswerItem
    before: int
    after: int


class Change(NamedTuple):
    """What became of a list.

    :ivar after: what was done, in words
    :ivar came: of the new list; ``went``: of the old one
    """

    after: str
    came: list[AnswerItem]
    went: list[AnswerItem]
    moved: list[Move]
    served_from: str
    why: str

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.came or self.went or self.moved)


def changed(old: Answer, new: Answer, after: str) -> Change:
    """From one answer to another."""
    had = {one.item: one for one in old.items}
    has = {one.item: one for one in new.items}
    moved = [
        Move(one, had[item].rank, one.rank) for item, one in has.items() if item in had and had[item].rank != one.rank
    ]
    came = [one for item, one in has.items() if item not in had]
    went = [one for item, one in had.items() if item not in has]
    return Change(after, came, went, moved, new.served_from, new.why)
