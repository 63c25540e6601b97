"""The key of pseudonyms on Databricks: one more key of the secret scope."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.deploy import databricks
from tests.support.people import VARIABLE, changes
from tests.support.shop import mapping

CONF = Path(__file__).resolve().parents[3] / "conf"


def test_a_bundle_without_the_key_is_refused_and_with_it_every_cluster_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    declared = mapping(Path("files"), **changes()).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (tmp_path / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(declared))
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    options = ["dataset=shop", "as_of=2020-01-01", "lake=catalog:main.shop"]
    with pytest.raises(FuserankError, match=f"no key of the secret scope fills {VARIABLE}; name it in deploy"):
        databricks.files(load("databricks", options))
    scope = {"FUSERANK_STORE_SECRET": "store-secret", VARIABLE: "pseudonym-key"}
    made = databricks.files(load("databricks", [*options, f"deploy.databricks.secret_env={json.dumps(scope)}"]))
    filled = f"{VARIABLE}: '{{{{secrets/${{var.secret_scope}}/pseudonym-key}}}}'"
    assert all(filled in text for name, text in made.items() if name.endswith(("data.job.yml", "ranking.job.yml")))
