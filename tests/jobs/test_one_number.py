"""Before a ranking is published, some users are worked out again, each by itself: what differs is named."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuserank.common.errors import FuserankError
from fuserank.tables import features as f
from fuserank.tables.results import PUBLISHED, SCORES
from fuserank.tables.samples import SAMPLES
from tests.support.tinychain import copied, settings
from tests.support.tinyshop import AS_OF

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table

DAY = dt.date.fromisoformat(AS_OF)


def change(run: Run, table: Table, column: str, **where: object) -> None:
    """One more in a column of all rows of a slice."""
    from pyspark.sql import functions as F

    rows = run.lake.read(table, as_of_date=DAY, **where)
    changed = rows.withColumn(column, (F.col(column) + 1).cast(rows.schema[column].dataType)).drop("run_id").persist()
    run.lake.replace(table, changed.drop("as_of_date", *where), as_of_date=DAY, **where)


def test_what_a_shop_does_not_tell_differs_in_nothing_and_rows_that_are_missing_do() -> None:
    import pyarrow as pa

    from fuserank.jobs.parts.one_number import first_difference

    rows = pa.table({"user_index": [3], "count": [1]})
    assert first_difference("t", ["user_index"], None, rows.slice(0, 0)) is None
    assert first_difference("t", ["user_index"], rows, rows) is None
    missing = first_difference("t", ["user_index"], None, rows)
    assert missing == "t has 1 rows of these users, and by themselves they have 0"
    other = pa.table({"user_index": [3], "count": [2]})
    found = first_difference("t", ["user_index"], other, rows)
    assert found == "t: count of user_index 3 is 1 in the lake, and 2 for the user by itself"


@pytest.mark.slow
def test_a_ranking_is_published_where_users_by_themselves_are_as_in_the_batch_and_not_where_one_differs(
    tiny_chain: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fuserank.io.runtime.run import open_run
    from fuserank.jobs import publish
    from fuserank.jobs.parts import one_number

    monkeypatch.setenv("FUSERANK_CONF", str(tiny_chain / "conf"))
    lake = copied(tiny_chain, "one-number")
    published = lake / PUBLISHED.name.replace(".", "/")
    assert published.is_dir()
    shutil.rmtree(published)
    of = settings(tiny_chain, lake.name, "run.quiet=false")
    with open_run("publish", of, DAY) as run:
        kind = run.settings.models.use[0]
        one_number.require_scores(run, DAY, kind)
        publish.execute(run, DAY)
        assert "scores of 20 users, each by itself, are those of the batch" in capsys.readouterr().err
        shutil.rmtree(published)
        with monkeypatch.context() as patch:
            patch.setattr(one_number, "find_spec", lambda name: None)
            publish.execute(run, DAY)
        said_less = capsys.readouterr().err
        assert "scores are not worked out again: torch is not installed here" in said_less
        assert "features, samples of 20 users" in said_less
        shutil.rmtree(published)
        for table, column, where, words in (
            (SCORES, "logit", {"split": "rank", "kind": kind}, f"scores.scores of {kind}: logit of user_index"),
            (SAMPLES, "pair_baskets_log1p", {"split": "rank"}, "samples.samples: pair_baskets_log1p of user_index"),
            (f.USER_ATTRIBUTE, "baskets_count", {}, "features.user_attribute: baskets_count of user_index"),
            (f.USER, "baskets_count", {}, "features.user: baskets_count of user_index"),
        ):
            change(run, table, column, **where)
            if table is SCORES:
                with pytest.raises(FuserankError, match=f"{words} .* by itself; the model's score depends"):
                    one_number.require_scores(run, DAY, kind)
            with pytest.raises(FuserankError, match=f"not published: {words} .* in the lake, and .* by itself; run "):
                publish.execute(run, DAY)
            assert run.lake.version(PUBLISHED) < 0
