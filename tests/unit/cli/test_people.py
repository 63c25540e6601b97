"""People are named by their business ids on the command line; the lake knows pseudonyms."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.common.pseudonyms import Key
from fuserank.tables.results import RANKING
from tests.support.cli import ran
from tests.support.people import CANARY, SECRET, VARIABLE, changes, write_shop
from tests.support.rows import frame
from tests.support.shop import ingest, mapping

if TYPE_CHECKING:
    from fuserank.io.lake import Lake

AS_OF, MINE = dt.date(2019, 6, 1), Key.of_text(SECRET, VARIABLE).of(CANARY)
CONF = Path(__file__).resolve().parents[3] / "conf"


@pytest.fixture
def ranked(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Options of a lake with users and a ranking, and of its data set."""
    monkeypatch.setenv(VARIABLE, SECRET)
    shutil.copytree(CONF, tmp_path / "conf")
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    write_shop(tmp_path)
    dataset = mapping(tmp_path, **changes())
    told = dataset.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (tmp_path / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(told))
    ingest(lake, dataset)
    lists = [{"as_of_date": AS_OF, "user_id": MINE, "surface": "home", "rank": n, "item_id": f"i{n}"} for n in (1, 2)]
    lake.replace(RANKING, frame(lake.spark, RANKING, lists).drop("as_of_date"), as_of_date=AS_OF)
    return ("--lake", lake.root, "--as-of", str(AS_OF))


def test_a_business_id_or_its_pseudonym_finds_the_list(
    ranked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in (CANARY, f" {CANARY} ", MINE):
        found = ran("recommend", said, "--dataset", "shop", *ranked, "--json")
        assert [i["item_id"] for i in json.loads(found.stdout)["items"]] == ["i1", "i2"]
        assert CANARY not in found.output
    monkeypatch.delenv(VARIABLE)
    assert ran("recommend", MINE, *ranked).stdout  # a pseudonym needs no key, nor the mapping
    with pytest.raises(FuserankError, match="environment variable FUSERANK_PSEUDONYM_KEY, which is not set here"):
        ran("recommend", CANARY, "--dataset", "shop", *ranked)
    with pytest.raises(
        FuserankError, match=r"the mapping of completejourney has none; name its own by --dataset \(shop\)"
    ):
        ran("recommend", CANARY, *ranked)
    monkeypatch.setenv(VARIABLE, SECRET.replace("4", "5"))
    with pytest.raises(FuserankError, match="pseudonyms of another key than FUSERANK_PSEUDONYM_KEY holds"):
        ran("recommend", CANARY, "--dataset", "shop", *ranked)


def test_who_is_not_there_is_told_by_the_pseudonym(ranked: tuple[str, ...]) -> None:
    with pytest.raises(FuserankError, match=r"user 'p1_[0-9a-f]{32}' has no list") as refused:
        ran("recommend", "nobody-9", "--dataset", "shop", *ranked)
    assert "nobody-9" not in str(refused.value)


def test_the_vault_leads_back_without_a_key(ranked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert ran("vault", MINE, *ranked[:2]).stdout == f"{MINE}  {CANARY}\n"
    assert json.loads(ran("vault", MINE, *ranked[:2], "--json").stdout) == {MINE: CANARY}
    with pytest.raises(FuserankError, match=r"the vault at .* lacks p1_0{32}"):
        ran("vault", f"p1_{'0' * 32}", *ranked[:2])
    with pytest.raises(FuserankError, match="1 of 1 are no pseudonyms") as refused:
        ran("vault", CANARY, *ranked[:2])
    assert CANARY not in str(refused.value)
    with pytest.raises(FuserankError, match="there is no vault at"):
        ran("vault", MINE, *ranked[:2], "--set", f"vault={ranked[1]}-elsewhere")
