"""One snapshot of the online store: its files by tasks, then its manifest."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.jobs.parts import store_files, store_frames
from fuserank.jobs.parts.store_replay import with_session_fit
from fuserank.jobs.parts.store_segments import segments
from fuserank.jobs.parts.store_step import member_of, step
from fuserank.jobs.parts.store_tasks import FILES, catalogue_file, vectors_file
from fuserank.serving.store import snapshot
from fuserank.serving.store.records import CONTRACT, File, Manifest

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run
    from fuserank.stages.ranking.publications import Publication


def written(run: Run, of: Publication, folder: Path) -> Manifest:
    """The snapshot of a publication, whole on disk when this returns; no reader is led to it yet."""
    lake, cfg, day = run.lake, run.settings.store, of.as_of_date
    folder.mkdir(parents=True)
    write_lists = functools.partial(store_files.lists, str(folder))
    rows = store_frames.lists(lake, of, cfg.shards).mapInArrow(write_lists, FILES).collect()
    shards = _with_empty_ones(folder, store_files.files(rows), cfg.shards)
    catalogue = catalogue_file(run, folder, day)
    sources = sorted({source for row in rows for source in row["sources"]})  # of all that have a part in a score
    manifest = Manifest(
        contract=CONTRACT,
        surface=of.surface,
        name=folder.name,
        number=of.number,
        ranking_run_id=of.ranking_run_id,
        ranking_version=of.ranking_version,
        as_of_date=str(day),
        sources=sources,
        features=list(store_frames.FEATURES),
        users=sum(f.records for f in shards),
        items=catalogue.records,
        popular=store_frames.popular(lake, day, cfg.popular),
        shards=shards,
        catalogue=catalogue,
        vectors=vectors_file(run, folder, day),
        segments=segments(run, day),
        step=step(run, folder, day, member_of(run, sources)),
        table_versions=dict(lake.versions_read),
    )
    manifest = with_session_fit(run, manifest, folder)
    snapshot.write_manifest(folder, manifest)
    size = sum(f.bytes for f in manifest.files)
    run.note("store.bytes", size)
    run.say(f"store {folder}: {manifest.users:,} users, {manifest.items:,} items, {size / 1e6:,.1f} MB")
    return manifest


def _with_empty_ones(folder: Path, files: list[File], shards: int) -> list[File]:
    """A file for each shard, in order, also for those that no user falls into."""
    by_name = {f.name: f for f in files}
    names = [snapshot.list_file(n) for n in range(shards)]
    return [by_name.get(name) or snapshot.write_records(folder / name, []) for name in names]
