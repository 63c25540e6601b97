"""Weights of a session for a snapshot: the baskets of the last label window before as_of are replayed by the service's
own code with what the chain had learned of the days before that window, so that no basket has a part in what it judges.

What baskets can tell is how much vectors, and what a sequence model says comes next, count against co-purchase. They
cannot tell what a view weighs against a cart (a basket has events of one kind), how fast a session fades (its items
mostly have one time), nor how far a session may move a published list (no list of that day is kept).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fuserank.history.baskets import baskets_in_order
from fuserank.history.events import taken
from fuserank.history.windows import Window, label_window
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts import store_frames
from fuserank.jobs.parts.store_step import step
from fuserank.jobs.parts.store_tasks import catalogue_file, vectors_file
from fuserank.serving.recommend.replay import LEAST, WITH_STEP, first_items, fitted, replayed
from fuserank.serving.store import snapshot
from fuserank.serving.store.records import SessionFit
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.silver import EVENTS, USER_DICTIONARY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.store.records import Manifest

MOST_BASKETS = 2000
_PAST = "past"  # the snapshot that is replayed with


def with_session_fit(run: Run, manifest: Manifest, folder: Path) -> Manifest:
    """The manifest of the snapshot in ``folder`` with the weights that its shop's baskets ask for; what was found, or
    why nothing was fitted, is said.
    """
    if run.settings.store.session_weights == "default":
        return manifest
    day = dt.date.fromisoformat(manifest.as_of_date)
    window = label_window(day, run.settings.windows.label_days, back=1)
    baskets = [row["items"] for row in _sample(run, window).collect()]
    if len(baskets) < LEAST:
        run.say(f"session weights: the built-in ones; {len(baskets)} baskets from {window.start} on are too few")
        return manifest
    with _past(run, manifest, folder, window.start, baskets) as catalogue:
        if catalogue is None:
            run.say(f"session weights: the built-in ones; no neighbours or no vectors as of {window.start} are there")
            return manifest
        fit = fitted(replayed(baskets, catalogue), run.settings.seed)
    run.say(
        f"session weights: als {fit.weights.als:g}, co_purchase {fit.weights.co_purchase:g},"
        f" sequence {fit.weights.sequence:g}; NDCG@10 {fit.ndcg:.4f}"
        f" ({fit.low:.4f} to {fit.high:.4f}) on {len(baskets):,} baskets from {window.start} on, the built-in ones"
        f" {fit.default_ndcg:.4f}"
    )
    of, numbers = fit.weights, (fit.ndcg, fit.low, fit.high, fit.default_ndcg)
    days = str(window.start), str(window.end)
    found = SessionFit(of.co_purchase, of.als, len(baskets), *days, *numbers, sequence=of.sequence)
    return msgspec.structs.replace(manifest, session=found)


def _sample(run: Run, window: Window) -> DataFrame:
    """items (in order), of at most MOST_BASKETS baskets of two items or more: one a user, so that they are independent,
    and users by hash.
    """
    from pyspark.sql import functions as F

    lake, seed = run.lake, F.lit(run.settings.seed)
    events = lake.known(EVENTS, window.end)
    within = (F.col("event_date") >= F.lit(window.start)) & (F.col("event_date") < F.lit(window.end))
    users = lake.read(USER_DICTIONARY).where("deleted_at is null").select("user_index")
    rows = taken(events, reversals(lake, events)).where(within).join(users, "user_index", "left_semi")
    baskets = baskets_in_order(rows).where(F.size("items") >= 2)
    drawn = F.min(F.struct(F.xxhash64("basket", seed), "basket", "items")).alias("drawn")
    one = baskets.groupBy("user_index").agg(drawn)
    return one.orderBy(F.xxhash64("user_index", seed), "user_index").limit(MOST_BASKETS).select("drawn.items")


@contextlib.contextmanager
def _past(
    run: Run, manifest: Manifest, folder: Path, day: dt.date, baskets: list[list[int]]
) -> Iterator[Catalogue | None]:
    """The catalogue as of an earlier day, with the neighbours of the items that sessions have; None where the chain has
    learned no neighbours or no vectors as of that day. Its files go at the end.
    """
    from threadpoolctl import threadpool_limits

    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.store.lmdb_store import LmdbStore

    root = folder.with_name(f".{folder.name}.{_PAST}")
    place = snapshot.place_of(root, manifest.surface)
    try:
        (place / _PAST).mkdir(parents=True)
        items = sorted({item for basket in baskets for item in first_items(basket)})
        vectors = vectors_file(run, place / _PAST, day)
        if vectors is None or store_frames.slice_of(run.lake, CO_PURCHASE, day).isEmpty():
            yield None
            return
        catalogue = catalogue_file(run, place / _PAST, day, items)
        of = {"name": _PAST, "shards": [], "catalogue": catalogue, "vectors": vectors, "items": catalogue.records}
        of["step"] = step(run, place / _PAST, day, None if manifest.step is None else manifest.step.source)
        snapshot.write_manifest(place / _PAST, msgspec.structs.replace(manifest, **of))
        snapshot.switch(place, _PAST)
        store = LmdbStore(root, manifest.surface, verify=False)
        try:
            with threadpool_limits(1):  # as the service has it: the same sums, and no threads that wait for each other
                yield Catalogue(store, len(items) + 1, WITH_STEP[-1])  # weights that count a step, where there is one
        finally:
            store.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
