"""Settings of a ranker by trials: the defaults first, then what a sampler draws, halved by what they are worth."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.config.settings import changed
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.runtime.executors import refuse_unshared, slots
from fuserank.jobs.inputs.pinned import copies, pinned_files, shared_folder
from fuserank.jobs.parts.tune_trials import Judged, Trial, run_trials
from fuserank.registry.models import MODELS
from fuserank.registry.sources import recommenders
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.tune_rounds import rounds
from fuserank.usecases.tune_space import Code, Space
from fuserank.usecases.tune_study import ETA, Standing, Study, differing

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

RUNGS = 3
_SPLITS = ("train", "valid")


@dataclass(frozen=True)
class Request:
    """What the command line asks for. ``minutes``: no trial is begun after them; ``trials``: as many, at most."""

    model: str
    minutes: float
    trials: int | None = None
    parallel: int | None = None  # trials at once; None: as many as Spark has slots
    only: tuple[str, ...] = ()  # fields that are searched; none: all
    fresh: bool = False


@dataclass(frozen=True)
class Rung:
    """What a trial is trained and judged on: the samples as of a day, a share of their shards."""

    as_of: dt.date
    train_files: tuple[ShardFile, ...]
    valid_files: tuple[ShardFile, ...]

    @property
    def train_rows(self) -> int:
        """Of all its files (count)."""
        return sum(file.rows for file in self.train_files)

    def named(self) -> dict[str, Any]:
        """For people and JSON."""
        return {
            "as_of": str(self.as_of),
            "train_rows": self.train_rows,
            "valid_rows": sum(file.rows for file in self.valid_files),
        }


@dataclass(frozen=True)
class Outcome:
    """What a search found. ``default``, ``best``: on the last rung, the same days and rows for both."""

    model: str
    as_of: dt.date
    version: int  # of samples.samples
    seed: int
    parallel: int
    rungs: tuple[Rung, ...]
    default: Standing
    best: Standing
    trials: list[Standing]
    settings: dict[str, Any]  # path → value, of the best, where it is not the default
    differs: list[dict[str, Any]] = field(default_factory=list)  # field → value, of each trial
    importances: dict[str, float] = field(default_factory=dict)
    began: int = 0  # trials that were there before
    seconds: float = 0.0

    @property
    def better(self) -> bool:
        """Whether a trial has a lower log loss than the defaults."""
        return self.best.loss < self.default.loss

    def as_dict(self) -> dict[str, Any]:
        """The shape of --json."""
        names = {"model": self.model, "as_of": str(self.as_of), "samples_version": self.version, "seed": self.seed}
        trials = [
            {
                "number": one.number,
                "state": one.state.lower(),
                "judged": [dict(zip(("loss", "ndcg@10", "seconds"), each, strict=True)) for each in one.judged],
                "differs": differs,
            }
            for one, differs in zip(self.trials, self.differs, strict=True)
        ]
        return {
            **names,
            "parallel": self.parallel,
            "rungs": [rung.named() for rung in self.rungs],
            "default": {"loss": self.default.loss, "ndcg@10": self.default.ndcg},
            "best": {"number": self.best.number, "loss": self.best.loss, "ndcg@10": self.best.ndcg},
            "better": self.better,
            "settings": self.settings,
            "importances": self.importances,
            "trials": trials,
            "trials_before": self.began,
            "seconds": self.seconds,
        }


def refuse_unknown(model: str) -> None:
    """:raises FuserankError: no ranker has this name; of a member of the retrieval family with the command for it"""
    if model not in MODELS and model in recommenders():
        raise FuserankError(
            f"{model} is a member of the retrieval family, not a ranker; `fuserank leaderboard --models {model} --tune"
            " 24` tries settings of it on the validation part"
        )
    MODELS[model]


def tune(run: Run, request: Request) -> Outcome:
    """Search until the time is up; what was judged in an earlier search of the same kind counts.

    :raises FuserankError: no samples; the loss of the present settings is no number; a task died
    """
    started = time.monotonic()
    version = run.lake.version(SAMPLES)
    space = Space.of(run.settings, request.model, request.only)
    copied = copies(run, version, run.as_of)
    rungs = rungs_of(run, version, copied)
    there = max(slots(run.spark).total, 1)
    most = request.parallel or there
    if not (run.spark.sparkContext.master or "").startswith("local"):
        folder = Path(shared_folder(run))
        folder.mkdir(parents=True, exist_ok=True)
        refuse_unshared(run.spark, folder, there)
    file = _file(run, space, rungs)
    if request.fresh:
        file.unlink(missing_ok=True)
    study = Study(space, len(rungs), run.seed, file)
    began = len(study.trials())
    if began:
        run.say(f"    goes on with {began} trials of {file}; --fresh begins anew")
    bench, end = _Bench(run, space, study, rungs), started + 60 * request.minutes
    with run.stage("trials"):
        rounds(study, bench.judged, bench.say, end=end, most=most, trials=request.trials, valid=bench.valid)
    shutil.rmtree(copied, ignore_errors=True)
    trials, done = study.trials(), study.done()
    default = next(one for one in done if study.is_default(one))
    run.note("tune.trials", len(trials))
    run.note("tune.default_loss", default.loss)
    run.note("tune.best_loss", done[0].loss)
    return Outcome(
        request.model,
        run.as_of,
        version,
        run.seed,
        most,
        rungs,
        default,
        done[0],
        trials,
        space.values(done[0].codes),
        [dict(differing(space, one)) for one in trials],
        study.importances(),
        began,
        time.monotonic() - started,
    )


class _Bench:
    """What makes trials of what a study asks for, and runs them."""

    def __init__(self, run: Run, space: Space, study: Study, rungs: Sequence[Rung]) -> None:
        self.run, self.space, self.study, self.rungs = run, space, study, rungs
        how = {"ranks": 1, "reader": "pyarrow", "resume": False}  # of a trial, wherever it is trained
        self.settings = changed(run.settings, {f"models.train.{space.model}.{k}": v for k, v in how.items()})

    def valid(self, codes: Mapping[str, Code]) -> bool:
        """Whether values go together."""
        return self.space.applied(self.settings, codes) is not None

    def judged(self, ready: Sequence[Standing]) -> list[Judged]:
        """Each on its next rung, in one Spark job.

        :raises FuserankError: a task died, or the loss of the present settings is no number
        """
        trials = []
        for one in ready:
            rung, settings = self.rungs[len(one.judged)], self.space.applied(self.settings, one.codes)
            assert settings is not None
            trials.append(Trial(one.number, settings, self.space.model, rung.train_files, rung.valid_files))
        found = run_trials(self.run.spark, trials)
        for one, each in zip(ready, found, strict=True):
            if each.problem and self.study.is_default(one):
                raise FuserankError(f"{self.space.model} by its present settings: {each.problem}")
        return found

    def say(self, one: Standing, found: Judged) -> None:
        """The line of a trial that was judged on a rung."""
        rung, last = len(one.judged) + 1, len(self.rungs)
        judged = [t for t in self.study.trials() if len(t.judged) >= rung]
        best = min(judged, key=lambda t: (t.judged[rung - 1][0], t.number), default=one)
        value = found.problem or (
            f"log loss {found.loss:.5f}, NDCG@10 {found.ndcg:.4f}, best {best.judged[rung - 1][0]:.5f} (trial"
            f" {best.number})"
        )
        differs = ", ".join(f"{k}={v}" for k, v in differing(self.space, one).items()) or "the settings as they are"
        self.run.say(f"    trial {one.number}, rung {rung}/{last}: {value}, {found.seconds:.1f} s; {differs}")


def rungs_of(run: Run, version: int, copied: Path) -> tuple[Rung, ...]:
    """Of each rung the samples of a day, the last as of the run's own; of the one before a third of the shards, and so
    on. Rungs that would read the same are one.

    :raises FuserankError: the lake has no samples of the day
    """
    days, found = _days(run, version), list[Rung]()
    chosen = [days[max(len(days) - RUNGS + n, 0)] for n in range(RUNGS)]
    files = {
        (day, split): pinned_files(run.lake, version, day, split, copied / str(day))
        for day in dict.fromkeys(chosen)
        for split in _SPLITS
    }
    for n, day in enumerate(chosen):
        train, valid = (_share(files[day, split], ETA ** (RUNGS - 1 - n)) for split in _SPLITS)
        if not found or (found[-1].train_files, found[-1].valid_files) != (train, valid):
            found.append(Rung(day, train, valid))
    return tuple(found)


def _days(run: Run, version: int) -> list[dt.date]:
    """Days as of which the lake has samples of both splits, up to the run's own, which is the last."""
    rows = run.lake.read(SAMPLES, version=version).select("as_of_date", "split").distinct().collect()
    splits: dict[dt.date, set[str]] = {}
    for row in rows:
        splits.setdefault(row["as_of_date"], set()).add(row["split"])
    days = sorted(day for day, there in splits.items() if there >= set(_SPLITS) and day <= run.as_of)
    if run.as_of not in days:
        there = ", ".join(str(day) for day in sorted(splits)) or "none"
        raise FuserankError(
            f"no samples as of {run.as_of} in {run.lake.root}; there are: {there}; name one by --as-of, or run"
            f" jobs/samples.py --as-of {run.as_of}"
        )
    return days


def _share(files: tuple[ShardFile, ...], part: int) -> tuple[ShardFile, ...]:
    """The first shards, a ``part``-th of all: rows lie in shards by a hash, so each holds a random share."""
    return files[: -(-len(files) // part)]


def _file(run: Run, space: Space, rungs: Sequence[Rung]) -> Path:
    """Where the search is kept: its name says of which model, settings, data, space and seed."""
    model, training = (of(space.model) for of in (run.settings.settings_of, run.settings.training_of))
    data = [[asdict(file) for file in (*rung.train_files, *rung.valid_files)] for rung in rungs]
    text = json.dumps([model.model_dump_json(), training.model_dump_json(), space.as_text(), run.seed, ETA, data])
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Path(run.settings.out) / "tune" / f"{space.model}-{run.as_of}-{digest}.journal"
