"""Mappings that are wrong, unclear or meant to harm: refused before Spark starts, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from tests.support.bad_mappings import MAPPING, MAPPINGS, Mapping


def load(folder: Path, text: str) -> str:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return load_dataset("shop", folder).name


@pytest.mark.parametrize("case", MAPPINGS, ids=lambda c: c.what)
def test_a_bad_mapping_is_refused_in_these_words(tmp_path: Path, case: Mapping) -> None:
    assert load(tmp_path, MAPPING) == "shop"
    with pytest.raises(FuserankError) as refused:
        load(tmp_path, case.text)
    assert str(refused.value).removeprefix(f"{tmp_path}/") == f"shop.yaml: {case.words}"


def test_a_mapping_in_another_character_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_bytes(MAPPING.replace("shop", "käse", 1).encode("latin-1"))
    with pytest.raises(FuserankError, match=r"shop\.yaml: its characters are not UTF-8; save it as UTF-8"):
        load_dataset("shop", tmp_path)


def test_anchors_and_merged_keys_may_be_used(tmp_path: Path) -> None:
    text = MAPPING.replace("user: string, item: string", "user: &id {type: string}, item: {<<: *id, zone: UTC}")
    assert load(tmp_path, text) == "shop"


@pytest.mark.parametrize("column", ["a`b", "x'; DROP TABLE y; --", "a.b", "../up", 'q"q', "${env.HOME}", "käse ü"])
def test_a_column_may_have_any_name(tmp_path: Path, column: str) -> None:
    quoted = "'" + column.replace("'", "''") + "'"
    text = MAPPING.replace("{user: string", f"{{{quoted}: string").replace("user: user", f"user: {quoted}")
    assert load(tmp_path, text) == "shop"
