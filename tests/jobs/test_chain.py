"""The whole chain on a tiny shop, in one lake: what it promises of its ranking, of
reruns, of failures and of the future.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.lakes import fresh_root
from tests.support.tinychain import copied, settings
from tests.support.tinyshop import AS_OF, HAS_PETASTORM, SMALL, USERS

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake

DAY = dt.date.fromisoformat(AS_OF)
NAMES = ("logistic", "fnn")  # the models, in the order of the settings


@pytest.fixture(scope="module")
def shop(tiny_chain: Path) -> Path:
    return tiny_chain


@pytest.fixture(autouse=True)
def conf(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))


@pytest.fixture(scope="module")
def refreshed(shop: Path) -> Lake:
    from fuserank.io.runtime.open_lake import open_lake

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(shop / "conf"))
        return open_lake(settings(shop))


@pytest.mark.slow
def test_every_user_has_exactly_k_rows_without_gaps_whose_parts_add_up(refreshed: Lake) -> None:
    from fuserank.tables.results import RANKING

    rows = refreshed.read(RANKING, as_of_date=DAY).collect()
    lists: dict[str, list[int]] = {}
    for r in rows:
        lists.setdefault(r.user_id, []).append(r["rank"])
        assert r.reason
        assert r.evidence
        if r.reason_code != "no_history":
            assert r.score == pytest.approx(sum(r.parts.values()), abs=1e-12)
        assert 0 <= r.probability <= 1
    assert len(lists) == USERS
    assert all(sorted(ranks) == [1, 2, 3, 4, 5] for ranks in lists.values())


@pytest.mark.slow
def test_the_run_makes_every_table_but_those_of_what_it_was_not_set_to(refreshed: Lake) -> None:
    from fuserank.tables import ALL

    lacking = {table.name for table in ALL if not refreshed.exists(table)}
    exposures = {"bronze.exposures", "silver.exposures"}  # where a service left some
    assert lacking <= {
        "models.aliases",
        "ops.quarantine",
        "ops.pseudonyms",
        "vault.users",
        "ops.leaderboard",
        "samples.sequences",  # of members that ranks train
        "models.vectors",  # where asked
        *exposures,
    }


@pytest.mark.slow
def test_a_ranking_row_leads_back_to_its_run_and_model(refreshed: Lake) -> None:
    from fuserank.tables.ops import RUNS
    from fuserank.tables.results import MODELS, RANKING

    row = refreshed.read(RANKING, as_of_date=DAY).first()
    runs = {r.run_id: r for r in refreshed.read(RUNS).collect()}
    models = {r.model_id: r for r in refreshed.read(MODELS).collect()}
    assert runs[row.run_id].state == "succeeded"
    assert runs[row.run_id].versions_written["ranking.ranking"] == refreshed.version(RANKING)
    assert set(row.model_ids) <= set(models)
    assert models[row.model_ids[0]].table_versions["samples.samples"] >= 0


@pytest.mark.slow
def test_models_train_on_the_attributes_that_the_shop_has_and_on_no_empty_place(shop: Path) -> None:
    import json

    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables.results import MODELS

    models = FolderRows(str(shop / "as-made")).rows(MODELS, {"as_of_date": DAY})
    assert {m["kind"] for m in models} == {"fnn", "logistic"}
    for left_out in (set(json.loads(m["config_json"])["model"]["left_out"]) for m in models):
        assert not left_out & {"attribute_1_decayed_60d_log", "item_number_1_level", "item_number_1_distance"}
        assert left_out >= {
            "attribute_2_decayed_60d_log",
            "item_number_2_level",
            "user_number_1_log1p",
            "item_value_mean",
        }


@pytest.mark.roads
@pytest.mark.skipif(not HAS_PETASTORM, reason="one reader cannot differ from itself")
def test_the_chain_gives_the_same_weights_and_ranking_by_pyarrow_as_by_petastorm(refreshed: Lake, shop: Path) -> None:
    from fuserank.io.lake import artifacts
    from fuserank.io.runtime.open_lake import open_lake
    from fuserank.tables.results import MODELS, RANKING
    from fuserank.usecases.refresh import run_chain

    def made(lake: Lake) -> tuple[dict[str, bytes], list[object], str]:
        model = lake.read(MODELS, as_of_date=DAY, kind="fnn").first()
        arrays, card = artifacts.read(f"{lake.root}/{model.artifact}", model.artifact_sha256)
        ranking = lake.read(RANKING, as_of_date=DAY).drop("run_id", "model_ids").orderBy(*RANKING.keys)
        return {name: array.tobytes() for name, array in arrays.items()}, ranking.collect(), card["train"]["reader"]

    other = settings(shop, "by-pyarrow", "train.reader=pyarrow")
    run_chain(other, with_report=False)
    (ours, ranking, _), (theirs, their_ranking, reader) = made(refreshed), made(open_lake(other))
    assert reader == "pyarrow"
    assert len(ranking) == USERS * 5
    assert ours == theirs
    assert ranking == their_ranking


@pytest.mark.proof
@pytest.mark.slow
def test_a_draw_of_users_bounds_what_trains_and_what_the_fusion_is_fitted_on_but_not_the_ranking(
    refreshed: Lake, shop: Path
) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import fusion, ranking, samples, scores
    from fuserank.tables.results import RANKING
    from fuserank.tables.samples import SAMPLES

    copied(shop, "drawn")
    with open_run("drawn", settings(shop, "drawn", "samples.users=7", "samples.shards=48"), DAY) as run:
        for job in (samples, scores, fusion, ranking):
            job.execute(run, DAY)
        rows = run.lake.read(SAMPLES, as_of_date=DAY)
        users = {
            s: {r.user_index for r in rows.where(f"split = '{s}'").select("user_index").distinct().collect()}
            for s in ("train", "valid", "rank")
        }
        assert [len(users[s]) for s in ("train", "valid", "rank")] == [7, 7, USERS]
        assert run.lake.read(RANKING, as_of_date=DAY).count() == 5 * USERS
        assert rows.where("split = 'rank'").select("shard").distinct().count() == 48
        assert run.metrics["fusion.fit_rows"] == rows.where("split = 'valid'").count()


@pytest.mark.slow
def test_two_models_have_each_its_row_its_scores_its_part_and_its_worth(refreshed: Lake, shop: Path) -> None:
    from fuserank.tables.results import ABLATION, BY_USER, FITTED, METRICS, MODELS, RANKING

    models = {r.kind: r for r in refreshed.read(MODELS, as_of_date=DAY).collect()}
    assert set(models) == set(NAMES) < {r.source for r in refreshed.read(FITTED, as_of_date=DAY).collect()}
    for row in refreshed.read(RANKING, as_of_date=DAY).collect():
        assert row.model_ids == [models[name].model_id for name in NAMES if name in row.parts]
        assert row.reason_code not in NAMES
    for table in (METRICS, ABLATION):
        assert set(NAMES) < {r.source for r in refreshed.read(table, as_of_date=DAY).collect()}
    metrics = refreshed.read(METRICS, as_of_date=DAY).collect()
    by_user = refreshed.read(BY_USER, as_of_date=DAY).toPandas()
    assert set(by_user["judged"]) >= {models[name].model_id for name in NAMES}
    means = by_user.groupby(["track", "source"])["ndcg"].mean().to_dict()
    assert means == pytest.approx({(r.track, r.source): r.value for r in metrics if r.metric == "ndcg@10"}, abs=1e-6)
    judged = {(r.source, r.model_id) for r in metrics if r.model_id}
    assert judged == {(name, models[name].model_id) for name in NAMES}
    page = (shop / "out" / "report.html").read_text(encoding="utf-8")
    assert all(f'id="chart-training-{name}"' in page for name in NAMES)
    assert "Logistic regression alone" in page


@pytest.mark.slow
def test_the_report_stands_alone(refreshed: Lake, shop: Path) -> None:
    page = (shop / "out" / "report.html").read_text(encoding="utf-8")
    assert "plotly" in page
    assert 'src="http' not in page
    assert "Items near each other" in page
    for beside in ("card.html", "users.html"):
        assert f'href="{beside}"' in page
        other = (shop / "out" / beside).read_text(encoding="utf-8")
        assert "plotly" in other
        assert 'src="http' not in other
    users = (shop / "out" / "users.html").read_text(encoding="utf-8")
    assert [f"user-{n}" in page and f'id="user-{n}"' in users for n in (1, 10)] == [True, True]


@pytest.mark.proof
@pytest.mark.slow
def test_a_run_that_fails_leaves_the_previous_ranking_in_place_and_says_so(
    refreshed: Lake, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fuserank.io.lake.digest import digest
    from fuserank.jobs import fusion
    from fuserank.pipeline.graph import Step
    from fuserank.tables.ops import RUNS
    from fuserank.tables.results import RANKING
    from fuserank.usecases import refresh

    before = digest(refreshed.read(RANKING), RANKING)

    def dies(*_: object) -> None:
        raise RuntimeError("the power went out")

    monkeypatch.setattr(
        refresh,
        "steps",
        lambda *_: [Step.of(n, DAY, e, (), (RANKING,)) for n, e in (("fusion", fusion.execute), ("ranking", dies))],
    )
    with pytest.raises(RuntimeError, match="power"):
        refresh.run_chain(settings(shop), with_report=False)
    failed = [r for r in refreshed.read(RUNS).collect() if r.state == "failed"]
    assert [r.error for r in failed] == ["RuntimeError: the power went out"]
    assert digest(refreshed.read(RANKING), RANKING) == before


@pytest.mark.proof
@pytest.mark.slow
def test_features_of_a_full_lake_equal_those_of_a_lake_that_ends_at_as_of(refreshed: Lake, shop: Path) -> None:
    from fuserank.io.lake.digest import digest
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import bronze, features, silver
    from fuserank.tables import features as f

    sales = shop / "files" / "sales.csv"
    whole = sales.read_text(encoding="utf-8")
    head, *rows = whole.splitlines()
    place = head.split(",").index("at")
    sales.write_text("\n".join([head, *(r for r in rows if r.split(",")[place] < AS_OF)]) + "\n", encoding="utf-8")
    try:
        with open_run("cut", settings(shop, fresh_root()), DAY) as run:
            for job in (bronze, silver, features):
                job.execute(run, DAY)
            cut = {t.name: digest(run.lake.read(t, as_of_date=DAY), t) for t in f.TABLES}
    finally:
        sales.write_text(whole, encoding="utf-8")
    assert len(rows) > refreshed.read(f.USER_ITEM, as_of_date=DAY).count()
    assert {t.name: digest(refreshed.read(t, as_of_date=DAY), t) for t in f.TABLES} == cut


@pytest.mark.slow
def test_the_catalogue_and_commands_speak_to_people(
    refreshed: Lake, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from fuserank.cli.recommend import recommend
    from fuserank.common.errors import FuserankError

    lake = str(shop / "lake")
    recommend("  ü003 ", k=2, surface=None, env="local", as_of=AS_OF, lake=lake, overrides=None, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["user"] == "ü003"
    assert [r["rank"] for r in found["recommendations"]] == [1, 2]
    assert all({"rank", "item", "name", "score", "parts", "reason"} <= set(r) for r in found["recommendations"])
    with pytest.raises(FuserankError, match="nobody"):
        recommend("nobody", k=2, surface=None, env="local", as_of=AS_OF, lake=lake, overrides=None, as_json=True)


@pytest.mark.slow
def test_digests_are_told_alone_or_a_line_a_table(
    refreshed: Lake, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    from fuserank.cli.inspect import digest
    from fuserank.common.errors import FuserankError

    def printed(*tables: str, as_json: bool = False) -> list[str]:
        digest(list(tables), env="local", as_of=AS_OF, lake=str(shop / "lake"), overrides=None, as_json=as_json)
        return capsys.readouterr().out.splitlines()

    (alone,) = printed("ranking.ranking")
    lines = printed("scores.scores", "ranking.ranking")
    assert [line.split()[1] for line in lines] == ["scores.scores", "ranking.ranking"]
    assert lines[1].split()[0] == alone
    (row,) = map(json.loads, printed("ranking.ranking", as_json=True))
    assert (row["digest"], row["rows"]) == (alone, 5 * USERS)
    with pytest.raises(FuserankError, match=r"silver\.items has no as_of_date"):
        printed("ranking.ranking", "silver.items")


@pytest.mark.slow
def test_the_report_tells_what_each_source_is_worth_and_what_all_find(refreshed: Lake, shop: Path) -> None:
    from fuserank.tables.results import ABLATION, SETS

    worth = {(r.track, r.source): r for r in refreshed.read(ABLATION, as_of_date=DAY).collect()}
    sources = {"als", "co_purchase", "repeat", "popular", "item_cf"}
    assert {source for _, source in worth} == {*sources, *NAMES}
    for row in worth.values():
        assert row.gain == pytest.approx(row.ndcg - row.ndcg_without)
        assert row.gain_low <= row.gain <= row.gain_high
        assert (row.seconds is None) == (row.source in NAMES)
    assert len({row.ndcg for (track, _), row in worth.items() if track == "all"}) == 1
    sets = {(r.segment, r.source): r for r in refreshed.read(SETS, as_of_date=DAY).collect()}
    union = sets["all", "union"]
    for source in sources:
        one = sets["all", source]
        assert 0 <= one.unique <= 1
        assert one.recall <= union.recall <= 1
        assert set(one.overlap) == sources - {source}
    assert union.a_user <= sum(sets["all", source].a_user for source in sources)
    page = (shop / "out" / "report.html").read_text(encoding="utf-8")
    assert 'id="chart-worth-all"' in page
    assert 'id="chart-sets-overlap"' in page


@pytest.mark.proof
@pytest.mark.slow
def test_quotas_are_chosen_and_written_for_later_runs(refreshed: Lake, shop: Path) -> None:
    import json
    import shutil

    from fuserank.config.candidates import SEGMENTS
    from fuserank.io.lake.lake import Lake
    from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
    from tests.support.cli import ran

    copied(shop, "quotas")
    before = [refreshed.version(t) for t in (FACTORS, CO_PURCHASE, LEARNED, CANDIDATES)]
    words = ["--dataset", "tinyshop", "--lake", str(shop / "quotas"), "--as-of", AS_OF]
    words += [w for setting in SMALL for w in ("--set", setting)]
    tuned = shop / "conf" / "tuned" / "tinyshop.yaml"
    try:
        result = json.loads(ran("quotas", *words, "--budget", "20", "--band", "2", "--write", "--json").stdout)
        text = tuned.read_text(encoding="utf-8")
        cfg = settings(shop).candidates  # the sources as SMALL has them, the quotas as written
    finally:
        shutil.rmtree(tuned.parent, ignore_errors=True)
    assert text.startswith("# Sources and quotas of tinyshop, chosen by `fuserank quotas` on ")
    assert result["recall"]["all"] > 0
    assert result["a_user"]["all"] <= 20
    looked = Lake(refreshed.spark, str(shop / "quotas"), "look")
    assert [looked.version(t) for t in (FACTORS, CO_PURCHASE, LEARNED, CANDIDATES)] == before  # the lake stays as it is
    for segment, quotas in result["quotas"].items():
        assert quotas["popular"] >= 10  # twice ranking.k: what fills lists is always there
        assert all(quota % 2 == 0 for quota in quotas.values())
        assert segment in SEGMENTS
        assert {s: cfg.quota_in(segment, s) for s in cfg.sources} == {s: quotas.get(s, 0) for s in cfg.sources}
    assert all(share["hits"] >= share["unique_hits"] for shares in result["sources"].values() for share in shares)


@pytest.mark.slow
def test_the_benchmark_of_the_whole_chain_measures_a_lake_in_words_of_json(
    refreshed: Lake, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib
    import json

    from fuserank.io.lake.digest import digest
    from fuserank.tables.results import RANKING

    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    found = importlib.import_module("recs").measured(settings(shop))
    assert json.loads(json.dumps(found)) == found
    assert found["digests"]["ranking.ranking"] == digest(refreshed.read(RANKING), RANKING)
    assert found["ours"] == found["quality"]["tracks"]["all"]["fusion"]["ndcg@10"] > 0
    assert {row["source"] for row in found["union"]} >= {"union", "als"}
