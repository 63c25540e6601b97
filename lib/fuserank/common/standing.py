"""What stands of a history in which later steps may go back to earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def standing(steps: Iterable[T], target: Callable[[T], str], goes_back: Callable[[T], bool]) -> list[T]:
    """Steps that were not taken back, the one that holds last.

    A step back takes away all that came after the one that it goes back to, and stands in that one's place, so that a
    second step back goes further and does not return to what the first one took away.

    :param steps: in their order
    :param target: what a step leads to
    :param goes_back: whether it is one back to an earlier step's target
    """
    stack: list[T] = []
    for one in steps:
        if goes_back(one):
            while stack and target(stack[-1]) != target(one):
                stack.pop()
            stack = stack[:-1]
        stack.append(one)
    return stack
