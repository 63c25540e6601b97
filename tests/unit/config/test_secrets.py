"""Secrets in settings: references pass untouched, values are refused without being repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from fuserank.config.secrets import problem, unset
from fuserank.config.settings import Settings, SettingsError, load
from fuserank.jobs.inputs.command import guarded

CANARY = "c4n4ry+Value/0123456789=="
SECRET_KEYS = [
    "spark.hadoop.fs.s3a.secret.key",
    "spark.hadoop.fs.s3a.access.key",
    "spark.hadoop.fs.s3a.bucket.shop.session.token",
    "spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net",
    "spark.hadoop.fs.azure.account.oauth2.client.secret",
    "spark.hadoop.fs.azure.sas.fixed.token.shop.dfs.core.windows.net",
    "spark.hadoop.fs.gs.auth.service.account.private.key",
    "spark.hadoop.javax.jdo.option.ConnectionPassword",
    "fs.s3a.secret.key",
    "spark.ssl.keyPassword",
    "spark.authenticate.secret",
    "spark.executorEnv.AWS_SECRET_ACCESS_KEY",
]
HARMLESS = {
    "spark.hadoop.fs.s3a.aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    "spark.hadoop.hadoop.security.credential.provider.path": "jceks://hdfs/keys/shop.jceks",
    "spark.hadoop.fs.azure.account.auth.type": "OAuth",
    "spark.hadoop.fs.azure.account.oauth2.client.id": "0000-1111",
    "spark.hadoop.fs.azure.account.oauth2.client.endpoint": "https://login.microsoftonline.com/x/oauth2/token",
    "spark.hadoop.fs.azure.sas.token.provider.type": "org.example.Provider",
    "spark.hadoop.google.cloud.auth.service.account.json.keyfile": "/etc/keys/shop.json",
    "spark.kubernetes.driver.secrets.store": "/etc/keys",
    "spark.kubernetes.driver.secretKeyRef.AWS_SECRET_ACCESS_KEY": "store:secret",
    "spark.authenticate.secret.file": "/etc/keys/spark",
    "spark.security.credentials.hive.enabled": "false",
    "spark.redaction.regex": "(?i)secret|password|token",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:+UseParallelGC",
}


@pytest.mark.parametrize("section", ["submit", "spark"])
@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_secret_itself_is_refused_by_its_key_and_not_repeated(section: str, key: str, capsys) -> None:
    assert guarded(lambda: load("local", [f"{section}={json.dumps({key: CANARY})}"])) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"fuserank: {section}: Value error, {key} must not hold the secret itself; ")
    assert "environment" in message
    assert message.count("\n") == 1
    assert CANARY not in message


def test_no_error_of_settings_repeats_a_value() -> None:
    for wrong in ({"spark": {SECRET_KEYS[0]: CANARY}}, {"spark": {"spark.x": {"y": CANARY}}}, {"lake": 3, CANARY: 1}):
        with pytest.raises(ValidationError) as refused:
            Settings.model_validate({"as_of": "2017-12-04", **wrong})
        assert f"{CANARY!r}" not in str(refused.value)
        assert f"={CANARY}" not in str(refused.value)


@pytest.mark.parametrize("key", HARMLESS)
def test_what_only_speaks_of_secrets_is_taken(key: str) -> None:
    assert load("local", [f"submit={json.dumps({key: HARMLESS[key]})}"]).submit[key] == HARMLESS[key]


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [
        (SECRET_KEYS[0], "${env.STORE_KEY}", True),
        (SECRET_KEYS[0], "{{secrets/shop/store-key}}", True),
        (SECRET_KEYS[0], "${env:STORE_KEY}", False),  # Hadoop would take it as it stands
        (SECRET_KEYS[0], "x${env.STORE_KEY}", False),
        ("fs.s3a.secret.key", "${env.STORE_KEY}", True),
        ("spark.ssl.keyPassword", "${env:STORE_KEY}", True),
        ("spark.ssl.keyPassword", "${env.STORE_KEY}", False),
        ("spark.executorEnv.AWS_SECRET_ACCESS_KEY", "${env:STORE_KEY}", False),  # nobody expands it there
        ("spark.hadoop.javax.jdo.option.ConnectionURL", "jdbc:postgresql://u:pw@host/db", False),
        ("spark.driver.extraJavaOptions", "-Dfs.s3a.secret.key=abc", False),
        ("spark.hadoop.fs.s3a.endpoint", "https://store:9000", True),
    ],
)
def test_references_are_taken_where_somebody_expands_them(key: str, value: str, taken: bool) -> None:
    assert (problem(key, value) is None) == taken


@pytest.mark.parametrize(
    "lake", [f"s3a://id:{CANARY}@shop/lake", f"abfss://c@a.dfs.core.windows.net/x?sv=1&sig={CANARY}"]
)
def test_a_url_with_a_secret_in_it_is_refused_and_not_repeated(lake: str, capsys) -> None:
    assert guarded(lambda: load("local", [f"lake={lake}"])) == 2
    message = capsys.readouterr().err
    assert "URL holds a password or signature" in message
    assert CANARY not in message


def test_a_container_at_an_account_is_no_password() -> None:
    lake = "abfss://shop@account.dfs.core.windows.net:443/lake"
    assert load("local", [f"lake={lake}"]).lake == lake


def test_a_reference_to_nothing_is_told_by_key_and_variable() -> None:
    values = {"spark.hadoop.fs.s3a.secret.key": "${env.STORE_KEY}", "spark.master": "local[2]"}
    assert unset(values, {"STORE_KEY": "x"}) == []
    assert unset(values, {}) == [
        "spark.hadoop.fs.s3a.secret.key is read from the environment variable STORE_KEY, which is not set here; export"
        " STORE_KEY"
    ]


def test_a_file_that_is_no_yaml_is_told_by_line_without_its_text(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path))
    (tmp_path / "base.yaml").write_text(f"submit:\n  fs.s3a.secret.key: '{CANARY}\n: [", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"base\.yaml: not YAML: .*line \d+, column \d+$") as refused:
        load()
    assert CANARY not in str(refused.value)


def test_setup_renders_references_as_they_stand_and_no_secret(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = Path(__file__).resolve().parents[3] / "deploy" / "local" / "spark_defaults.py"

    def rendered(value: str) -> subprocess.CompletedProcess[str]:
        env = tmp_path / "local.yaml"
        env.write_text(
            yaml.safe_dump({"submit": {"spark.master": "local[2]", SECRET_KEYS[0]: value}}), encoding="utf-8"
        )
        command = [sys.executable, str(script), str(env), str(tmp_path / "jars"), str(tmp_path / "conf")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert rendered("${env.STORE_KEY}").returncode == 0
    written = (tmp_path / "conf" / "spark-defaults.conf").read_text(encoding="utf-8")
    assert f"\n{SECRET_KEYS[0]} ${{env.STORE_KEY}}\n" in written
    refused = rendered(CANARY)
    assert refused.returncode == 1
    assert "must not hold the secret itself" in refused.stderr
    assert CANARY not in refused.stderr + refused.stdout
    assert (tmp_path / "conf" / "spark-defaults.conf").read_text(encoding="utf-8") == written
