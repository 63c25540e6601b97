"""What a rule of whole tables found: made by ``quality``, kept in ops.quality, shown by the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["kept", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """A rule's say about a table: ``value`` and ``limit`` in the rule's own unit, null where it could not be judged."""

    rule: str
    table: str
    key: str
    value: float | None
    limit: float | None
    severity: str
    state: State
    reason: str

    @property
    def named(self) -> str:
        """Rule, table and key in words."""
        return f"{self.rule} of {self.table}{f' {self.key}' if self.key else ''}"
