"""The models of a lake: all of them, one with all that is known of it, two side by side. Writes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.insight.reports.models.data import Entry, Judged, ModelCard, Sides, flat
from fuserank.insight.reports.run.data import Training
from fuserank.io.lake.artifacts import CARD, WEIGHTS, ArtifactError
from fuserank.io.lake.places import is_local
from fuserank.io.lake.small_files import read_bytes, size_of
from fuserank.io.lake.spark_rows import SparkRows
from fuserank.io.runtime.open_lake import open_lake, open_rows
from fuserank.registry.models import MODELS as DECLARED
from fuserank.tables.ops import RUNS
from fuserank.tables.results import METRICS, MODELS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows
    from fuserank.tables import Table

# What an evaluation says of a model in one number, in this order; points of curves are drawn by the report.
_NUMBERS = ("ndcg@10", "recall@10", "capped_recall@10", "hitrate@10", "coverage", "long_tail_share", "ece")


@dataclass(frozen=True)
class Registry:
    """models.registry of a lake, and the files beside it."""

    reader: Rows
    home: str  # folder or URL that `models/` lies in
    spark: SparkSession | None = None  # None: all of it lies in folders

    @classmethod
    def of(cls, settings: Settings) -> Registry:
        """That of the settings' lake; without Spark where tables and files lie in folders.

        :raises FuserankError: there is no lake, or no model was ever trained in it
        """
        if is_local(settings.lake) and is_local(settings.files or settings.lake):
            found = cls(open_rows(settings), settings.files or settings.lake)
        else:
            lake = open_lake(settings)
            found = cls(SparkRows(lake), lake.home, lake.spark)
        if not found.reader.exists(MODELS):
            raise FuserankError(f"no model was trained in {found.reader.root}; `fuserank refresh` trains one")
        return found

    def rows(self) -> list[Row]:
        """Models as they are registered now: one a day and kind, the newest day first."""
        return self.reader.rows(MODELS, {}, order=("-as_of_date", "kind"))

    def replaced(self) -> tuple[list[Row], int]:
        """Models that reruns of their day have replaced, the newest run first; and
        how many runs' models cannot be read any more, as a vacuum took their rows.
        """
        now = {(r["kind"], r["run_id"]) for r in self.rows()}
        found: list[Row] = []
        lost = 0
        for run in self.reader.rows(RUNS, {}, ("run_id", "versions_written"), ("-started_at",)):
            if MODELS.name not in run["versions_written"]:
                continue
            written = self._written(run)
            lost += written is None
            found += [r for r in written or [] if (r["kind"], r["run_id"]) not in now]
        return found, lost

    def _written(self, run: Row) -> list[Row] | None:
        """The models that a run of the ledger has registered; None: they cannot be read any more."""
        where, order = {"run_id": run["run_id"]}, ("-as_of_date", "kind")
        return _written_then(self.reader, MODELS, run, where, order)

    def find(self, name: str) -> Row:
        """The model of that name: its id, ``KIND`` for the newest day's, or ``KIND@RUN`` for the one that a run made.

        :raises FuserankError: there is none, or its row cannot be read any more
        """
        rows, (kind, _, run) = self.rows(), name.partition("@")
        found = [r for r in rows if name == r["model_id"] or (r["kind"] == kind and run in ("", r["run_id"]))]
        if found:
            return found[0]
        kinds = sorted({r["kind"] for r in rows})
        if not run:
            raise FuserankError(
                f"no model {name} is registered in {self.reader.root}; there are {', '.join(kinds) or 'none'}, and ids"
                " as `fuserank models list` prints them"
            )
        ledger = self.reader.rows(RUNS, {"run_id": run}) if self.reader.exists(RUNS) else []
        if not ledger:
            raise FuserankError(
                f"no run {run} in {self.reader.root}; `fuserank runs --lake {self.reader.root}` lists them"
            )
        made = self._written(ledger[0]) if MODELS.name in ledger[0]["versions_written"] else []
        if made is None:
            raise FuserankError(
                f"the models of run {run} cannot be read any more: a rerun has replaced them, and a vacuum taken them;"
                " `fuserank models list --all` lists those that can"
            )
        for row in made:
            if row["kind"] == kind:
                return row
        others = ", ".join(sorted({r["kind"] for r in made})) or "no model at all"
        raise FuserankError(f"run {run} has trained no {kind}, but {others}")


def listing(registry: Registry, whole: bool = False) -> tuple[list[Entry], int]:
    """Registered models, the newest day first; and runs whose models cannot be read any more.

    :param whole: also those that a rerun of their day has replaced
    """
    older, lost = registry.replaced() if whole else ([], 0)
    entries = [entry(registry, r) for r in registry.rows()]
    return [*entries, *(replace(entry(registry, r), replaced=True) for r in older)], lost


def entry(registry: Registry, row: Row) -> Entry:
    """A row of models.registry as a line of the list."""
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
    )


def card(registry: Registry, row: Row) -> ModelCard:
    """All that is known of a model.

    :raises ArtifactError: its card or its curves are gone
    """
    artifact = _json(registry, row, CARD)
    ledger = _ledger(registry.reader, row["run_id"])
    judged, unknown = _judged(registry.reader, row, ledger)
    config = {**json.loads(row["config_json"]), "seed": artifact.get("seed")}
    groups = {group: artifact.get(group, []) for group in ("numeric", "categorical", "history")}
    return ModelCard(
        entry=entry(registry, row),
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
    )


def compared(registry: Registry, first: Row, second: Row) -> Sides:
    """Two models side by side."""
    if (first["model_id"], first["run_id"]) == (second["model_id"], second["run_id"]):
        raise FuserankError(
            f"both are {first['model_id']}; name two models, as `fuserank models list --all` lists them"
        )
    return Sides(card(registry, first), card(registry, second))


def _without(section: Any, name: str) -> Any:
    return {k: v for k, v in section.items() if k != name} if isinstance(section, Mapping) else section


def _json(registry: Registry, row: Row, name: str) -> dict[str, Any]:
    path = f"{registry.home}/{row['artifact']}/{name}"
    content = read_bytes(registry.spark, path)
    if content is None:
        raise ArtifactError(f"{path} is not there; train again with jobs/train.py --as-of {row['as_of_date']}")
    found: dict[str, Any] = json.loads(content)
    return found


def _ledger(reader: Rows, run_id: str) -> Row:
    rows = reader.rows(RUNS, {"run_id": run_id}, most=1) if reader.exists(RUNS) else []
    return rows[0] if rows else {}


def _written_then(reader: Rows, table: Table, run: Row, where: Row, order: Sequence[str]) -> list[Row] | None:
    """Rows of a table at the version that a run of the ledger wrote; None: files of that version are gone."""
    gone: tuple[type[Exception], ...] = (FuserankError,)
    if isinstance(reader, SparkRows):
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        gone = (FuserankError, Py4JJavaError, PySparkException)
    try:
        return reader.at({table.name: run["versions_written"][table.name]}).rows(table, where, order=order)
    except gone:
        return None


def _judged(reader: Rows, row: Row, ledger: Row) -> tuple[list[Judged], list[str]]:
    """Numbers of evaluations that judged scores of this model, the newest day first; and what cannot be told of them.

    Where its own day was judged again since, by scores of another model, those of its own run count.
    """
    where, order = {"source": row["kind"], "metric": list(_NUMBERS)}, ("-as_of_date", "track")
    found = [r for r in reader.rows(METRICS, where, order=order) if _of(r, row)] if reader.exists(METRICS) else []
    unknown = []
    if row["as_of_date"] not in {r["as_of_date"] for r in found} and METRICS.name in ledger.get("versions_written", {}):
        then = _written_then(reader, METRICS, ledger, {**where, "run_id": row["run_id"]}, order)
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
