"""What each source can point to: event ids and item ids, and the sentence that they carry.

Every function takes ``recommended`` (user_index, item_index, source) and gives (user_index, item_index, source,
reason, evidence) for those of its rows for which there is evidence; where the evidence goes, so does the reason. The
sentences stand in the sources' declarations; ``words``: what the shop's users did.
"""

from __future__ import annotations

import datetime as dt
from string import Formatter
from typing import TYPE_CHECKING

from fuserank.config.ranking import RankingConfig
from fuserank.history.words import BOUGHT, Words
from fuserank.registry.sources import SOURCES
from fuserank.stages.ranking.lists import MOST_TAKEN, NO_HISTORY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.registry.sources import Source

COLUMNS = ("user_index", "item_index", "source", "reason", "evidence")


def repeated(
    recommended: DataFrame, bought: DataFrame, source: Source, cfg: RankingConfig, words: Words = BOUGHT
) -> DataFrame:
    """Own history: the user's latest purchases of the item, as ``event:<id>``."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    mine = recommended.where(F.col("source") == source.name).select("user_index", "item_index")
    latest = Window.partitionBy("user_index", "item_index").orderBy(F.desc("event_time"), "event_id")
    own = bought.join(mine, ["user_index", "item_index"], "left_semi")
    numbered = own.withColumn("place", F.row_number().over(latest))
    named = F.when(
        F.col("place") <= cfg.evidence_events, F.struct("place", F.concat(F.lit("event:"), "event_id").alias("id"))
    )
    purchases = numbered.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("times"),
        F.max("event_date").alias("last"),
        F.sort_array(F.collect_list(named)).alias("ids"),
    )
    values = {name: F.col(name).cast("string") for name in ("times", "last")}
    reason = F.when(F.col("times") == 1, _sentence(words.say(source.text_once), **values)).otherwise(
        _sentence(words.say(source.text), **values)
    )
    return _evidence_rows(purchases, source.name, reason, F.col("ids.id"))


def linked(
    recommended: DataFrame,
    own: DataFrame,
    neighbours: DataFrame,
    names: DataFrame,
    source: Source,
    words: Words = BOUGHT,
) -> DataFrame:
    """Edges: the bought item that leads to this one by the strongest, as ``item:<id>``.
    ``own``: user_index, item_index; ``neighbours``: item_index, neighbour_index, similarity.
    """
    from pyspark.sql import functions as F

    mine = recommended.where(F.col("source") == source.name).select("user_index", F.col("item_index").alias("wanted"))
    links = neighbours.select(
        F.col("item_index").alias("from_item"), F.col("neighbour_index").alias("wanted"), "similarity"
    ).join(F.broadcast(mine.select("wanted").distinct()), "wanted", "left_semi")
    by_user = mine.join(own.select("user_index", F.col("item_index").alias("from_item")), "user_index")
    link = F.struct(F.col("similarity"), (-F.col("from_item")).alias("lower_first"))
    strongest = (
        by_user.join(links, ["wanted", "from_item"])
        .groupBy("user_index", "wanted")
        .agg(F.max(link).alias("link"))
        .select("user_index", F.col("wanted").alias("item_index"), (-F.col("link.lower_first")).alias("from_item"))
    )
    with_names = strongest.join(_called(names, "from_item", "from"), "from_item")
    return _evidence_rows(
        with_names, source.name, _sentence(words.say(source.text), item=F.col("from_name")), F.array("from_ref")
    )


def nearest(
    recommended: DataFrame, similar: DataFrame, names: DataFrame, source: Source, words: Words = BOUGHT
) -> DataFrame:
    """Vectors: own items whose factors are nearest. ``similar``: user_index, item_index, from_item,
    place (``similarity.nearest_own``)."""
    from pyspark.sql import functions as F

    mine = recommended.where(F.col("source") == source.name).select("user_index", "item_index")
    own_items = (
        similar.join(mine, ["user_index", "item_index"], "left_semi")
        .join(_called(names, "from_item", "from"), "from_item")
        .groupBy("user_index", "item_index")
        .agg(F.sort_array(F.collect_list(F.struct("place", "from_name", "from_ref"))).alias("own"))
    )
    return _evidence_rows(
        own_items,
        source.name,
        _sentence(words.say(source.text), items=F.array_join("own.from_name", " and ")),
        F.col("own.from_ref"),
    )


_SHARED = {
    "brand": "Of the same brand as",
    "category": "Of the same category as",
    "coupon": "On the same coupon as",
    "campaign": "In the same campaign as",
    "department": "From the same department as",
    "manufacturer_id": "By the maker of",
    "package_size": "Packed like",
    "product_type": "Of the same kind as",
    "promotion": "Promoted now, as is",
}


def walked(
    recommended: DataFrame, walks: DataFrame, names: DataFrame, source: Source, words: Words = BOUGHT
) -> DataFrame:
    """Walks: the own item that a walk led on from, and what both share.

    ``walks``: user_index, item_index, from_item, field.
    """
    from pyspark.sql import functions as F

    mine = recommended.where(F.col("source") == source.name).select("user_index", "item_index")
    with_names = walks.join(mine, ["user_index", "item_index"], "left_semi").join(
        _called(names, "from_item", "from"), "from_item"
    )
    alike = F.lit("Alike in kind to")
    for field, phrase in _SHARED.items():
        alike = F.when(F.col("field") == field, F.lit(phrase)).otherwise(alike)
    return _evidence_rows(
        with_names,
        source.name,
        _sentence(words.say(source.text), shared=alike, item=F.col("from_name")),
        F.array("from_ref"),
    )


_NEWCOMER = "No {noun} of yours to go by; among the most {participle} of all: {recent} {noun} in the last {days} days"
_FILLER = "To fill the list: {ever} {noun} by everyone so far"


def counted(
    recommended: DataFrame, counts: DataFrame, names: DataFrame, cfg: RankingConfig, words: Words = BOUGHT
) -> DataFrame:
    """Counts, for all sources whose reason they are, for no_history and for most_taken: purchases of the item by all
    users, as ``item:<id>``. Without recent purchases a source has nothing to show; the rows of newcomers and fillers
    always have a sentence.
    """
    from pyspark.sql import functions as F

    texts = {s.name: s.text for s in SOURCES if s.reason == "counts"}
    mine = recommended.where(F.col("source").isin(*texts, NO_HISTORY, MOST_TAKEN))
    with_counts = mine.join(counts, "item_index", "left").na.fill(0, ["recent", "earlier", "ever"])
    always = F.col("source").isin(NO_HISTORY, MOST_TAKEN)
    with_counts = with_counts.where((F.col("recent") > 0) | always).join(
        _called(names, "item_index", "own"), "item_index"
    )
    values = {
        "recent": F.format_number("recent", 0),
        "ever": F.format_number("ever", 0),
        "days": F.lit(str(cfg.popular_days)),
        "usual": F.format_number(F.round(F.col("earlier") * F.lit(cfg.popular_days / cfg.trend_days)).cast("long"), 0),
    }
    reason = _sentence(words.say(_NEWCOMER), **values)
    for source, text in (*texts.items(), (MOST_TAKEN, _FILLER)):
        reason = F.when(F.col("source") == source, _sentence(words.say(text), **values)).otherwise(reason)
    return with_counts.select(
        "user_index", "item_index", "source", reason.alias("reason"), F.array("own_ref").alias("evidence")
    )


def item_counts(bought: DataFrame, as_of: dt.date, cfg: RankingConfig) -> DataFrame:
    """item_index, recent, earlier and ever (long): purchases in the last days before
    as_of, in those before them, and in all.
    """
    from pyspark.sql import functions as F

    age = F.datediff(F.lit(as_of), F.col("event_date"))
    return bought.groupBy("item_index").agg(
        F.count_if(age <= cfg.popular_days).alias("recent"),
        F.count_if((age > cfg.popular_days) & (age <= cfg.popular_days + cfg.trend_days)).alias("earlier"),
        F.count(F.lit(1)).alias("ever"),
    )


def item_names(dictionary: DataFrame, items: DataFrame) -> DataFrame:
    """item_index, item_id, item_name (null where the catalogue does not know the item)."""
    from pyspark.sql import functions as F

    named = items.select("item_id", F.col("name").alias("item_name"))
    return dictionary.select("item_index", "item_id").join(named, "item_id", "left")


def _called(names: DataFrame, index: str, prefix: str) -> DataFrame:
    """``index``, ``<prefix>_name`` and ``<prefix>_ref`` of every item."""
    from pyspark.sql import functions as F

    called = F.coalesce("item_name", F.concat(F.lit("item "), "item_id"))
    return names.select(
        F.col("item_index").alias(index),
        called.alias(f"{prefix}_name"),
        F.concat(F.lit("item:"), "item_id").alias(f"{prefix}_ref"),
    )


def _sentence(text: str, **values: Column) -> Column:
    """``text`` with each name in braces replaced by the column of ``values``."""
    from pyspark.sql import functions as F

    parts: list[Column] = []
    for words, name, _, _ in Formatter().parse(text):
        parts += [F.lit(words)] if words else []
        parts += [values[name]] if name else []
    return F.concat(*parts)


def _evidence_rows(frame: DataFrame, source: str, reason: Column, evidence: Column) -> DataFrame:
    from pyspark.sql import functions as F

    return frame.select(
        "user_index", "item_index", F.lit(source).alias("source"), reason.alias("reason"), evidence.alias("evidence")
    )
