"""Catalogue, users, campaigns, coupons and promotions of bronze, typed and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.silver_files import Files
from fuserank.jobs.parts.silver_bad import Bad, bad_of
from fuserank.stages.silver import dimensions, promotions
from fuserank.tables import Table
from fuserank.tables import silver as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake


def refine_dimension(run: Run, dataset: DatasetConfig, files: Files, name: str) -> Bad:
    """One dimension of the mapping (items, users, campaigns …) from its new files into silver; its bad rows."""
    table, mapping = dimensions.TABLES[name], getattr(dataset.dimensions, name)
    fresh = files.fresh(mapping.source, table.name)
    if not fresh:
        return []
    campaigns = run.lake.read(t.CAMPAIGNS) if mapping.known_at.campaign else None
    rows = dimensions.typed_dimension(name, files.rows(mapping.source), dataset, run.now, campaigns)
    bad = bad_of(rows, run, dataset, mapping.source, name)
    good = rows.where("_problem IS NULL")
    if name == "redemptions":
        good = dimensions.counted_redemptions(good)
    else:
        placed = dimensions.one_per_key(good, table)
        bad += bad_of(placed, run, dataset, mapping.source, name)
        good = placed.where("_problem IS NULL")
    gone = None
    if name == "items":
        good = dimensions.versions(good)
        if files.remade(table.name, fresh):
            good, gone = _beside_others(run.lake, good), "true"
    _write(run, dataset, table, good, gone)
    files.taken += fresh
    return bad


def refine_promotions(run: Run, dataset: DatasetConfig, files: Files) -> Bad:
    """Promotions from their new files into silver; their bad rows."""
    mapping = dataset.dimensions.promotions
    assert mapping is not None
    fresh = files.fresh(mapping.source, t.PROMOTIONS.name)
    if not fresh:
        return []
    rows = promotions.typed_promotions(files.rows(mapping.source), dataset)
    _write(run, dataset, t.PROMOTIONS, promotions.one_per_week(rows.where("_problem IS NULL")))
    files.taken += fresh
    return bad_of(rows, run, dataset, mapping.source, "promotions")


def _beside_others(lake: Lake, rows: DataFrame) -> DataFrame:
    """All that silver.items should have: these, and what it has of items that they say nothing of."""
    names = [c for c in t.ITEMS.column_names if c != "run_id"]
    others = lake.read(t.ITEMS).join(rows.select("item_id").distinct(), "item_id", "left_anti")
    return rows.select(names).unionByName(others.select(names))


def _write(run: Run, dataset: DatasetConfig, table: Table, rows: DataFrame, gone: str | None = None) -> None:
    # the lake adds them on top, where Spark sees that no sort by them is needed
    constants = {"run_id", *table.slice_by}
    rows = rows.select(*(c for c in table.column_names if c not in constants))
    if table.slice_by:
        run.lake.replace(table, rows, dataset=dataset.name)
    else:
        run.lake.merge(table, rows, gone=gone)
