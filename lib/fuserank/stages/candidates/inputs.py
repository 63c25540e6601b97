"""What a source of the chain starts from: its module has ``lists(inputs, config)``, which gives
user_index, item_index, source, rank, score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.history.recurrence import Recurrence


class StoredSlice(Protocol):
    """The slice of a source's table that was just written; ``where`` names partition columns."""

    def rows(self, **where: Any) -> DataFrame:
        """Its rows as a frame."""
        ...

    def loader(self, columns: Sequence[str], sort_by: Sequence[str] = (), **where: Any) -> Callable[[], pa.Table]:
        """Opens columns of it where a kernel runs."""
        ...


@dataclass(frozen=True)
class SourceInputs:
    """``baskets`` and ``pairs``: rows of ``history.baskets.baskets`` and of its ``pairs``, with
    the half-lives of the source's settings.

    ``partitions``: tasks that work at once. ``at_once``: how many can also start at once, as a barrier stage
    needs; it raises FuserankError on a cluster that deals executors out as it goes. ``keep`` replaces the
    slice of the source's table. ``recurrence``: of the pairs on the first day of the run's chain, so that
    what is chosen by it is the same on all of its days. ``note`` keeps a number of the source in the run's
    ledger, ``say`` tells whoever started the run.
    """

    baskets: DataFrame
    pairs: DataFrame
    seed: int
    partitions: int
    at_once: Callable[[], int]
    keep: Callable[[DataFrame], StoredSlice]
    recurrence: Callable[[], Recurrence]
    note: Callable[[str, float], None]
    say: Callable[[str], None]
