"""Which model of a kind is the champion: the history of its promotions, and what it was before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.common.standing import standing as _standing

CHAMPION, PREVIOUS = "champion", "previous"
NAMES = (CHAMPION, PREVIOUS)


@dataclass(frozen=True)
class Promotion:
    """A row of models.aliases; of the model it has what models.registry had of it."""

    kind: str
    number: int
    action: str
    model_id: str
    as_of_date: dt.date
    artifact: str
    artifact_sha256: str
    table_versions: dict[str, int]
    metrics: dict[str, float]
    config_json: str
    model_run_id: str
    promoted_at: dt.datetime
    promoted_by: str
    run_id: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Promotion:
        """The row as read from the lake."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """Plain values by column."""
        return asdict(self)

    def registered(self) -> dict[str, Any]:
        """The model's row of models.registry."""
        return {**self.as_dict(), "run_id": self.model_run_id}


def standing(history: Iterable[Promotion]) -> list[Promotion]:
    """Promotions of one kind that were not taken back, the champion last."""
    return _standing(sorted(history, key=lambda p: p.number), lambda p: p.model_id, lambda p: p.action == "demote")


def aliases(history: Sequence[Promotion]) -> dict[str, Promotion]:
    """The champion of a kind and the one before it, by alias; those that there are."""
    stack = standing(history)
    earlier = [p for p in stack[:-1] if p.model_id != stack[-1].model_id]
    return dict(zip(NAMES, [*stack[-1:], *earlier[-1:]], strict=False))


def before(history: Sequence[Promotion], kind: str) -> Promotion:
    """What a demotion goes back to: the champion before.

    :raises FuserankError: there is none
    """
    found = aliases(history)
    if not found:
        raise FuserankError(f"no {kind} is champion; `fuserank models promote {kind}` makes one")
    if PREVIOUS not in found:
        raise FuserankError(
            f"no {kind} was champion before {found[CHAMPION].model_id}; `fuserank models promote {kind}@RUN` makes"
            " another one"
        )
    return found[PREVIOUS]
