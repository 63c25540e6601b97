"""The last step of one number everywhere: what the service answers for some users is what the ranking says of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.jobs.parts.published_rows import lists_of
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.requests import MOST_K, RecommendRequest
from fuserank.serving.store import records, snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.tables.silver import USER_DICTIONARY

if TYPE_CHECKING:
    from pathlib import Path

    from fuserank.io.runtime.run import Run
    from fuserank.stages.ranking.publications import Publication

_Row = tuple[str, float, dict[str, float]]  # item, score, parts


def require_same(run: Run, of: Publication, place: Path, name: str) -> None:
    """Ask a snapshot that is not current yet by the service's own engine.

    :param place: folder of the surface's snapshots
    :raises FuserankError: an answer differs; the snapshot before stays current
    """
    wanted = _lists(run, of, snapshot.forgotten(place))
    store = LmdbStore(place.parent, of.surface, verify=False, name=name)
    try:
        engine = Recommender(store)
        for user, rows in wanted.items():
            request = RecommendRequest(user=user, surface=of.surface, k=len(rows), fill="never", explain=True)
            found = [(one.item, one.score, one.parts or {}) for one in engine.recommend(request).items]
            if found != rows:
                raise FuserankError(
                    f"the snapshot {name} is not switched to: user {user} would be answered {_words(found, rows)}, and"
                    f" run {of.ranking_run_id} ranked {_words(rows, found)}; run jobs/publish_store.py again"
                )
    finally:
        store.close()
    run.say(f"the service answers {len(wanted)} users from {name} as they were ranked")


def _lists(run: Run, of: Publication, forgotten: frozenset[bytes]) -> dict[str, list[_Row]]:
    """Of some users, drawn by hash, the rows of their lists."""
    from pyspark.sql import functions as F

    deleted = run.lake.read(USER_DICTIONARY).where("deleted_at is not null").select("user_index")
    lists = lists_of(run.lake, of).join(F.broadcast(deleted), "user_index", "left_anti")
    users = draw_users(lists, run.settings.publish.sample_users, run.settings.seed)
    rows = lists.join(F.broadcast(users), "user_index", "left_semi").orderBy("user_id", "rank")
    found = defaultdict[str, list[_Row]](list)
    for row in rows.select("user_id", "item_id", "score", "parts").collect():
        if records.user_key(row["user_id"]) not in forgotten and len(found[row["user_id"]]) < MOST_K:
            found[row["user_id"]].append((row["item_id"], row["score"], row["parts"]))
    return found


def _words(rows: list[_Row], others: list[_Row]) -> str:
    """The first row that the others lack."""
    at = next((n for n, row in enumerate(rows) if n >= len(others) or row != others[n]), None)
    if at is None:
        return f"{len(rows)} items"
    item, score, _ = rows[at]
    return f"item {item} with {score!r} at rank {at + 1}"
