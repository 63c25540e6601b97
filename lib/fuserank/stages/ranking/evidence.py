"""What each source can point to: event ids and item ids, and the sentence that they carry.

Every function gives (user_index, item_index, source, reason, evidence) for those of the rows it is asked about
(user_index, item_index, source) for which there is evidence; where the evidence goes, so does the reason. Sentences
and who says them stand in the sources' declarations; ``words``: what the shop's users did.
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


def repeated(asked: DataFrame, bought: DataFrame, who: Source, cfg: RankingConfig, words: Words = BOUGHT) -> DataFrame:
    """Own history: the user's latest purchases of the item, as ``event:<id>``."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    mine = asked.where(F.col("source") == who.name).select("user_index", "item_index")
    latest = Window.partitionBy("user_index", "item_index").orderBy(F.desc("event_time"), "event_id")
    own = bought.join(mine, ["user_index", "item_index"], "left_semi")
    numbered = own.withColumn("place", F.row_number().over(latest))
    named = F.when(
        F.col("place") <= cfg.evidence_events, F.struct("place", F.concat(F.lit("event:"), "event_id").alias("id"))
    )
    told = numbered.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("times"),
        F.max("event_date").alias("last"),
        F.sort_array(F.collect_list(named)).alias("ids"),
    )
    said = {name: F.col(name).cast("string") for name in ("times", "last")}
    reason = F.when(F.col("times") == 1, _sentence(words.say(who.text_once), **said)).otherwise(
        _sentence(words.say(who.text), **said)
    )
    return _told(told, who.name, reason, F.col("ids.id"))


def linked(
    asked: DataFrame, own: DataFrame, neighbours: DataFrame, names: DataFrame, who: Source, words: Words = BOUGHT
) -> DataFrame:
    """Edges: the bought item that leads to this one by the strongest, as ``item:<id>``.
    ``own``: user_index, item_index; ``neighbours``: item_index, neighbour_index, similarity.
    """
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == who.name).select("user_index", F.col("item_index").alias("wanted"))
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
    told = strongest.join(_called(names, "from_item", "from"), "from_item")
    return _told(told, who.name, _sentence(words.say(who.text), item=F.col("from_name")), F.array("from_ref"))


def nearest(asked: DataFrame, similar: DataFrame, names: DataFrame, who: Source, words: Words = BOUGHT) -> DataFrame:
    """Vectors: own items whose factors are nearest. ``similar``: user_index, item_index, from_item,
    place (``similarity.nearest_own``)."""
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == who.name).select("user_index", "item_index")
    told = (
        similar.join(mine, ["user_index", "item_index"], "left_semi")
        .join(_called(names, "from_item", "from"), "from_item")
        .groupBy("user_index", "item_index")
        .agg(F.sort_array(F.collect_list(F.struct("place", "from_name", "from_ref"))).alias("own"))
    )
    return _told(
        told,
        who.name,
        _sentence(words.say(who.text), items=F.array_join("own.from_name", " and ")),
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


def walked(asked: DataFrame, walks: DataFrame, names: DataFrame, who: Source, words: Words = BOUGHT) -> DataFrame:
    """Walks: the own item that a walk led on from, and what both share.

    ``walks``: user_index, item_index, from_item, field.
    """
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == who.name).select("user_index", "item_index")
    told = walks.join(mine, ["user_index", "item_index"], "left_semi").join(
        _called(names, "from_item", "from"), "from_item"
    )
    alike = F.lit("Alike in kind to")
    for field, said in _SHARED.items():
        alike = F.when(F.col("field") == field, F.lit(said)).otherwise(alike)
    return _told(
        told, who.name, _sentence(words.say(who.text), shared=alike, item=F.col("from_name")), F.array("from_ref")
    )


_NEWCOMER = "No {noun} of yours to go by; among the most {participle} of all: {recent} {noun} in the last {days} days"
_FILLER = "To fill the list: {ever} {noun} by everyone so far"


def counted(
    asked: DataFrame, counts: DataFrame, names: DataFrame, cfg: RankingConfig, words: Words = BOUGHT
) -> DataFrame:
    """Counts, of all sources that give them as a reason, of no_history and of most_taken: purchases of the
    item by everyone, as ``item:<id>``. Without recent ones a source has nothing to show; the row of a
    newcomer and a filler say so either way.
    """
    from pyspark.sql import functions as F

    texts = {s.name: s.text for s in SOURCES if s.reason == "counts"}
    mine = asked.where(F.col("source").isin(*texts, NO_HISTORY, MOST_TAKEN))
    told = mine.join(counts, "item_index", "left").na.fill(0, ["recent", "earlier", "ever"])
    always = F.col("source").isin(NO_HISTORY, MOST_TAKEN)
    told = told.where((F.col("recent") > 0) | always).join(_called(names, "item_index", "own"), "item_index")
    said = {
        "recent": F.format_number("recent", 0),
        "ever": F.format_number("ever", 0),
        "days": F.lit(str(cfg.popular_days)),
        "usual": F.format_number(F.round(F.col("earlier") * F.lit(cfg.popular_days / cfg.trend_days)).cast("long"), 0),
    }
    reason = _sentence(words.say(_NEWCOMER), **said)
    for source, text in (*texts.items(), (MOST_TAKEN, _FILLER)):
        reason = F.when(F.col("source") == source, _sentence(words.say(text), **said)).otherwise(reason)
    return told.select(
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


def _sentence(text: str, **said: Column) -> Column:
    """``text`` with what stands in braces said by each row."""
    from pyspark.sql import functions as F

    parts: list[Column] = []
    for words, name, _, _ in Formatter().parse(text):
        parts += [F.lit(words)] if words else []
        parts += [said[name]] if name else []
    return F.concat(*parts)


def _told(frame: DataFrame, source: str, reason: Column, evidence: Column) -> DataFrame:
    from pyspark.sql import functions as F

    return frame.select(
        "user_index", "item_index", F.lit(source).alias("source"), reason.alias("reason"), evidence.alias("evidence")
    )
