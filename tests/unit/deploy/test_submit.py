"""Submit lines: what each kind of cluster needs, and words for what is missing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fuserank.config.settings import load
from fuserank.deploy.submit import TARGETS, SubmitError, arguments, command, job_lines, submit_lines
from tests.support.golden import ROOT, example

ARCHIVE, JARS, CONF = "hdfs:///a/fuserank-data.tar.gz", ["hdfs:///a/delta.jar"], "hdfs:///a/conf.tar.gz"


def words(target: str, job: str = "features", **changes: object) -> list[str]:
    options = {"settings": example(), "archive": ARCHIVE, "jars": JARS, "conf": CONF, **changes}
    return shlex.split(" ".join(submit_lines(target, job, **options)))  # type: ignore[arg-type]


def confs(line: list[str]) -> dict[str, str]:
    return dict(line[n + 1].split("=", 1) for n, word in enumerate(line) if word == "--conf")


def value(line: list[str], option: str) -> str:
    return line[line.index(option) + 1]


def test_all_that_the_environment_says_must_stand_before_the_jvm_starts_is_in_the_line() -> None:
    for target in ("standalone-client", "yarn-client", "yarn-cluster", "kubernetes-client", "kubernetes-cluster"):
        assert load("cluster").submit.items() <= confs(words(target)).items()


def test_executors_run_the_python_inside_the_archive_and_a_client_driver_its_own() -> None:
    assert value(words("standalone-client"), "--archives") == f"{ARCHIVE}#environment"
    client, cluster = confs(words("yarn-client")), confs(words("yarn-cluster"))
    assert client["spark.pyspark.python"] == cluster["spark.pyspark.python"] == "./environment/bin/python"
    assert client["spark.pyspark.driver.python"] == ".venv/bin/python"
    assert "spark.pyspark.driver.python" not in cluster


def test_a_driver_on_a_yarn_cluster_finds_its_settings_in_the_working_directory() -> None:
    assert value(words("yarn-cluster"), "--archives") == f"{ARCHIVE}#environment,{CONF}#conf"
    assert "conf.tar.gz" not in " ".join(words("yarn-client"))


def test_on_kubernetes_the_image_carries_all_and_the_job_is_local_to_it() -> None:
    line = words("kubernetes-cluster", archive=None, jars=[])
    assert not {"--archives", "--jars"} & set(line)
    assert "local:///opt/fuserank/jobs/features.py" in line
    assert confs(line)["spark.kubernetes.container.image"] == "fuserank-data:0.2.0"
    assert (
        confs(words("kubernetes-cluster", "train", archive=None))["spark.kubernetes.container.image"]
        == "fuserank-train:0.2.0"
    )


def test_a_standalone_cluster_is_told_no_sizes_that_its_workers_may_not_have() -> None:
    assert not [
        key for key in confs(words("standalone-client")) if key.startswith("spark.executor.") and "Env" not in key
    ]


def test_the_master_and_more_arguments_are_handed_on() -> None:
    line = words("standalone-client", master="spark://h:7077", as_of="2018-01-01", args=["--set", "ranking.k=5 "])
    assert value(line, "--master") == "spark://h:7077"
    assert value(line, "--as-of") == "2018-01-01"
    assert line[-2:] == ["--set", "ranking.k=5 "]


def test_a_schedulers_expression_reaches_it_unquoted() -> None:
    assert "--as-of {{ as_of(dag_run) }} --lake" in command(
        job_lines("yarn-cluster", "silver", example(), as_of="{{ as_of(dag_run) }}")
    )


def test_the_jars_are_those_of_the_lock() -> None:
    lock = [
        line.split()[0].split(":")
        for line in (ROOT / "requirements" / "jars.lock").read_text().splitlines()
        if line[0] != "#"
    ]
    assert load("cluster").deploy.jars == tuple(f"{name}-{version}.jar" for _, name, version in lock)


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        ("standalone-cluster", {}, "no Python application in cluster mode on a standalone cluster"),
        ("mesos-client", {}, "no target 'mesos-client'; there are: standalone-client, yarn-client"),
        ("yarn-client", {"job": "dance"}, "no job 'dance'; there are: bronze, candidates"),
        (
            "yarn-client",
            {"archive": None, "job": "train"},
            "needs the packed environment of train: dist/fuserank-train.tar.gz by `make package`",
        ),
        ("yarn-cluster", {"conf": None}, "the driver needs the settings too; give dist/conf.tar.gz"),
        ("yarn-cluster", {"settings": load("cluster", ["lake=lake"])}, "lake 'lake' is a folder beside this shell"),
        ("kubernetes-cluster", {"archive": "dist/fuserank-data.tar.gz"}, "no pod sees dist/fuserank-data.tar.gz"),
    ],
)
def test_what_cannot_work_is_refused_with_the_cure(target: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(SubmitError) as refused:
        words(target, **changes)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_submit_module_touches_no_file_and_no_spark() -> None:
    text = Path(submit_lines.__code__.co_filename).read_text(encoding="utf-8")
    assert not any(word in text for word in ("open(", "read_text", "pyspark.sql", "subprocess", "os.environ"))


@pytest.mark.parametrize("target", TARGETS)
def test_a_secret_stays_a_reference_that_the_shell_leaves_alone(target: str) -> None:
    key = "spark.hadoop.fs.s3a.secret.key"
    settings = example(f"submit={{{key}: '${{env.STORE_KEY}}'}}")
    assert f"--conf '{key}=${{env.STORE_KEY}}'" in job_lines(target, "bronze", settings)
    with pytest.raises(SubmitError, match=rf"{key}: only Databricks fills"):
        job_lines(target, "bronze", example(f"submit={{{key}: '{{{{secrets/shop/key}}}}'}}"))


def test_the_folder_of_a_catalogs_files_is_passed_on() -> None:
    settings = example("lake=catalog:spark_catalog.shop", "files=/mnt/files")
    assert arguments(settings)[-4:] == ["--lake", "catalog:spark_catalog.shop", "--set", "files=/mnt/files"]
