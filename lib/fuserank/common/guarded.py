"""What a command line refuses, and how its errors end: in one line. Imported by every command, so it imports little."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence

from fuserank.common.errors import FuserankError


def refuse_blank(words: Sequence[str], valued: Collection[str] = ()) -> None:
    """Raise where a word of a command line is blank, or an option has no value: a shell variable is not set.

    :param valued: options that take a value, of a parser that would take the next option for it
    """
    for before, word in zip(["", *words], words, strict=False):
        option, equals, value = word.partition("=")
        if not word.strip():
            at = before.partition("=")[0] if before.startswith("-") else "a word of the command"
        elif option.startswith("--") and equals and not value.strip():
            at = option
        elif before in valued and word.startswith("--"):
            at = before
        else:
            continue
        raise FuserankError(f"{at} is empty: is a variable in it not set? Name a value, or leave it out")


def guarded(body: Callable[[], object]) -> int:
    """Run the body; known errors become one line on stderr and exit code 2, or the error's own ``exit_code``."""
    try:
        body()
    except Exception as problem:
        if not (lines := _error_lines(problem)):
            raise
        for line in lines:
            print(f"fuserank: {line}", file=sys.stderr)
        return int(getattr(problem, "exit_code", 2))
    return 0


def _error_lines(problem: Exception) -> list[str]:
    """The lines of an error that a person can fix; none: it is another."""
    from pydantic import ValidationError

    if isinstance(problem, FuserankError):
        return [str(problem)]
    if isinstance(problem, ValidationError):
        return [f"{'.'.join(str(p) for p in error['loc'])}: {error['msg']}" for error in problem.errors()]
    if "No space left on device" in str(problem):  # Spark's words for it are hundreds of lines
        return ["a disk is full: free some, or name others by --lake, SPARK_LOCAL_DIRS and TMPDIR; then run it again"]
    return []
