"""What one event says, as plain values: the rules of ``history.events`` where there is no Spark."""

from __future__ import annotations

from typing import Final, Literal

EXPOSURE: Final = "exposure"
FEEDBACK: Final = "feedback"
REVERSAL: Final = "reversal"
# Classes of what an event is, for models that read it: types that are called alike everywhere; others are class 0.
TYPES: Final = ("other", "view", "click", "cart", "purchase", "rating", "review", "redeem")
_WHEN: Final = " ".join(f"WHEN '{name}' THEN {n}" for n, name in enumerate(TYPES) if n)
TYPE_CLASS: Final = f"CASE event_type {_WHEN} ELSE 0 END"  # of an event, for SQL
Signal = Literal["taken", "disliked", "neutral", "undo", "offered"]


def signal_of(role: str, reward_q20: int) -> Signal:
    """What an event says of its item until a reversal of it is known; ``reward_q20``: in units of 2^-20.

    Feedback with a reward above 0 is taken, below 0 disliked, of 0 a verdict that is neither; a reversal is an undo.
    """
    if role == REVERSAL:
        return "undo"
    if role == EXPOSURE:
        return "offered"
    return "taken" if reward_q20 > 0 else "disliked" if reward_q20 < 0 else "neutral"
