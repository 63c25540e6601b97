"""What is tuned for a data set lies over the environment and under what the command line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuserank.config.places import SettingsError
from fuserank.config.settings import load


def test_tuned_settings_are_those_of_their_data_set_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("env", "datasets", "tuned"):
        (tmp_path / folder).mkdir()
    (tmp_path / "base.yaml").write_text(
        "dataset: one\nas_of: 2020-01-01\ncandidates: {als: {quota: 7}}\n", encoding="utf-8"
    )
    (tmp_path / "env" / "local.yaml").write_text("lake: here\ncandidates: {popular: {quota: 8}}\n", encoding="utf-8")
    (tmp_path / "tuned" / "two.yaml").write_text(
        "candidates: {sources: [als, item_cf], popular: {quota: 9}, trending: {quota: 10}}\n", encoding="utf-8"
    )
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path))
    one, two = load("local").candidates, load("local", ["dataset=two", "candidates.trending.quota=11"]).candidates
    assert (one.als.quota, one.popular.quota, one.trending.quota) == (7, 8, 50)
    assert (two.als.quota, two.popular.quota, two.trending.quota) == (7, 9, 11)
    assert two.sources == ("als", "item_cf")
    assert "item_cf" not in one.sources


def test_a_file_of_settings_counts_where_it_is_named_and_a_later_word_before_an_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "shop-fnn.yaml"
    file.write_text("as_of: 2020-02-02\nmodel: {dropout: 0.2, item_dim: 4}\n", encoding="utf-8")
    before, after = (load("local", words) for words in (["model.item_dim=6", f"@{file}"], [f"@{file}", "seed=5"]))
    assert (before.model.dropout, before.model.item_dim, str(before.as_of)) == (0.2, 4, "2020-02-02")
    assert (after.model.item_dim, after.seed, load("local").model.dropout) == (4, 5, 0.1)
    with pytest.raises(SettingsError, match=r"shop\.yaml is not in .*; there are: shop-fnn\.yaml"):
        load("local", [f"@{tmp_path / 'shop.yaml'}"])
