"""Columns that paths tell, as init puts them into a table: those that the chain reads."""

from __future__ import annotations

import pytest

from fuserank.sources.files.partitions import partition_values
from fuserank.sources.onboarding.scan.path_columns import tell_partitions


@pytest.mark.parametrize(
    "folders",
    ["day=2024-01-01", "a%3Ab c=1", "%c3%bc=x%20y", "a=1/b/a=3", "a=", "a=__HIVE_DEFAULT_PARTITION__", "a=%zz"],
)
def test_paths_tell_what_the_chain_reads_however_names_are_escaped(folders: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    values = partition_values(f"{folders}/f.csv")
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT ? AS _fuserank_path", [f"shop/a=0/{folders}/f.csv"])
        tell_partitions(database, "t", tuple(values))
        found = database.execute("SELECT * FROM t")
        assert dict(zip([d[0] for d in found.description], found.fetchall()[0], strict=True)) == values


def test_a_value_that_is_no_utf8_stays_as_it_is() -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        database.execute("CREATE TABLE t AS SELECT 'shop/a=%E4/f.csv' AS _fuserank_path")
        tell_partitions(database, "t", ("a",))
        assert database.execute("SELECT a FROM t").fetchall() == [("%E4",)]
