"""A search that can be gone on with: an Optuna study in a file, and successive halving over its trials.

Sampler: TPE (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"), whose draws follow from the seed
and the trial's number, so a search that was killed goes on as if it had not been. Halving: of the values of a rung the
best 1/η go on (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", in its stopping variant, where
one that does not is over); the defaults always do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuserank.common.extras import require
from fuserank.usecases.tune_space import Code, Space

ETA = 3  # of the values of a rung, one in so many goes on
_KNOWN = 10  # draws that are known already, in a row, after which they are at random
_DRAWS = 200  # the same, after which all counts as tried
_FEW = 8  # judged trials below which no importance is told


def refuse_missing() -> None:
    """:raises FuserankError: Optuna is not installed"""
    require("optuna", "tune", "tune needs Optuna")


@dataclass(frozen=True)
class Standing:
    """A trial as the study holds it. ``judged``: (log loss, NDCG@10, seconds) of each rung so far."""

    number: int
    codes: dict[str, Code]
    judged: tuple[tuple[float, float, float], ...]
    rungs: int  # rungs that it may take part in, so far
    state: str  # RUNNING, COMPLETE, PRUNED or FAIL

    @property
    def loss(self) -> float:
        """Of its last rung."""
        return self.judged[-1][0]

    @property
    def ndcg(self) -> float:
        """Of its last rung."""
        return self.judged[-1][1]

    @property
    def seconds(self) -> float:
        """Of all its rungs."""
        return sum(seconds for _, _, seconds in self.judged)


class Study:
    """Ask for settings, tell what they are worth. All that it knows is in ``file``; None: in memory.

    The first trial is the defaults. ``rungs``: how many a trial has to pass; its value is that of the last.
    """

    def __init__(self, space: Space, rungs: int, seed: int, file: Path | None) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space, self.rungs, self.seed = space, rungs, seed
        self.distributions = {
            field.name: optuna.distributions.IntDistribution(0, len(field.values) - 1)
            if field.ordered
            else optuna.distributions.CategoricalDistribution(field.codes)
            for field in space.fields
        }
        storage = None if file is None else optuna.storages.JournalStorage(_journal(file))
        self.study: Any = optuna.create_study(study_name=space.model, storage=storage, load_if_exists=True)
        if not self.study.get_trials(deepcopy=False):
            self.study.enqueue_trial(space.defaults)

    def trials(self) -> list[Standing]:
        """All that were asked for, by number; those that were drawn in vain are left out."""
        found = [t for t in self.study.get_trials(deepcopy=False) if t.state.name not in {"WAITING", "FAIL"}]
        return [
            Standing(
                t.number,
                dict(t.params),
                tuple((loss, ndcg, seconds) for loss, ndcg, seconds in t.user_attrs.get("judged", ())),
                int(t.user_attrs.get("rungs", 1)),
                t.state.name,
            )
            for t in found
        ]

    def running(self) -> list[Standing]:
        """Those with a rung to come, the furthest first: those that a killed search left are among them."""
        found = [t for t in self.trials() if t.state == "RUNNING"]
        return sorted(found, key=lambda t: (-len(t.judged), t.number))

    def ask(self, valid: Callable[[Mapping[str, Code]], bool] = lambda codes: True) -> Standing | None:
        """A new trial, whose settings no earlier one has and ``valid`` takes; None where none is found any more."""
        import optuna

        known = [t.codes for t in self.trials()]
        for draw in range(_DRAWS):
            number = len(self.study.get_trials(deepcopy=False, states=_counted()))
            self.study.sampler = _sampler((self.seed * 1009 + number) % 2**32, at_random=draw >= _KNOWN)
            trial = self.study.ask(fixed_distributions=self.distributions)
            if dict(trial.params) not in known and valid(trial.params):
                return next(t for t in self.trials() if t.number == trial.number)
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        return None

    def judge(self, of: Standing, loss: float, ndcg: float, seconds: float) -> None:
        """Take what a trial is worth on its next rung."""
        trial = self._trial(of.number)
        trial.report(loss, step=len(of.judged))
        trial.set_user_attr("judged", [*map(list, of.judged), [loss, ndcg, seconds]])

    def diverged(self, of: Standing) -> None:
        """Its loss was no number: it counts as worse than all others."""
        import optuna

        self.study.tell(of.number, state=optuna.trial.TrialState.PRUNED)

    def decide(self) -> list[int]:
        """Of each trial that was judged since: it is done, goes on to the next rung, or is over. Those that go on."""
        import optuna

        trials, further = self.trials(), []
        for one in trials:
            if one.state != "RUNNING" or len(one.judged) < one.rungs:
                continue
            rung = len(one.judged) - 1
            others = [t.judged[rung][0] for t in trials if len(t.judged) > rung]
            if rung == self.rungs - 1:
                self.study.tell(one.number, one.loss)
            elif self.is_default(one) or goes_on(one.loss, others):
                self._trial(one.number).set_user_attr("rungs", one.rungs + 1)
                further.append(one.number)
            else:
                self.study.tell(one.number, state=optuna.trial.TrialState.PRUNED)
        return further

    def is_default(self, one: Standing) -> bool:
        """Whether it has the present settings."""
        return one.codes == self.space.defaults

    def done(self) -> list[Standing]:
        """Those that passed the last rung, the best first; among equals the earlier one."""
        return sorted((t for t in self.trials() if t.state == "COMPLETE"), key=lambda t: (t.loss, t.number))

    def importances(self) -> dict[str, float]:
        """Field → share of what differs between the best tenth and all (PED-ANOVA, Watanabe et al. 2023), the largest
        first, by the loss of the first rung, which all trials have; empty where few were judged.
        """
        import optuna

        judged = [t for t in self.trials() if t.judged]
        if len(judged) < _FEW or len({t.judged[0][0] for t in judged}) < 2:
            return {}
        first = optuna.create_study()
        for one in judged:
            first.add_trial(
                optuna.trial.create_trial(params=one.codes, distributions=self.distributions, value=one.judged[0][0])
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = optuna.importance.get_param_importances(
                first, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
            )
        return {name: float(share) for name, share in found.items()}

    def _trial(self, number: int) -> Any:
        """The trial to tell more of, also where another process asked for it."""
        import optuna

        frozen = self.study.get_trials(deepcopy=False)[number]
        return optuna.trial.Trial(self.study, frozen._trial_id)


def goes_on(loss: float, losses: Sequence[float]) -> bool:
    """Whether a loss is among the best 1/η of its rung; there is always one."""
    return sum(other < loss for other in losses) < max(1, len(losses) // ETA)


def _sampler(seed: int, at_random: bool) -> Any:
    """Of one trial."""
    import optuna

    if at_random:
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


def _counted() -> tuple[Any, ...]:
    from optuna.trial import TrialState

    return (TrialState.RUNNING, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def _journal(file: Path) -> Any:
    """The lake is held while a search runs, so a lock beside the file is of one that was killed."""
    from optuna.storages.journal import JournalFileBackend

    file.parent.mkdir(parents=True, exist_ok=True)
    for stale in file.parent.glob(f"{file.name}.lock*"):
        stale.unlink()
    _cut_half_line(file)
    return JournalFileBackend(str(file))


def _cut_half_line(file: Path) -> None:
    """A process that was killed while it wrote leaves a line without its end, which the next one would be glued to."""
    if file.is_file() and (text := file.read_bytes()) and not text.endswith(b"\n"):
        file.write_bytes(text[: text.rfind(b"\n") + 1])


def differing(space: Space, one: Standing) -> Mapping[str, Any]:
    """Field → value, where it is not the default."""
    named = {field.path: field.name for field in space.fields}
    return {named[path]: value for path, value in space.values(one.codes).items()}
