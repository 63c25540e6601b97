"""What stands in ops.leaderboard, split by split."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation.leaderboard import Row
from fuserank.tables.ops import LEADERBOARD

if TYPE_CHECKING:
    from fuserank.io.lake.rows import Rows


@dataclass(frozen=True)
class Board:
    """Rows that were judged on one split, by one set of metrics; of a model judged twice both stand."""

    board: str
    data: str
    protocol: str
    users: int
    rows: list[Row]

    def as_dict(self) -> dict[str, Any]:
        """The shape of --json."""
        return {
            "hash": self.board,
            "data": self.data,
            "protocol": self.protocol,
            "users": self.users,
            "rows": [row.as_dict() for row in self.rows],
        }


def stored_boards(reader: Rows, prefix: str | None) -> list[Board]:
    """What stands in ops.leaderboard, by split and the metrics that were taken."""
    if not reader.exists(LEADERBOARD):
        raise FuserankError(f"nothing was judged in {reader.root} yet; `fuserank leaderboard --help` says how")
    stored = reader.rows(LEADERBOARD, {}, order=("judged_at", "run_id", "model"))
    found: dict[tuple[str, tuple[str, ...]], Board] = {}
    for r in stored:
        if prefix and not r["board"].startswith(prefix):
            continue
        names = tuple(sorted(r["metrics"], key=board.place))
        one = found.setdefault((r["board"], names), Board(r["board"], r["data"], r["protocol"], r["users"], []))
        intervals = {n: (r["ci_low"][n], r["ci_high"][n]) for n in names}
        one.rows.append(
            Row(
                r["model"],
                json.loads(r["config_json"]),
                {n: r["metrics"][n] for n in names},
                intervals,
                r["fit_s"],
                r["predict_s"],
                r["peak_mb"],
                r["trials"],
            )
        )
    if not found:
        raise FuserankError(f"no split that begins with {prefix}; `fuserank leaderboard show` lists all")
    return list(found.values())
