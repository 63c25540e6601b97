"""No word of a command line is blank: `--lake "$UNSET"` would otherwise mean the lake that nobody named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

from fuserank.common.guarded import refuse_blank


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
