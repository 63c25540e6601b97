"""What spark-submit was told that cannot work is refused by name, before Spark starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fuserank.io.runtime.submitted import SubmittedError, refuse_missing, refuse_nameless_machine, refuse_unfit_delta

FITS = ["io.delta_delta-spark_2.13-4.0.1.jar", "io.delta_delta-storage-4.0.1.jar"]


@pytest.mark.parametrize("form", ["{}", "{}#environment", "file://{}", "file://{}#environment"])
def test_an_archive_that_is_not_there_is_told_with_its_option(tmp_path: Path, form: str) -> None:
    there, gone = tmp_path / "a b.tar.gz", tmp_path / "gone.tar.gz"
    there.touch()
    refuse_missing(
        "spark.archives", "--archives", [form.format(str(there).replace(" ", "%20") if "file:" in form else there)]
    )
    with pytest.raises(
        SubmittedError, match=r"gone\.tar\.gz of --archives \(spark\.archives\) is not there; `make package`"
    ):
        refuse_missing("spark.archives", "--archives", [form.format(gone)])


def test_what_lies_elsewhere_or_is_a_pattern_is_left_to_spark() -> None:
    refuse_missing(
        "spark.jars", "--jars", ["hdfs:///no/such.jar", "s3a://b/x.jar", "local:///no/such.jar", "/no/such/*.jar"]
    )


def test_the_jars_of_the_lock_fit() -> None:
    refuse_unfit_delta([*FITS, "hadoop-aws-3.4.1.jar"], "2.13.16", "4.0.1")
    refuse_unfit_delta(["delta-spark_2.13-4.0.1.jar"], "2.13.16", None)


@pytest.mark.parametrize(
    ("jars", "words"),
    [
        (
            ["delta-spark_2.12-3.2.0.jar"],
            "delta-spark_2.12-3.2.0.jar is for Scala 2.12, and this Spark runs on 2.13.16",
        ),
        (["io.delta_delta-core_2.12-2.4.0.jar"], "delta-core_2.12-2.4.0.jar is for Scala 2.12"),
        (["delta-spark_2.13-3.2.0.jar"], "is Delta 3.2.0, and the installed delta-spark is 4.0.1"),
        ([FITS[0], "delta-storage-3.2.0.jar"], "delta-storage-3.2.0.jar is Delta 3.2.0"),
        ([FITS[0], "delta-storage-4.0.0.jar"], "are of versions 4.0.0 and 4.0.1"),
    ],
)
def test_a_delta_jar_that_does_not_fit_is_told_by_its_name(jars: list[str], words: str) -> None:
    with pytest.raises(SubmittedError) as refused:
        refuse_unfit_delta(jars, "2.13.16", "4.0.1")
    assert words in str(refused.value)
    assert "take the jars of dist/jars" in str(refused.value)


def test_a_machine_whose_name_has_no_address_is_told_so_but_not_where_an_address_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPARK_LOCAL_IP", raising=False)
    monkeypatch.setattr(socket, "gethostname", lambda: "laptop.invalid")
    with pytest.raises(SubmittedError, match=r"own name laptop\.invalid has no address.*SPARK_LOCAL_IP"):
        refuse_nameless_machine()
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    refuse_nameless_machine()
