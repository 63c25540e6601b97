"""The tiny chain in a folder, below a URL and in a catalog: one ranking; and a secret that no output holds.

The catalog is Spark's own over a Hive metastore (Derby), the URL Hadoop's overload of s3a over a folder: neither needs
anything that is not on the machine.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.mounts import mount
from tests.support.search import files_with
from tests.support.tinyshop import AS_OF, write_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("candidates.als.factors=8", "candidates.als.iterations=3", "train.epochs=1", "train.batch=512", "ranking.k=5")
CATALOG = "catalog:spark_catalog.shop"
VARIABLE, CANARY = "FUSERANK_STORE_SECRET", "c4n4ry-8f2d61b07e"
REFERENCE = f"${{env.{VARIABLE}}}"
SECRETS = {
    "spark.hadoop.fs.s3a.secret.key": REFERENCE,
    "spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net": REFERENCE,
}
FIRST_SECRET = min(SECRETS)  # in the file of settings, whose keys are sorted
pytestmark = pytest.mark.roads


def chain(spark: SparkSession, shop: Path, lake: str) -> str:
    """Run the whole chain in the lake; the ranking's digest."""
    from fuserank.config.settings import load
    from fuserank.io.lake.digest import digest
    from fuserank.io.runtime.open_lake import open_lake
    from fuserank.tables.results import RANKING
    from fuserank.usecases.refresh import run_chain

    overrides = ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={lake}", f"out={shop / 'out'}", "run.quiet=true", *SMALL]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(shop / "conf"))
        settings = load("local", overrides)
        run_chain(settings, with_report=True)
        return digest(open_lake(settings).read(RANKING), RANKING)


@pytest.fixture(scope="module")
def in_a_folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    shop = tmp_path_factory.mktemp("folder")
    write_shop(shop)
    return chain(spark, shop, str(shop / "lake"))


def test_below_a_url_of_an_object_store_the_ranking_is_the_same(
    spark: SparkSession, in_a_folder: str, tmp_path: Path
) -> None:
    write_shop(tmp_path)
    (tmp_path / "bucket").mkdir()
    lake = f"s3a://{tmp_path.name.replace('_', '-')}/lake"
    mount(spark, lake, tmp_path / "bucket")
    assert chain(spark, tmp_path, f"{lake}/shop") == in_a_folder
    left = sorted(p.name for p in (tmp_path / "bucket" / "shop" / "models").iterdir() if p.is_dir())
    assert left == [
        "artifacts",
        "registry",
    ]  # the artifact went to the store; copies of samples and checkpoints are gone


@dataclass
class Commands:
    """A folder with a shop in a catalog, and the output of each command; every command has the secret
    in its environment.
    """

    folder: Path
    outputs: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def run(self, name: str, *command: str, code: int = 0, more: Mapping[str, str] | None = None) -> str:
        env = {
            **os.environ,
            "FUSERANK_CONF": str(self.folder / "conf"),
            "TZ": "UTC",
            VARIABLE: CANARY,
            "SPARK_CONF_DIR": str(self.folder / "spark-conf"),
            **(more or {}),
        }
        done = subprocess.run(
            command, env=env, cwd=self.folder, capture_output=True, text=True, check=False, timeout=1800
        )
        (self.folder / "said").mkdir(exist_ok=True)
        (self.folder / "said" / f"{name}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        assert done.returncode == code, (
            f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
        self.outputs[name] = done
        return done.stdout

    def fuserank(self, name: str, *words: str, code: int = 0) -> str:
        return self.run(name, sys.executable, "-c", "from fuserank.cli.main import run; run()", *words, code=code)


LAKE = ("--lake", CATALOG, "--set", "files=files")
LOOK = """
import sys
from fuserank.io.runtime import session
spark = session.start("look")
spark.sql("CREATE SCHEMA IF NOT EXISTS shop")
conf = spark._jsparkSession.sessionState().newHadoopConf()
for key in sys.argv[2:]:
    key = key.removeprefix("spark.hadoop.")
    print(conf.get(key) == sys.argv[1], conf.getRaw(key), spark.conf.get("spark.hadoop." + key))
sent = spark._jvm.java.io.ByteArrayOutputStream()
conf.write(spark._jvm.java.io.DataOutputStream(sent))  # as it travels to executors
print(sys.argv[1].encode() in bytes(sent.toByteArray()))
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """All that people run: set-up's rendering, the chain, doctor, every rendering, runs that fail."""
    commands = Commands(tmp_path_factory.mktemp("told"))
    folder = commands.folder
    write_shop(folder)
    for env in ("local", "cluster", "databricks"):
        file = folder / "conf" / "env" / f"{env}.yaml"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings["submit"] |= SECRETS
        if env == "local":
            (folder / "events").mkdir()
            settings["submit"] |= {
                "spark.sql.catalogImplementation": "hive",
                "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
                "spark.hadoop.javax.jdo.option.ConnectionURL": (
                    f"jdbc:derby:;databaseName={folder}/metastore;create=true"
                ),
                "spark.eventLog.enabled": "true",
                "spark.eventLog.compress": "false",
                "spark.eventLog.dir": (folder / "events").as_uri(),
            }
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    commands.run(
        "set-up",
        sys.executable,
        str(ROOT / "deploy/local/spark_defaults.py"),
        "conf/env/local.yaml",
        str(Path(sys.prefix) / "jars"),
        "spark-conf",
    )
    commands.run("look", sys.executable, "-c", LOOK, CANARY, *SECRETS)
    small = [part for setting in SMALL for part in ("--set", setting)]
    shop = ["--dataset", "tinyshop", "--as-of", AS_OF, *LAKE]
    commands.fuserank("refresh", "refresh", *shop, "--set", "out=out", "--report", *small)
    commands.fuserank("digest", "digest", "ranking.ranking", *LAKE)
    commands.fuserank("again", "refresh", *shop, *small)
    commands.fuserank("digest again", "digest", "ranking.ranking", *LAKE)
    commands.fuserank("doctor", "doctor", code=0)
    commands.fuserank("doctor for a cluster", "doctor", "--env", "cluster", "--no-start")
    for surface in ("submit", "kubernetes", "airflow", "databricks"):
        commands.fuserank(
            f"render {surface}",
            "render",
            surface,
            "--dataset",
            "tinyshop",
            "--lake",
            "s3a://shop/lake",
            "--to",
            f"rendered/{surface}",
        )
    job = [sys.executable, str(ROOT / "jobs/train.py"), "--env", "local", "--dataset", "tinyshop", "--as-of"]
    commands.run("a failing job", *job, "2020-01-01", *LAKE, code=2)
    commands.run("no driver", *job, AS_OF, "--lake", "s3a://shop/lake", code=2)
    commands.run("without the secret", *job, AS_OF, *LAKE, code=2, more={VARIABLE: ""})
    commands.fuserank("runs", "runs", "--json", *LAKE)
    commands.fuserank("a dry run", "refresh", *shop, "--dry-run")
    for file in (folder / "warehouse/shop.db/samples_samples").glob("*/split=valid/*/*.parquet"):
        file.unlink()
    commands.run("a crash", sys.executable, str(ROOT / "jobs/scores.py"), *job[2:], AS_OF, *LAKE, code=1)
    return commands


def test_in_a_catalog_the_ranking_is_the_same_also_after_a_rerun(commands: Commands, in_a_folder: str) -> None:
    assert commands.outputs["digest"].stdout.strip() == in_a_folder
    assert commands.outputs["digest again"].stdout.strip() == in_a_folder
    tables = {p.name for p in (commands.folder / "warehouse" / "shop.db").iterdir()}
    assert {"ranking_ranking", "silver_events", "ops_runs", "bronze_tinyshop_sales"} <= tables
    models = commands.folder / "files" / "models"
    assert sorted(p.name for p in models.iterdir()) == ["artifacts", "checkpoints"]
    assert not list((models / "checkpoints").iterdir())  # what a finished training leaves
    assert (commands.folder / "out" / "report.html").is_file()


def test_the_ledger_of_a_catalog_tells_good_runs_and_bad(commands: Commands) -> None:
    runs = json.loads(commands.outputs["runs"].stdout)["runs"]
    assert [(r["job"], r["state"]) for r in runs] == [
        ("train", "failed"),
        ("refresh", "succeeded"),
        ("refresh", "succeeded"),
    ]
    assert "jobs/samples.py" in runs[0]["error"]
    assert runs[1]["versions_written"]["ranking.ranking"] > runs[2]["versions_written"]["ranking.ranking"]


def test_hadoop_gets_the_secret_and_no_setting_holds_it(commands: Commands) -> None:
    assert commands.outputs["look"].stdout.splitlines() == [f"True {REFERENCE} {REFERENCE}"] * len(SECRETS) + ["False"]


def test_a_store_without_a_driver_is_one_line(commands: Commands) -> None:
    assert "Traceback (most recent call last)" in commands.outputs["a crash"].stderr  # what that would look like
    last = commands.outputs["no driver"].stderr.splitlines()[-1]
    assert last.startswith("fuserank: lake s3a://shop/lake: Spark has no driver for s3a://; add its jar")


def test_a_secret_that_is_not_there_is_told_before_spark_starts(commands: Commands) -> None:
    message = commands.outputs["without the secret"].stderr
    assert re.fullmatch(
        rf"fuserank: {re.escape(FIRST_SECRET)} is read from .* {VARIABLE}, which is not set here; .*\n", message
    )


def test_the_secret_is_in_no_output(commands: Commands) -> None:
    assert files_with(CANARY, commands.folder) == []


def test_the_search_for_the_secret_would_find_it(commands: Commands, tmp_path: Path, spark: SparkSession) -> None:
    """The same search finds what was written: the reference in settings and renderings, its key in
    Spark's event log (which blots out the value), and a planted canary in text, in base64, and in
    cells of compressed Parquet, flat and nested.
    """
    import base64

    where = {p.relative_to(commands.folder).parts[0] for p in files_with(REFERENCE, commands.folder)}
    assert {"conf", "spark-conf", "rendered", "said"} <= where
    assert files_with(FIRST_SECRET, commands.folder / "events")
    assert any(p.suffix == ".parquet" for p in files_with("sku-001", commands.folder / "warehouse"))
    (tmp_path / "log.txt").write_text(f"x{CANARY}x", encoding="utf-8")
    (tmp_path / "coded.txt").write_bytes(base64.b64encode(b"user:" + CANARY.encode() + b":more"))
    rows = spark.range(1000).selectExpr(f"'{CANARY}' AS flat", f"map('k', '{CANARY}') AS nested")
    for name in rows.columns:
        rows.select(name).coalesce(1).write.option("compression", "zstd").parquet(str(tmp_path / name))
    found = {str(p.relative_to(tmp_path)).split("/")[0] for p in files_with(CANARY, tmp_path)}
    assert found == {"log.txt", "coded.txt", "flat", "nested"}
