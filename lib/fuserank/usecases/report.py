"""The report: what the last run made and how good it is, beside it the data card and profiles of its users."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.evaluation.measure import PROTOCOL, protocol_text
from fuserank.evaluation.outcomes import Outcomes, by_place, by_policy, outcomes
from fuserank.history.events import reversals_of
from fuserank.insight.reports import card_page, profile_page
from fuserank.insight.reports.run.data import (
    CalibrationBin,
    HeadPoint,
    NearItems,
    Quality,
    ReportData,
    SourceSet,
    Training,
    Worth,
)
from fuserank.insight.reports.run.page import render
from fuserank.insight.reports.run.users import user_views
from fuserank.io.lake.artifacts import ArtifactError
from fuserank.io.lake.pages import write_page
from fuserank.io.lake.small_files import read_bytes
from fuserank.io.runtime.open_lake import open_lake, rows_of
from fuserank.stages.fusion.fitted import FINAL
from fuserank.tables.exposures import EXPOSURES
from fuserank.tables.ops import RUNS
from fuserank.tables.results import ABLATION, FITTED, METRICS, MODELS, RANKING, SETS
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS
from fuserank.usecases import card, profile
from fuserank.usecases.report_rules import rules_view
from fuserank.usecases.similar import near_items

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake

CARD_PAGE, USERS_PAGE = "card.html", "users.html"
_ITEMS, _NEAR = 8, 5  # items that the page shows, and how many near each


def write(settings: Settings) -> Path:
    """The report of the settings' lake and as_of, from a lake opened for reading."""
    return write_pages(open_lake(settings), settings, settings.as_of)


def write_pages(lake: Lake, settings: Settings, as_of: dt.date) -> Path:
    """<out>/report.html, and what it links: the data card, and the profiles of the users that it shows."""
    out, data = Path(settings.out), gather(lake, settings, as_of)
    write_page(out / CARD_PAGE, card_page.render(card.gather(rows_of(lake), settings, as_of)))
    profiles = profile.users(rows_of(lake), settings, as_of, [view.user for view in data.users])
    write_page(out / USERS_PAGE, profile_page.render_users(profiles))
    pages = {"data card": CARD_PAGE, "profiles of these users": USERS_PAGE}
    return write_page(out / "report.html", render(replace(data, pages=pages, users_page=USERS_PAGE)))


def gather(lake: Lake, settings: Settings, as_of: dt.date) -> ReportData:
    """All that the page shows; what is not there yet stays empty, and the page says so."""
    metrics = _rows(lake, METRICS, as_of)
    run = _last_run(lake, as_of)
    ranking = lake.read(RANKING, as_of_date=as_of, surface=settings.ranking.surface)
    cfg = settings.evaluation
    views = user_views(
        ranking,
        lake.read(EVENTS),
        _names(lake, as_of),
        as_of,
        settings.windows.label_days,
        cfg.report_users,
        cfg.report_history,
        settings.seed,
    )
    policies, places = _exposed(lake, settings.dataset)
    counts: dict[str, dict[str, int]] = {}
    for r in metrics:
        if r["source"] == PROTOCOL:
            counts.setdefault(r["track"], {})[r["metric"]] = int(r["value"])
    return ReportData(
        as_of=as_of,
        dataset=settings.dataset,
        run_id=run.get("run_id", ""),
        protocol=protocol_text(settings.windows.label_days, cfg),
        counts=counts,
        quality=quality_of(metrics),
        worth=_worth(_rows(lake, ABLATION, as_of)),
        sets=_sets(_rows(lake, SETS, as_of)),
        ece={r["source"]: r["value"] for r in metrics if r["metric"] == "ece"},
        weights={r["source"]: r["weight"] for r in _rows(lake, FITTED, as_of) if r["source"] != FINAL},
        calibration=_calibration(metrics),
        head=_head(metrics),
        training={name: found for name, found in training_of(lake, as_of).items() if name in settings.models.use},
        seconds=run.get("seconds", 0.0),
        stage_seconds=run.get("stage_seconds", {}),
        users=views,
        rules=rules_view(lake, settings, as_of),
        by_policy=policies,
        by_place=places,
        near=_near(lake, settings, ranking),
    )


def _near(lake: Lake, settings: Settings, ranking: DataFrame) -> list[NearItems]:
    """What lies near the items that most lists begin with."""
    from pyspark.sql import functions as F

    first = ranking.where("rank = 1").groupBy("item_index").agg(F.count("*").alias("lists"))
    items = first.orderBy(F.desc("lists"), "item_index").limit(_ITEMS).collect()
    found = near_items(rows_of(lake), settings, [r.item_index for r in items], _NEAR)
    return [
        NearItems(one.name or one.item, one.source, [(n.name or n.item, n.cosine) for n in one.near]) for one in found
    ]


def _exposed(lake: Lake, dataset: str) -> tuple[list[Outcomes], list[Outcomes]]:
    """By policy and by place, of all answers that are in, on whatever day: they are of days after ``as_of``."""
    if not lake.exists(EXPOSURES) or (exposures := lake.read(EXPOSURES).where(f"dataset = '{dataset}'")).isEmpty():
        return [], []
    events = lake.read(EVENTS)
    rows = outcomes(exposures, events, reversals_of(events)).cache()
    try:
        return by_policy(rows), by_place(rows)
    finally:
        rows.unpersist()


def _rows(lake: Lake, table: Any, as_of: dt.date) -> list[dict[str, Any]]:
    if not lake.exists(table):
        return []
    return [r.asDict() for r in lake.read(table, as_of_date=as_of).collect()]


def _last_run(lake: Lake, as_of: dt.date) -> dict[str, Any]:
    """The last whole run as of the day that went well; stages in the order of the chain."""
    done = [r for r in _rows(lake, RUNS, as_of) if r["job"] == "refresh" and r["state"] == "succeeded"]
    if not done:
        return {}
    last = max(done, key=lambda r: r["started_at"])
    return {**last, "stage_seconds": dict(sorted(last["stage_seconds"].items(), key=_chain_order))}


def _chain_order(stage: tuple[str, float]) -> tuple[int, str]:
    chain = (
        "bronze",
        "silver",
        "quality",
        "features",
        "candidates",
        "samples",
        "train",
        "scores",
        "fusion",
        "ranking",
        "evaluate",
    )
    first = stage[0].split()[0]
    day = stage[0].partition(" as of ")[2] or "9999"
    return (chain.index(first) if first in chain else len(chain)), day


def quality_of(metrics: list[dict[str, Any]]) -> list[Quality]:
    """NDCG@10 of every track and source, from rows of evaluation.metrics."""
    return [
        Quality(
            r["track"],
            r["source"],
            r["value"],
            r["ci_low"],
            r["ci_high"],
            r["minus_fusion_low"],
            r["minus_fusion_high"],
        )
        for r in metrics
        if r["metric"] == "ndcg@10"
    ]


def _worth(rows: list[dict[str, Any]]) -> list[Worth]:
    """Of what brings most on the track `all` first."""
    of_all = {r["source"]: r["gain"] for r in rows if r["track"] == "all"}
    ordered = sorted(rows, key=lambda r: (-of_all.get(r["source"], 0.0), r["source"], r["track"]))
    return [
        Worth(
            r["track"],
            r["source"],
            r["ndcg_without"],
            r["gain"],
            r["gain_low"],
            r["gain_high"],
            r["seconds"],
            r["peak_mb"],
        )
        for r in ordered
    ]


def _sets(rows: list[dict[str, Any]]) -> list[SourceSet]:
    """Segments from `all` to `new`; in each, what finds most first."""
    order = ("all", "heavy", "light", "new")
    ordered = sorted(rows, key=lambda r: (order.index(r["segment"]), -r["recall"], r["source"]))
    return [
        SourceSet(r["segment"], r["source"], r["users"], r["a_user"], r["recall"], r["unique"], r["overlap"])
        for r in ordered
    ]


def _calibration(metrics: list[dict[str, Any]]) -> list[CalibrationBin]:
    bins: dict[tuple[str, str], dict[str, float]] = {}
    for r in metrics:
        if r["metric"].startswith("calibration_"):
            name, _, number = r["metric"].removeprefix("calibration_").partition("@")
            bins.setdefault((r["source"], number), {})[name] = r["value"]
    return [
        CalibrationBin(source, b["predicted"], b["observed"], int(b["rows"])) for (source, _), b in sorted(bins.items())
    ]


def _head(metrics: list[dict[str, Any]]) -> list[HeadPoint]:
    return [
        HeadPoint(r["source"], float(r["metric"].removeprefix("head@")), r["value"])
        for r in metrics
        if r["track"] == "all" and r["metric"].startswith("head@")
    ]


def training_of(lake: Lake, as_of: dt.date) -> dict[str, Training]:
    """By kind, in alphabetical order, curves.json beside each model registered for
    the day: ``steps`` and ``validations``.
    """
    rows = sorted(_rows(lake, MODELS, as_of), key=lambda r: str(r["kind"]))
    return {r["kind"]: _curves(lake, r["artifact"], as_of) for r in rows}


def _curves(lake: Lake, artifact: str, as_of: dt.date) -> Training:
    path = f"{lake.home}/{artifact}/curves.json"
    found = read_bytes(lake.spark, path)
    if found is None:
        raise ArtifactError(f"{path} is not there; train again with jobs/train.py --as-of {as_of}")
    return Training.of(json.loads(found))


def _names(lake: Lake, as_of: dt.date) -> DataFrame:
    items = lake.known(ITEMS, as_of).select("item_id", "name")
    return (
        lake.read(ITEM_DICTIONARY)
        .select("item_index", "item_id")
        .join(items, "item_id", "left")
        .select("item_index", "name")
    )
