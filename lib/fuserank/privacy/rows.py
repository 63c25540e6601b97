"""Rows without ids of people: what bronze keeps where a mapping has pseudonyms, and what goes into the vault."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from fuserank.common.ids import normal_id
from fuserank.privacy.keys import Key
from fuserank.spellings.casting import without_nulls
from fuserank.tables.bronze import ENVELOPE, bronze_name

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import FilesConfig

NOT_KEPT = "not kept: the line may hold an id that has a pseudonym elsewhere"


def only_declared(frame: DataFrame, files: FilesConfig) -> DataFrame:
    """A file's rows without the columns that the mapping does not declare: they may
    hold anything, so they are not kept.
    """
    from pyspark.sql import functions as F

    columns = (F.col(f"`{c.replace('`', '``')}`") for c in files.columns if c in frame.columns)  # others are optional
    return frame.select(*columns, "_row", "_corrupt")


def without_ids(rows: DataFrame, files: FilesConfig, replaced: Collection[str], key: Key) -> DataFrame:
    """Bronze rows with their declared columns alone, ids in the columns ``replaced`` by their pseudonyms.

    Of a line that could not be parsed nothing is kept but its number: whose id is where in it is not known.
    """
    from pyspark.sql import functions as F

    readable, pseudonym = F.col("_corrupt").isNull(), pseudonym_of(key)
    columns = []
    for name in (n for n in files.columns if bronze_name(n) in rows.columns):
        cell = F.when(readable, _cell(name))
        hidden = pseudonym(_text(name, files, readable)) if name in replaced else cell
        columns.append(hidden.alias(bronze_name(name)))
    corrupt = F.when(~readable, F.lit(NOT_KEPT)).alias("_corrupt")
    return rows.select(*columns, *(corrupt if c.name == "_corrupt" else F.col(c.name) for c in ENVELOPE))


def vault_rows(rows: DataFrame, files: FilesConfig, users: Collection[str], key: Key) -> DataFrame:
    """``pseudonym`` and ``business_id`` of every user in the columns ``users``, each
    once; what came replaced has no id here.
    """
    from pyspark.sql import functions as F

    readable, normal = F.col("_corrupt").isNull(), F.udf(normal_id, "string", useArrow=True)
    texts = rows.select(
        F.explode(F.array(*(_text(c, files, readable) for c in sorted(users)))).alias("told")
    ).distinct()
    both = texts.select(pseudonym_of(key)(F.col("told")).alias("pseudonym"), normal("told").alias("business_id"))
    return both.where("business_id <> pseudonym").groupBy("pseudonym").agg(F.min("business_id").alias("business_id"))


def _cell(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(f"`{bronze_name(name)}`")


def _text(name: str, files: FilesConfig, readable: Column) -> Column:
    """An id as text; one of the words that say nothing is none, and gets no pseudonym."""
    from pyspark.sql import functions as F

    return F.when(readable, without_nulls(_cell(name), files.columns[name].nulls).cast("string"))


def pseudonym_of(key: Key):  # type: ignore[no-untyped-def]  # pyspark's own type of a function over columns
    """A kernel on executors: the key travels in its closure; an expression of
    Spark's would show it in every plan and log.
    """
    from pyspark.sql import functions as F

    def pseudonym(text: str | None) -> str | None:
        return key.of(text)

    return F.udf(pseudonym, "string", useArrow=True)
