"""A stream that makes lists anew: as of the snapshot's day what is there, with an event what it tells."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.serving.store import renewed, snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.collecting import segment
from tests.support.tinychain import copied, settings
from tests.support.tinyshop import AS_OF

DAY = dt.date.fromisoformat(AS_OF)


def sale(customer: str, sku: str, at: str) -> dict[str, Any]:
    return {"customer": customer, "at": at, "qty": 1, "paid": "2.50", "off": "0.00", "sku": sku, "basket": "b1"}


@pytest.mark.slow
def test_the_list_of_a_user_whose_event_comes_is_that_of_the_model_as_of_the_day_after(
    tiny_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pyspark.sql import functions as F

    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import publish_store
    from fuserank.jobs.parts.renewals import Renewals
    from fuserank.jobs.parts.stream_query import Stream
    from fuserank.tables.results import FITTED

    monkeypatch.setenv("FUSERANK_CONF", str(tiny_chain / "conf"))
    lake, inbox = copied(tiny_chain, "renewals"), tmp_path / "inbox"
    words = ("run.quiet=false", f"store.path={tmp_path / 'store'}", f"serving.inbox={inbox}", "stream.once=true")
    of = settings(tiny_chain, lake.name, *words, "stream.renew_users=3")
    dataset = load_dataset("tinyshop")
    with open_run("stream", of, DAY) as run:
        with pytest.raises(FuserankError, match=r"nothing is in the store .*; run jobs/publish_store\.py, or --set"):
            Renewals(run)
        publish_store.execute(run, DAY)
        of_store = LmdbStore(tmp_path / "store", "home")
        every = {f"ü{n:03d}": of_store.user(f"ü{n:03d}") for n in range(40)}
        segment(tmp_path, 1, sale("ü007", "sku-003", "2024-07-20T10:00:00Z"), table="sales")
        Stream(run, dataset).go()
        log = capsys.readouterr().err
        assert "lists of 3 users are made anew" in log
        assert run.metrics["stream_renewed"] >= 40
        assert "stream_renew_refused" not in run.metrics
        of_store.refresh()
        mine = of_store.user("ü007")
        assert mine is not None
        assert mine.until == "2024-07-21"
        names = of_store.manifest.features
        then, now = (dict(zip(names, one.features, strict=True)) for one in (every["ü007"], mine))
        assert now["since_last_days"] == 1
        assert now["baskets_count"] > then["baskets_count"]
        (item,) = of_store.indices(["sku-003"])
        assert mine.history[0] == item
        assert {row.item_index for row in mine.rows} == {row.item_index for row in every["ü007"].rows}
        assert [row.parts["fnn"] for row in mine.rows] != [row.parts["fnn"] for row in every["ü007"].rows]
        assert all(abs(sum(row.parts.values()) - row.score) < 1e-9 for row in mine.rows)
        place = snapshot.place_of(tmp_path / "store", "home") / of_store.manifest.name
        before = renewed.files(place)
        weights = run.lake.read(FITTED, as_of_date=DAY).withColumn("weight", F.col("weight") / 2).persist()
        run.lake.replace(FITTED, weights.drop("as_of_date", "run_id"), as_of_date=DAY)
        assert Renewals(run).go() == 0
        assert run.metrics["stream_renew_refused"] == 1
        assert renewed.files(place) == before
        assert "20 of 20 users are not what it has as of its own day" in capsys.readouterr().err
    of_store.close()
