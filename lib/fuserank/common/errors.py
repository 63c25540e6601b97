"""Errors that a person can act on."""

from __future__ import annotations


class FuserankError(RuntimeError):
    """The base of all errors that end a command in one line: what is wrong, where, and the cure."""


class IngestError(FuserankError):
    """A whole input is wrong; names file, column, row and cure where they are known."""

    def __init__(
        self, problem: str, *, file: str = "", column: str = "", row: int | None = None, cure: str = ""
    ) -> None:
        where = ", ".join(
            part
            for part in (
                f"file {file}" if file else "",
                f"column {column}" if column else "",
                f"row {row}" if row is not None else "",
            )
            if part
        )
        super().__init__(f"{where + ': ' if where else ''}{problem}{'; ' + cure if cure else ''}")
        self.problem, self.file, self.column, self.row, self.cure = problem, file, column, row, cure


class LakeError(FuserankError):
    """A table or place is missing, or a write breaks its contract; the message names it and the cure."""
