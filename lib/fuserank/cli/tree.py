"""The tree of commands: no word of a command line is blank (`--lake "$UNSET"` would otherwise mean the lake that nobody
named), and help is filled to the terminal's width.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from fuserank.common.guarded import refuse_blank


def filled(text: str | None) -> str:
    """A docstring as help: the terminal breaks its paragraphs; one that begins with \\b stays as it is."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(p if p.startswith("\b") else " ".join(p.split()) for p in paragraphs)


class NothingBlank(TyperGroup):
    """The whole tree of commands; raises FuserankError before one of them starts."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """As it is made elsewhere, once nothing in ``args`` is blank."""
        if parent is None:
            refuse_blank(args, set(_valued(self)))
        return super().make_context(info_name, args, parent, **extra)


def _valued(command: Any) -> Iterator[str]:
    """The options of a command and of those below it that take a value; arguments know nothing of flags."""
    for parameter in command.params:
        if not getattr(parameter, "is_flag", True):
            yield from parameter.opts
    for below in getattr(command, "commands", {}).values():
        yield from _valued(below)
