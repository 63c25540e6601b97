"""What lies in dist/ beside the archives, and the locks that archives are made from."""

from __future__ import annotations

import hashlib
import re
import tarfile
from pathlib import Path

import pytest

from fuserank.config.settings import load
from fuserank.deploy.archive import PackageError
from fuserank.deploy.dist import copy_jars, copy_jobs, write_conf
from fuserank.deploy.graph import job_names
from tests.support.golden import ROOT


def lock_of(folder: Path, sha256: str) -> Path:
    (folder / "installed").mkdir()
    (folder / "installed" / "io.delta_delta-spark_2.13-4.0.1.jar").write_bytes(b"a jar")
    (folder / "jars.lock").write_text(f"# coordinate sha256\nio.delta:delta-spark_2.13:4.0.1 {sha256}\n")
    return folder / "jars.lock"


def test_jars_get_the_names_that_submit_lines_say(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, hashlib.sha256(b"a jar").hexdigest())
    assert copy_jars(lock, tmp_path / "installed", tmp_path / "jars") == ["delta-spark_2.13-4.0.1.jar"]
    assert set(copy_jars(lock, tmp_path / "installed", tmp_path / "jars")) <= set(load("cluster").deploy.jars)


@pytest.mark.parametrize(("lose", "words"), [(False, "has SHA-256 "), (True, "is not in ")])
def test_a_jar_that_is_not_the_locks_is_refused(tmp_path: Path, lose: bool, words: str) -> None:
    lock = lock_of(tmp_path, "0" * 64)
    if lose:
        (tmp_path / "installed" / "io.delta_delta-spark_2.13-4.0.1.jar").unlink()
    with pytest.raises(
        PackageError, match=rf"delta-spark_2\.13-4\.0\.1\.jar.* {words}.*fuserank setup --again fetches it again"
    ):
        copy_jars(lock, tmp_path / "installed", tmp_path / "jars")


def test_the_settings_unpack_to_what_a_driver_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_conf(ROOT / "conf", tmp_path / "conf.tar.gz")
    with tarfile.open(tmp_path / "conf.tar.gz") as tar:
        tar.extractall(tmp_path / "conf", filter="data")
    here = load("cluster")
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    assert load("cluster") == here


def test_every_job_has_its_shim_there_and_no_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "gone.py").write_text("")
    copy_jobs(ROOT / "jobs", tmp_path / "jobs")
    assert sorted(p.stem for p in (tmp_path / "jobs").iterdir()) == job_names()


def lock(kind: str) -> dict[str, str]:
    """Name and version of each package of a lock."""
    text = (ROOT / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def test_archives_have_the_versions_of_the_checkout_without_what_the_cluster_brings() -> None:
    run, data, train = lock("run"), lock("data"), lock("train")
    assert data.items() < train.items() < run.items()
    assert not {"pyspark", "py4j", "triton"} & set(train)
    assert not {"torch", "petastorm", "safetensors"} & set(data)
    assert {"torch", "petastorm", "safetensors"} <= set(train)


def test_jobs_of_the_data_archive_import_nothing_that_it_lacks() -> None:
    import subprocess
    import sys

    from fuserank.config.settings import load
    from fuserank.deploy.graph import environment_of

    jobs = [job for job in job_names() if environment_of(job, load("cluster")) == "data"]
    lacking = {"torch", "petastorm", "safetensors", "triton", "implicit"}
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({lacking!r}));"  # None there: an import of it fails
        f"import importlib; [importlib.import_module('fuserank.jobs.' + job) for job in {jobs!r}]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
