"""The models of a lake: all of them, one with all that is known of it, two side by side. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.insight.reports.models.data import Entry, Judged, ModelCard, Sides, flat
from fuserank.insight.reports.run.data import Training
from fuserank.io.lake.artifacts import CARD, WEIGHTS, ArtifactError
from fuserank.io.lake.small_files import read_bytes, size_of
from fuserank.jobs.inputs.by_user import paired_models
from fuserank.jobs.inputs.registered import Registry, ledger_of, written_then
from fuserank.registry.models import MODELS as DECLARED
from fuserank.stages.scores.aliases import CHAMPION
from fuserank.tables.results import METRICS

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows

# What an evaluation says of a model in one number, in this order; points of curves are drawn by the report.
_NUMBERS = ("ndcg@10", "recall@10", "capped_recall@10", "hitrate@10", "coverage", "long_tail_share", "ece")


def listing(registry: Registry, whole: bool = False) -> tuple[list[Entry], int]:
    """Registered models, the newest day first, and champions that a rerun of their day has replaced; and runs whose
    models cannot be read any more.

    :param whole: also others that were replaced
    """
    now, (older, lost) = registry.rows(), registry.replaced() if whole else ([], 0)
    found, known = registry.aliases(), {r["model_id"] for r in [*now, *older]}
    aliases = {p.model_id: alias for (_, alias), p in found.items()}
    promoted = {p.model_id: p.registered() for p in found.values() if p.model_id not in known}
    replaced = [replace(entry(registry, r, aliases), replaced=True) for r in [*promoted.values(), *older]]
    return [*(entry(registry, r, aliases) for r in now), *replaced], lost


def entry(registry: Registry, row: Row, aliases: Mapping[str, str]) -> Entry:
    """A row of models.registry as a line of the list; ``aliases`` by id."""
    metrics = row["metrics"]
    return Entry(
        row["model_id"],
        row["kind"],
        row["as_of_date"],
        row["run_id"],
        int(metrics["train_rows"]),
        metrics["valid_loss"],
        metrics.get("valid_ndcg@10"),
        size_of(registry.spark, f"{registry.home}/{row['artifact']}/{WEIGHTS}"),
        aliases.get(row["model_id"]),
    )


def card(registry: Registry, row: Row, settings: Settings | None = None) -> ModelCard:
    """All that is known of a model.

    :param settings: by which it is set against the champion of its kind; None: it is not
    :raises ArtifactError: its card or its curves are gone
    """
    artifact = _json(registry, row, CARD)
    ledger = ledger_of(registry.reader, row["run_id"])
    judged, unknown = _judged(registry.reader, row, ledger)
    config = {**json.loads(row["config_json"]), "seed": artifact.get("seed")}
    aliases = registry.aliases()
    best = aliases.get((row["kind"], CHAMPION))
    rival = None if settings is None or best is None or best.model_id == row["model_id"] else best.model_id
    over = [] if settings is None or rival is None else paired_models(registry.reader, settings, rival, row["model_id"])
    groups = {group: artifact.get(group, []) for group in ("numeric", "categorical", "history")}
    return ModelCard(
        entry=entry(registry, row, {p.model_id: alias for (_, alias), p in aliases.items()}),
        label=DECLARED[row["kind"]].label if row["kind"] in DECLARED else row["kind"],
        sha256=row["artifact_sha256"],
        trained_at=ledger.get("started_at"),
        git_revision=ledger.get("git_revision"),
        table_versions=row["table_versions"],
        settings=dict(flat({k: _without(v, "left_out") for k, v in config.items()})),
        columns={g: [c if isinstance(c, str) else c["name"] for c in names] for g, names in groups.items() if names},
        left_out=list(config["model"].get("left_out", ())),
        users=artifact.get("users"),
        curves=Training.of(_json(registry, row, "curves.json")),
        judged=judged,
        unknown=[*_unknown(row, ledger), *unknown],
        champion=rival,
        over_champion=over,
    )


def compared(registry: Registry, settings: Settings, first: Row, second: Row) -> Sides:
    """Two models side by side, and on the same users where evaluations judged both."""
    if (first["model_id"], first["run_id"]) == (second["model_id"], second["run_id"]):
        raise FuserankError(
            f"both are {first['model_id']}; name two models, as `fuserank models list --all` lists them"
        )
    paired = paired_models(registry.reader, settings, first["model_id"], second["model_id"])
    return Sides(card(registry, first), card(registry, second), paired)


def _without(section: Any, name: str) -> Any:
    return {k: v for k, v in section.items() if k != name} if isinstance(section, Mapping) else section


def _json(registry: Registry, row: Row, name: str) -> dict[str, Any]:
    path = f"{registry.home}/{row['artifact']}/{name}"
    content = read_bytes(registry.spark, path)
    if content is None:
        raise ArtifactError(f"{path} is not there; train again with jobs/train.py --as-of {row['as_of_date']}")
    found: dict[str, Any] = json.loads(content)
    return found


def _judged(reader: Rows, row: Row, ledger: Row) -> tuple[list[Judged], list[str]]:
    """Numbers of evaluations that judged scores of this model, the newest day first; and what cannot be told of them.

    Where its own day was judged again since, by scores of another model, those of its own run count.
    """
    where, order = {"source": row["kind"], "metric": list(_NUMBERS)}, ("-as_of_date", "track")
    found = [r for r in reader.rows(METRICS, where, order=order) if _of(r, row)] if reader.exists(METRICS) else []
    unknown = []
    if row["as_of_date"] not in {r["as_of_date"] for r in found} and METRICS.name in ledger.get("versions_written", {}):
        then = written_then(reader, METRICS, ledger, {**where, "run_id": row["run_id"]}, order)
        if then is None:
            unknown.append("the evaluation of its own run cannot be read any more")
        found += [r for r in then or [] if _of(r, row)]
    if not found and not unknown:
        unknown.append(
            "no evaluation has judged it: nothing is known of the days from as_of; `fuserank evaluate --as-of"
            f" {row['as_of_date']}` judges what was scored last, where these days are in the lake"
        )
    found.sort(key=lambda r: (-r["as_of_date"].toordinal(), r["track"], _NUMBERS.index(r["metric"])))
    return [_number(r) for r in found], unknown


def _of(metric: Row, row: Row) -> bool:
    """Whether a number is of this model; one of before evaluations named the model is where its own run made it."""
    if metric["model_id"] is None:
        return bool(metric["run_id"] == row["run_id"])
    return bool(metric["model_id"] == row["model_id"])


def _number(r: Row) -> Judged:
    ends = (r[n] for n in ("ci_low", "ci_high", "minus_fusion_low", "minus_fusion_high"))
    return Judged(r["as_of_date"], r["track"], r["metric"], r["value"], *ends)


def _unknown(row: Row, ledger: Row) -> list[str]:
    """What cannot be told of how the model was trained."""
    if not ledger:
        return [f"run {row['run_id']} is not in the ledger: when it was trained, and by which code, is unknown"]
    if not ledger["git_revision"]:
        return ["the code did not run from a checkout: its revision is unknown"]
    return []
