"""`fuserank quarantine`: rows counted, shown, and taken in once mapping or files were fixed; each exactly once."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fuserank.tables import silver as t
from fuserank.tables.ops import INGESTED, QUARANTINE
from fuserank.usecases.quarantine import QuarantineError
from tests.support.cli import ran
from tests.support.lakes import copied, fresh_root

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.io.lake.lake import Lake

HEAD = "line,user,item,time,paid\n"
GOOD = [f"{n},u{n % 3},i{n % 2},2019-05-0{1 + n} 10:00:00,{n}.50" for n in range(1, 5)]
BAD = [
    "5,u1,i1,2019-05-06 10:00:00,110",
    "6,u1,i2,2019-05-06 11:00:00,150",
    "7,,i2,2019-05-06 12:00:00,1",
    "1,u9,i9,2019-05-07 10:00:00,1",
]


class Shop:
    """Sales and campaigns in CSV, their mapping, a lake, and commands about them.

    ``like``: another one, with whose files and lake it begins; ``campaigns``: false where there are sales alone.
    """

    def __init__(self, spark: SparkSession, folder: Path, like: Shop | None = None, campaigns: bool = True) -> None:
        self.spark, self.folder, self.campaigns = spark, folder, campaigns
        self.lake_root = copied(like.lake_root) if like else fresh_root()
        if like:
            shutil.copytree(like.folder, folder, dirs_exist_ok=True)
        else:
            shutil.copytree(Path(__file__).resolve().parents[2] / "conf", folder / "conf")
            self.write("sales", HEAD + "\n".join(GOOD + BAD) + "\n")
            self.write("campaigns", "campaign,start,end\nc1,2019-05-01,2019-05-08\n")
            self.write("sent", "campaign,user\nc1,u1\nc2,u2\n")
        self.limits({"too_dear": 100})

    def write(self, table: str, text: str) -> None:
        (self.folder / f"{table}.csv").write_text(text, encoding="utf-8")

    def limits(self, named: dict[str, int]) -> None:
        """The mapping, with these rules about what may be paid."""
        columns: dict[str, dict[str, Any]] = {
            "sales": {"line": "string", "user": "string", "item": "string", "time": "timestamp", "paid": "decimal"},
            "campaigns": {"campaign": "string", "start": "date", "end": "date"},
            "sent": {"campaign": "string", "user": "string"},
        }
        if not self.campaigns:
            columns = {"sales": columns["sales"]}
        files: dict[str, Any] = {n: {"path": f"{n}.csv", "format": "csv", "columns": c} for n, c in columns.items()}
        files["sales"]["rules"] = [{"name": n, "column": "paid", "op": "<=", "value": v} for n, v in named.items()]
        mapping = {
            "name": "shop",
            "time_zone": "Europe/Berlin",
            "currency": {"code": "EUR"},
            "as_of": "2019-06-01",
            "root": {"folder": str(self.folder)},
            "files": files,
            "events": [
                {
                    "from": "sales",
                    "type": "purchase",
                    "role": "feedback",
                    "user": "user",
                    "item": "item",
                    "time": "time",
                    "key": ["line"],
                    "amount": {"column": "paid", "unit": "major"},
                }
            ],
            "dimensions": {
                "campaigns": {
                    "from": "campaigns",
                    "campaign": "campaign",
                    "start": "start",
                    "end": "end",
                    "known_at": {"column": "start"},
                },
                "campaign_users": {
                    "from": "sent",
                    "campaign": "campaign",
                    "user": "user",
                    "known_at": {"campaign": "campaign"},
                },
            },
        }
        if not self.campaigns:
            del mapping["dimensions"]
        (self.folder / "conf" / "datasets" / "shop.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")

    def take_in(self) -> None:
        """Bronze and silver, as a run does them."""
        from fuserank.config.settings import load
        from fuserank.io.runtime.run import open_run
        from fuserank.jobs import bronze, silver

        settings = load("local", ["dataset=shop", f"lake={self.lake_root}", "run.quiet=true"])
        with open_run("test", settings, settings.as_of) as run:
            for job in (bronze, silver):
                job.execute(run, settings.as_of)

    def printed(self, *words: str) -> str:
        return ran("quarantine", *words, "--lake", self.lake_root).stdout

    def retried(self, *words: str) -> dict[str, dict[str, Any]]:
        result = json.loads(self.printed("retry", "--dataset", "shop", "--set", "run.quiet=true", "--json", *words))
        return {f.pop("table"): f for f in result["tables"]}

    @property
    def lake(self) -> Lake:
        from fuserank.io.lake.lake import Lake

        return Lake(self.spark, self.lake_root, "test")

    def events(self) -> list[str]:
        """Items of the events in the order of their lines."""
        return [r["item_id"] for r in self.lake.read(t.EVENTS).orderBy("event_time").collect()]

    def states(self) -> dict[tuple[int, str], str | None]:
        """Row and rule → how the row of sales was resolved."""
        rows = self.lake.read(QUARANTINE).where("source_table = 'sales'").collect()
        found = {(r["row"], r["rule"]): r["resolution"] for r in rows}
        assert len(found) == len(rows)
        return found


@pytest.fixture
def new_shop(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    return Shop(spark, tmp_path, campaigns=False)


@pytest.fixture(scope="module")
def ingested(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose files were taken in; tests get copies of it."""
    folder = tmp_path_factory.mktemp("ingested")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(folder / "conf"))
        shop = Shop(spark, folder)
        shop.take_in()
    return shop


@pytest.fixture
def shop(spark: SparkSession, ingested: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv("FUSERANK_CONF", str(tmp_path / "conf"))
    return Shop(spark, tmp_path, like=ingested)


def test_rows_are_counted_by_rule_and_shown_as_they_came(shop: Shop) -> None:
    found = json.loads(shop.printed("list", "--json"))["quarantine"]
    assert [(g["table"], g["rule"], g["column"], g["rows"], g["state"]) for g in found] == [
        ("sales", "too_dear", "paid", 2, "open"),
        ("sales", "duplicate_event", None, 1, "open"),
        ("sales", "no_user", "user", 1, "open"),
        ("sent", "not_known_at", "campaign", 1, "open"),
    ]
    listed = shop.printed("list").splitlines()
    assert listed[0].split() == ["data", "set", "table", "rule", "column", "rows", "files", "first", "last"]
    assert listed[-1] == "5 open rows; look at them: fuserank quarantine show --table sales --rule too_dear"
    assert shop.printed("list", "--dataset", "other").startswith("no open rows")

    head, names, first, second = shop.printed("show", "--rule", "too_dear").splitlines()
    assert head == "shop sales: too_dear in paid: breaks the mapping's rule paid <= 100"
    assert names.split() == ["file", "row", "item", "line", "paid", "time", "user"]  # bronze sorts
    assert [r.split() for r in (first, second)] == [
        ["sales.csv", "4", "i1", "5", "110", "2019-05-06", "10:00:00", "u1"],
        ["sales.csv", "5", "i2", "6", "150", "2019-05-06", "11:00:00", "u1"],
    ]
    assert first.index("110") == second.index("150") == names.index("paid")
    assert "the first 1 of 2 rows" in shop.printed("show", "--rule", "too_dear", "--limit", "1")
    result = json.loads(shop.printed("show", "--table", "sent", "--json"))
    assert (result["total"], result["rows"][0]["payload"]) == (1, {"campaign": "c2", "user": "u2"})
    with pytest.raises(
        QuarantineError, match=r"no open rows in quarantine of rule 'dear'; there are: .*no_user in sales of shop"
    ):
        shop.printed("show", "--rule", "dear")
    with pytest.raises(
        QuarantineError, match="completejourney has no open rows in quarantine; shop has: name it by --dataset"
    ):
        shop.printed("retry")


def test_after_the_mapping_was_fixed_each_good_row_is_in_once_and_the_others_stay_open(shop: Shop) -> None:
    from fuserank.io.lake.digest import digest

    assert shop.events() == ["i1", "i0", "i1", "i0"]
    none = {"replaced": 0, "newer": []}
    shop.limits({"far_too_dear": 120})
    before = shop.lake.version(QUARANTINE), shop.lake.version(t.EVENTS)
    foreseen = shop.retried("--dry-run")["sales"]
    assert foreseen == {"fixed": 1, "other_rule": 1, "open": 2, **none}
    assert (shop.lake.version(QUARANTINE), shop.lake.version(t.EVENTS)) == before

    assert shop.retried()["sales"] == foreseen | {"open": 3}  # with the one that is open by its new rule
    assert shop.events() == ["i1", "i0", "i1", "i0", "i1"]
    assert shop.states() == {
        (4, "too_dear"): "fixed",
        (5, "too_dear"): "other_rule",
        (5, "far_too_dear"): None,
        (6, "no_user"): None,
        (7, "duplicate_event"): None,
    }
    whole = [digest(shop.lake.read(x), x) for x in (t.EVENTS, QUARANTINE, t.USER_DICTIONARY)]
    assert shop.retried()["sales"] == {"fixed": 0, "other_rule": 0, "open": 3, **none}
    assert [digest(shop.lake.read(x), x) for x in (t.EVENTS, QUARANTINE, t.USER_DICTIONARY)] == whole
    marks = shop.lake.read(INGESTED).select(*INGESTED.keys)
    assert marks.count() == marks.distinct().count()
    assert {"fixed", "other_rule", "open"} <= set(shop.printed("list", "--all").split())

    shop.limits({"too_dear": 100, "dearest": 1000})  # a plain run looks again too: what is bad again is open again
    shop.take_in()
    assert shop.states()[4, "too_dear"] is None
    assert shop.states()[5, "too_dear"] is None
    assert shop.states()[5, "far_too_dear"] == "other_rule"


@pytest.mark.proof
def test_after_the_file_was_fixed_its_rows_are_replaced_by_those_of_the_newer_one(shop: Shop) -> None:
    fixed = [row.replace("7,,", "7,u7,").replace("1,u9,i9", "8,u9,i9") for row in GOOD + BAD]
    shop.write("sales", HEAD + "\n".join(fixed) + "\n")
    shop.take_in()
    assert shop.events() == ["i1", "i0", "i1", "i0", "i2", "i9"]
    foreseen = shop.retried("--dry-run")["sales"]  # of the event that came twice the newer file has the last word
    assert (foreseen["newer"], foreseen["fixed"], foreseen["replaced"], foreseen["open"]) == (["sales.csv"], 1, 0, 5)
    lines = shop.printed("retry", "--dataset", "shop", "--files", "--set", "run.quiet=true").splitlines()
    assert lines[0] == "sales: 1 fixed, 3 replaced by a newer file, 2 open"
    assert shop.events() == ["i1", "i0", "i1", "i0", "i2", "i9"]
    shop.limits({"too_dear": 100, "dearest": 1000})
    shop.take_in()  # all is looked at again: what was replaced stays so
    rows = shop.lake.read(QUARANTINE).where("source_table = 'sales'").collect()
    assert sorted((r["rule"], r["resolution"]) for r in rows if r["resolution"]) == [
        ("duplicate_event", "fixed"),
        ("no_user", "replaced"),
        ("too_dear", "replaced"),
        ("too_dear", "replaced"),
    ]
    assert sorted(r["rule"] for r in rows if not r["resolution"]) == ["too_dear", "too_dear"]


@pytest.mark.proof
def test_rows_that_waited_for_another_table_come_in_by_a_retry_alone(shop: Shop) -> None:
    shop.write("campaigns", "campaign,start,end\nc1,2019-05-01,2019-05-08\nc2,2019-05-02,2019-05-09\n")
    counts = shop.retried("--files")
    assert (counts["sent"]["fixed"], counts["sent"]["open"]) == (1, 0)
    sent = shop.lake.read(t.CAMPAIGN_USERS).collect()
    assert sorted((r["campaign_id"], r["user_id"]) for r in sent) == [("c1", "u1"), ("c2", "u2")]


def test_a_lake_from_before_rows_could_be_resolved_gets_the_columns(new_shop: Shop) -> None:
    columns = tuple(c for c in QUARANTINE.columns if not c.name.startswith("resol"))
    old = dataclasses.replace(QUARANTINE, columns=columns, not_in_digest=("run_id",))
    new_shop.lake.ensure(old)
    assert "nothing" in new_shop.printed("list", "--all")
    new_shop.take_in()
    new_shop.limits({})
    assert new_shop.retried()["sales"]["fixed"] == 2
    assert new_shop.lake.read(QUARANTINE).columns == list(QUARANTINE.column_names)
