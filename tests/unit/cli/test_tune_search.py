"""A search of settings without Spark: the space, the study in its file, rounds and halving; losses by a formula."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import Settings, changed, load
from fuserank.insight.reports import tuning as report
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.jobs.parts.tune_trials import Judged
from fuserank.registry.models import MODELS
from fuserank.usecases.tune import Outcome, Rung, refuse_unknown
from fuserank.usecases.tune_file import settings_text
from fuserank.usecases.tune_rounds import rounds
from fuserank.usecases.tune_space import Space
from fuserank.usecases.tune_study import Standing, Study, differing, goes_on, refuse_missing

pytest.importorskip("optuna")
SETTINGS = Settings(as_of=dt.date(2024, 3, 1))
ONLY = ("learning_rate", "dropout", "hidden")
SPACE = Space.of(SETTINGS, "fnn", ONLY)
EVER = math.inf


def worth(one: Standing) -> Judged:
    """Lower for a higher rate, for more dropout, and on each rung."""
    codes = one.codes
    loss = 1 - 0.05 * int(codes["learning_rate"]) - 0.02 * int(codes["dropout"]) - 0.1 * len(one.judged)
    return Judged(one.number, loss, 0.5, 1.0)


class Bench:
    """Judges by the formula and notes the rounds; dies before the round ``dies``."""

    def __init__(self, dies: int = -1) -> None:
        self.dies, self.seen = dies, list[list[tuple[int, int]]]()

    def __call__(self, ready: Sequence[Standing]) -> list[Judged]:
        if len(self.seen) == self.dies:
            raise KeyboardInterrupt
        self.seen.append([(one.number, len(one.judged)) for one in ready])
        return [worth(one) for one in ready]


def searched(file: Path | None, bench: Bench, trials: int = 14, most: int = 2, seed: int = 7) -> Study:
    study = Study(SPACE, 3, seed, file)
    rounds(study, bench, lambda one, found: None, end=EVER, most=most, trials=trials)
    return study


def test_fields_that_declare_it_are_searched_of_every_ranker_with_the_present_value_among_the_choices() -> None:
    for model in MODELS.names:
        space = Space.of(SETTINGS, model)
        assert {"learning_rate", "weight_decay", "batch"} < {field.name for field in space.fields}, model
        assert space.values(space.defaults) == {}
        assert space.applied(SETTINGS, space.defaults) == SETTINGS
        for field in space.fields:
            assert len(set(map(str, field.values))) == len(field.values) > 1
            if field.ordered:
                assert list(field.values) == sorted(field.values)
    other = Space.of(changed(SETTINGS, {"models.train.dcn.learning_rate": 0.0123}), "dcn")
    rate = next(field for field in other.fields if field.name == "learning_rate")
    assert rate.default == 0.0123
    assert 0.0123 in rate.values


def test_values_are_settings_of_the_model_alone_and_those_that_do_not_go_together_are_none() -> None:
    space = Space.of(SETTINGS, "transformer", ["heads", "batch"])
    heads, batch = space.fields
    settings = space.applied(SETTINGS, {"heads": heads.code(4), "batch": batch.code(2048)})
    assert settings is not None
    assert (settings.settings_of("transformer").heads, settings.training_of("transformer").batch) == (4, 2048)  # type: ignore[attr-defined]
    assert settings.training_of("fnn") == SETTINGS.training_of("fnn")
    odd = changed(SETTINGS, {"models.settings.transformer.item_dim": 12})
    pair = Space.of(odd, "transformer", ["heads", "item_dim"])
    codes = {field.name: field.code({"heads": 4, "item_dim": 12}[field.name]) for field in pair.fields}
    assert pair.applied(odd, codes) is not None
    three = changed(SETTINGS, {"train.ranks": 3, "train.batch": 3000})
    assert Space.of(three, "fnn", ["learning_rate"]).fields
    assert "batch" not in {field.name for field in Space.of(three, "fnn").fields}, "no other is dealt to three ranks"


def test_a_field_that_is_not_searched_is_named_with_those_that_are() -> None:
    with pytest.raises(FuserankError, match=r"wide: not searched of fnn; what is: .*dropout.*learning_rate"):
        Space.of(SETTINGS, "fnn", ["wide"])


def test_the_first_trial_is_the_defaults_and_passes_all_rungs_and_a_third_of_the_others_goes_on() -> None:
    study = searched(None, Bench())
    first, *others = study.trials()
    assert study.is_default(first)
    assert (first.state, len(first.judged)) == ("COMPLETE", 3)
    assert len(others) == 13
    assert not [one for one in others if study.is_default(one)]
    assert len({str(one.codes) for one in others}) == 13
    further = [one for one in others if len(one.judged) > 1]
    assert 0 < len(further) < 8
    best = study.done()[0]
    assert best.loss < first.loss
    assert best.loss == min(one.judged[2][0] for one in study.trials() if len(one.judged) == 3)


def test_those_that_go_on_come_first_and_no_round_is_larger_than_there_are_slots() -> None:
    bench = Bench()
    searched(None, bench, most=3)
    assert bench.seen[0] == [(0, 0), (1, 0), (2, 0)]
    assert (0, 1) in bench.seen[1]
    assert all(len(one) <= 3 for one in bench.seen)
    assert all([rung for _, rung in one] == sorted((rung for _, rung in one), reverse=True) for one in bench.seen)


@pytest.mark.parametrize(("loss", "on"), [(0.1, True), (0.2, True), (0.3, False), (0.7, False)])
def test_the_best_third_goes_on(loss: float, on: bool) -> None:
    assert goes_on(loss, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]) is on
    assert goes_on(0.7, [0.7, 0.8])


def test_the_same_seed_gives_the_same_trials_and_another_one_others() -> None:
    one, two, other = (searched(None, Bench(), seed=seed).trials() for seed in (7, 7, 8))
    assert one == two
    assert [t.codes for t in one] != [t.codes for t in other]


@pytest.mark.parametrize("dies", [0, 1, 3, 6])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path: Path, dies: int) -> None:
    file = tmp_path / "tune" / "fnn.journal"
    with pytest.raises(KeyboardInterrupt):
        searched(file, Bench(dies))
    with file.open("a") as out:
        out.write('{"op_code": 8, "wor')  # it was killed while it wrote
    file.with_name("fnn.journal.lock").write_text("")
    again = Bench()
    study = searched(file, again)
    whole = Bench()
    assert study.trials() == searched(None, whole).trials()
    assert again.seen == whole.seen[dies:], "what was judged before is not judged again"


def test_when_the_time_is_up_the_defaults_are_judged_to_the_end_and_nothing_else_is() -> None:
    late, study = Bench(), Study(SPACE, 3, 7, None)
    study.ask()
    study.ask()
    rounds(study, late, lambda one, found: None, end=time.monotonic() - 1, most=2)
    assert late.seen == [[(0, 0)], [(0, 1)], [(0, 2)]]
    assert [one.state for one in study.trials()] == ["COMPLETE", "RUNNING"], "the other one is there for the next call"


def test_a_trial_whose_loss_is_no_number_is_over_and_the_search_goes_on() -> None:
    def work(ready: Sequence[Standing]) -> list[Judged]:
        wild = Judged(0, math.nan, math.nan, 1.0, "the loss is nan at step 3")
        return [wild if int(one.codes["learning_rate"]) > 3 else worth(one) for one in ready]

    study = Study(SPACE, 2, 7, None)
    rounds(study, work, lambda one, found: None, end=EVER, most=2, trials=20)
    wild = [one for one in study.trials() if int(one.codes["learning_rate"]) > 3]
    assert wild
    assert {one.state for one in wild} == {"PRUNED"}
    assert int(study.done()[0].codes["learning_rate"]) == 3


def test_a_small_space_is_tried_out_and_the_search_ends() -> None:
    study = Study(Space.of(SETTINGS, "fnn", ["dropout"]), 1, 7, None)
    rounds(study, lambda ready: [Judged(o.number, o.number, 0, 1) for o in ready], lambda *_: None, end=EVER, most=2)
    assert len(study.trials()) == len(study.space.fields[0].values)


def test_the_field_that_decides_matters_most_and_a_few_trials_tell_nothing() -> None:
    assert searched(None, Bench(), trials=4).importances() == {}
    found = searched(None, Bench(), trials=40).importances()
    assert next(iter(found)) == "learning_rate"
    assert sum(found.values()) == pytest.approx(1)


def outcome(study: Study) -> Outcome:
    """What a search of a lake would give of this study."""
    files = (ShardFile("file:///0.parquet", 900, 0), ShardFile("file:///1.parquet", 100, 1))
    rungs = tuple(Rung(dt.date(2024, 3, n), files[:n], files[n:]) for n in (1, 1, 2))
    trials, done = study.trials(), study.done()
    default = next(one for one in done if study.is_default(one))
    differs = [dict(differing(SPACE, one)) for one in trials]
    values, shares = SPACE.values(done[0].codes), study.importances()
    return Outcome("fnn", SETTINGS.as_of, 4, 7, 2, rungs, default, done[0], trials, values, differs, shares)


def test_the_best_and_what_matters_are_lines_a_page_and_a_file_of_settings(tmp_path: Path) -> None:
    found = outcome(searched(None, Bench(), trials=40))
    plain = json.loads(json.dumps(found.as_dict()))
    text = "\n".join(report.lines(plain))
    assert "40 trials, 2 at once" in text
    assert "which fields matter" in text
    assert "█" in text
    assert f"best (trial {found.best.number})" in text
    page = report.render(plain)
    for card in ("chart-importances", "chart-course", "What differs in the best", "1,000 rows to train"):
        assert card in page
    assert page.count("left out</td>") == sum(one.state == "PRUNED" for one in found.trials) > 0

    file = tmp_path / "best.yaml"
    file.write_text(settings_text(found, "shop", dt.datetime(2024, 3, 5, 12, 30, tzinfo=dt.UTC)), encoding="utf-8")
    used, best = load("local", [f"@{file}"]), SPACE.applied(SETTINGS, found.best.codes)
    assert best is not None
    assert used.settings_of("fnn") == best.settings_of("fnn") != SETTINGS.settings_of("fnn")
    assert used.training_of("fnn") == best.training_of("fnn")
    assert used.training_of("dcn") == SETTINGS.training_of("dcn")
    head = file.read_text(encoding="utf-8").splitlines()
    assert head[0].startswith("# Settings of fnn for shop, by `fuserank tune`, 2024-03-05 12:30 UTC. No run reads")
    assert f"log loss {found.default.loss:.5f} → {found.best.loss:.5f}" in head[4]


def test_a_search_that_found_nothing_better_says_so() -> None:
    study = Study(SPACE, 1, 7, None)
    rounds(study, lambda ready: [Judged(o.number, 1, 0, 1) for o in ready], lambda *_: None, end=EVER, most=2, trials=3)
    found = outcome(study)
    assert (found.better, found.settings) == (False, {})
    assert "too few trials to say which field matters" in report.lines(found.as_dict())
    assert "No trial is better than the settings as they are." in report.render(found.as_dict())


def test_other_words_than_rankers_are_refused_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FuserankError, match="no model 'fn'; did you mean 'fnn'"):
        refuse_unknown("fn")
    with pytest.raises(FuserankError, match=r"item_cf is a member .* `fuserank leaderboard --models item_cf --tune"):
        refuse_unknown("item_cf")
    refuse_missing()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FuserankError, match=r"tune needs Optuna, which is not installed here; .* extra tune"):
        refuse_missing()
