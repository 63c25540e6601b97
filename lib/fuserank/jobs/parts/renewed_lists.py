"""A user's published list and features as the model sees them now: the records of a snapshot, made anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.jobs.parts.worked_out import Stored, logits_of, worked_out
from fuserank.registry.models import MODELS
from fuserank.serving.store import records as r
from fuserank.stages.fusion.fitted import Fitted
from fuserank.stages.fusion.parts import part_alone, ranks_within
from fuserank.tables import features as f

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.io.runtime.run import Run

_READERS = 4
Voices = dict[str, tuple[float, float]]  # kind of model → (logit, rank among the user's candidates)


@dataclass(frozen=True)
class Anew:
    """What makes records of a snapshot anew."""

    run: Run
    manifest: r.Manifest
    fitted: Fitted

    def records(self, there: Mapping[int, r.UserRecord], until: dt.date) -> dict[int, r.UserRecord]:
        """Of users by index: the same items, each model's part by features of what was known before ``until``.

        Candidates, what other sources say of them, items' features and reasons stay those of the night.

        :param there: records with rows; of who has no line of an event none comes back
        """
        day = dt.date.fromisoformat(self.manifest.as_of_date)
        of = Stored(self.run, day, sorted(there))
        with ThreadPoolExecutor(_READERS) as pool:
            made = worked_out(self.run, of, pool, until)
        voices = self._voices(of, made.samples)
        states = _by_user(made.features.get(f.USER)), _by_user(made.features.get(f.USER_HISTORY))
        found = {}
        for user, record in there.items():
            if user not in states[0]:
                continue
            features = [states[0][user].get(n, v) for n, v in zip(self.manifest.features, record.features, strict=True)]
            numbers = [float(v) if isinstance(v, int) else v for v in features]  # as a snapshot has them
            history = [states[1][user][n] for n in f.HISTORY if states[1][user][n] >= 0] if user in states[1] else []
            rows = reordered(list(record.rows), voices.get(user, {}), self.fitted, self.run.settings.fusion.rrf_k)
            found[user] = r.user_of(record.user_id, rows, numbers, history, str(until))
        return found

    def _voices(self, of: Stored, samples: pa.Table) -> dict[int, dict[int, Voices]]:
        """By user and item what each model says."""
        found: dict[int, dict[int, Voices]] = {}
        for kind in (source for source in self.fitted.sources if source in MODELS):
            logits = logits_of(self.run, of, kind, samples)
            user, logit = logits["user_index"].to_numpy(), logits["logit"].to_numpy().astype(np.float64)
            rank = ranks_within(user, logit)
            columns = (user, logits["item_index"].to_numpy(), logit, rank)
            for u, item, value, place in zip(*(c.tolist() for c in columns), strict=True):
                found.setdefault(u, {}).setdefault(item, {})[kind] = value, place
        return found


def reordered(rows: Sequence[r.ListRow], voices: Mapping[int, Voices], fitted: Fitted, rrf_k: int) -> list[r.ListRow]:
    """Rows of one list with the models' parts, their sum and its probability anew, best first, ties to the lower
    item_index. Rows of which no model says anything fill a list: they stay as they are, behind the others.
    """
    own = []
    for row in rows:
        if row.item_index not in voices:
            continue
        parts = dict(row.parts)
        for kind, (logit, rank) in voices[row.item_index].items():
            part, _ = part_alone(fitted, kind, np.array([logit]), np.array([rank]), rrf_k)
            parts[kind] = float(part[0])
        score = 0.0
        for source in fitted.sources:  # one after the other, as the fusion adds them up
            score += parts.get(source, 0.0)
        probability = float(fitted.final(np.array([score]))[0])
        own.append(
            r.ListRow(row.item_index, score, probability, parts, row.reason_code, row.reason, list(row.evidence))
        )
    own.sort(key=lambda row: (-row.score, row.item_index))
    return [*own, *(row for row in rows if row.item_index not in voices)]


def _by_user(rows: pa.Table | None) -> dict[int, dict[str, Any]]:
    return {} if rows is None else {row["user_index"]: row for row in rows.to_pylist()}
