"""People are named by their business ids on the command line; the lake knows pseudonyms."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fuserank.common.errors import FuserankError
from fuserank.io.lake.lake import Lake
from fuserank.privacy.keys import Key
from fuserank.tables.ops import RUNS
from fuserank.tables.results import RANKING
from fuserank.tables.silver import IDENTITY_LINKS, USER_DICTIONARY
from tests.support.cli import ran
from tests.support.people import CANARY, SECRET, VARIABLE, changes, write_shop
from tests.support.rows import frame
from tests.support.shop import into_bronze, mapping

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AS_OF, MINE = dt.date(2019, 6, 1), Key.of_text(SECRET, VARIABLE).of(CANARY)
CONF = Path(__file__).resolve().parents[3] / "conf"


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with users and a ranking, and the conf of its data set."""
    folder = tmp_path_factory.mktemp("people")
    shutil.copytree(CONF, folder / "conf")
    write_shop(folder)
    dataset = mapping(folder, **changes())
    declared = dataset.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    (folder / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(declared))
    lake = Lake(spark, str(folder / "lake"), "test-run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, SECRET)
        into_bronze(lake, dataset)
    lists = [{"as_of_date": AS_OF, "user_id": MINE, "surface": "home", "rank": n, "item_id": f"i{n}"} for n in (1, 2)]
    lake.replace(RANKING, frame(spark, RANKING, lists).drop("as_of_date"), as_of_date=AS_OF, surface="home")
    return folder


@pytest.fixture
def ranked(shop: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Options of the lake; key and conf are in the environment."""
    monkeypatch.setenv(VARIABLE, SECRET)
    monkeypatch.setenv("FUSERANK_CONF", str(shop / "conf"))
    return ("--lake", str(shop / "lake"), "--as-of", str(AS_OF))


def test_a_business_id_or_its_pseudonym_finds_the_list(
    ranked: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (CANARY, f" {CANARY} ", MINE):
        found = ran("recommend", user, "--dataset", "shop", *ranked, "--json")
        assert [i["item"] for i in json.loads(found.stdout)["recommendations"]] == ["i1", "i2"]
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


def test_a_lake_without_pseudonyms_takes_ids_as_they_are_and_follows_links_known_by_then(lake: Lake) -> None:
    lists = [{"as_of_date": AS_OF, "user_id": "ü003", "surface": "home", "rank": 1, "item_id": "i1"}]
    lake.replace(RANKING, frame(lake.spark, RANKING, lists).drop("as_of_date"), as_of_date=AS_OF, surface="home")
    options = ("--lake", lake.root, "--as-of", str(AS_OF), "--json")
    result = json.loads(ran("recommend", unicodedata.normalize("NFD", " ü003 "), *options).stdout)
    assert result["user"] == "ü003"
    since = {"w1": dt.datetime(2019, 5, 31, tzinfo=dt.UTC), "w2": dt.datetime(2019, 6, 1, tzinfo=dt.UTC)}
    links = [{"other_id": w, "user_id": "ü003", "consent": True, "known_at": at} for w, at in since.items()]
    lake.replace(IDENTITY_LINKS, frame(lake.spark, IDENTITY_LINKS, links).drop("dataset"), dataset="shop")
    assert json.loads(ran("recommend", "w1", *options).stdout)["user"] == "ü003"
    with pytest.raises(FuserankError, match="user 'w2' has no list"):
        ran("recommend", "w2", *options)


def test_a_user_to_whom_nothing_may_be_shown_has_an_empty_list_and_a_newcomer_none(lake: Lake) -> None:
    users: list[dict[str, Any]] = [{"user_id": f"u{n}", "user_index": n} for n in range(4)]
    users[1]["deleted_at"] = dt.datetime(2019, 5, 1, tzinfo=dt.UTC)
    lake.append(USER_DICTIONARY, frame(lake.spark, USER_DICTIONARY, users).drop("run_id"))
    listed = {"as_of_date": AS_OF, "user_id": "u2", "user_index": 2, "surface": "home", "rank": 1, "item_id": "i1"}
    lake.replace(
        RANKING, frame(lake.spark, RANKING, [listed]).drop("as_of_date", "run_id"), as_of_date=AS_OF, surface="home"
    )
    run = {"run_id": lake.run_id, "state": "succeeded", "metrics": {"ranking.k": 20.0}}
    lake.append(RUNS, frame(lake.spark, RUNS, [run]).drop("run_id"))
    options = ("--lake", lake.root, "--as-of", str(AS_OF))
    why = "0 of 20: all other items are already taken or disliked, or there are no more"
    assert ran("recommend", "u0", *options).stdout.splitlines() == ["user u0", why]
    assert json.loads(ran("recommend", "u0", *options, "--json").stdout) == {
        "user": "u0",
        "short": why,
        "recommendations": [],
    }
    assert ran("recommend", *options).stdout.startswith("user u2\n   1  ")  # nobody is named: some lists
    for user in ("u1", "u3", "nobody"):  # deleted; came after the run; not there at all
        with pytest.raises(FuserankError, match=f"user '{user}' has no list"):
            ran("recommend", user, *options)
    with pytest.raises(FuserankError, match="there are no lists on surface 'cart' as of 2019-06-01; there are on home"):
        ran("recommend", "u0", *options, "--surface", "cart")
