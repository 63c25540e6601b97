"""A shop's size, and the quantities that every coefficient is a price of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fuserank.config.settings import Settings
from fuserank.history.windows import held_out_days
from fuserank.pipeline.coefficients import ROWS
from fuserank.registry.sources import SOURCES
from fuserank.tables.candidates import CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.vectors import VECTORS


@dataclass(frozen=True)
class Shop:
    """How much there is (counts), and how much of it is new.

    ``new_rows``: rows that bronze and silver tables will get, by the table's name;
    a file that is in already brings none.
    """

    events: int
    users: int
    items: int
    promotions: int = 0
    new_rows: Mapping[str, int] = field(default_factory=dict)


def guessed_users(events: int) -> int:
    """Users of a shop of which only the events are known."""
    return max(1, round(events / ROWS["events_per_user"]))


def guessed_items(events: int, catalogue: int) -> int:
    """Items with an event, where the catalogue's length is known (0: it is not)."""
    return max(1, round(catalogue * ROWS["items_per_catalogue_row"] if catalogue else events / ROWS["events_per_item"]))


def table_rows(shop: Shop, settings: Settings) -> dict[str, float]:
    """Rows that one step writes into each table: of one date for candidates, of the run for the rest."""
    sources = source_rows(shop, settings)
    candidates, users = sum(sources.values()), float(shop.users)
    pairs, days = _pairs(shop), len(held_out_days(settings.windows.label_days))
    train, valid, rank = (
        _samples(candidates, share) for share in (_drawn(shop, settings), _drawn(shop, settings), 1.0)
    )
    train *= _share_after_thinning(settings)
    co_purchase, written = settings.candidates.co_purchase, _written(settings)
    return {
        **{table: float(rows) for table, rows in shop.new_rows.items()},
        "features.user": users * days,
        "features.user_history": users * days,
        "features.user_item": pairs * days,
        "features.user_attribute": pairs * ROWS["attributes_per_pair"] * days,
        "features.item": shop.items * ROWS["items_known_share"] * days,
        "features.store_item": _store_items(shop) * days,
        "candidates.candidates": candidates,
        FACTORS.name: (users + shop.items * ROWS["items_known_share"]) * written[FACTORS.name],
        CO_PURCHASE.name: shop.items * co_purchase.neighbours * ROWS["neighbours_share"] * written[CO_PURCHASE.name],
        LEARNED.name: pairs * written[LEARNED.name],
        "samples.samples": train + valid + rank,
        "models.registry": float(len(settings.models.use)),
        VECTORS.name: (users + shop.items * ROWS["items_known_share"])
        * len(settings.models.use)
        * settings.models.vectors,
        "scores.scores": (valid + rank) * len(settings.models.use),
        "fusion.fused": rank,
        "fusion.fitted": float(len(sources) + len(settings.models.use) + 1),
        "ranking.ranking": users * settings.ranking.k,
    }


def _pairs(shop: Shop) -> float:
    """Pairs of user and item, of one date."""
    return shop.events * ROWS["pairs_per_event"]


def _store_items(shop: Shop) -> float:
    """Items sold or promoted in each store, of one date."""
    return shop.promotions * ROWS["store_items_per_promotion"]


def source_rows(shop: Shop, settings: Settings) -> dict[str, float]:
    """Candidates of one date by source: quotas, as far as users have so much to propose."""
    cfg = settings.candidates.within(shop.users, round(_pairs(shop)))
    filled = {name: ROWS.get(f"{name}_filled", 1.0) for name in cfg.sources}  # 1: it fills its quota
    return {name: shop.users * min(cfg.quota(name), shop.items) * filled[name] for name in cfg.sources}


def _written(settings: Settings) -> Counter[str | None]:
    """How many of the sources write each table of what they propose from."""
    return Counter(SOURCES[name].writes for name in settings.candidates.sources)


def quantities(shop: Shop, settings: Settings) -> dict[str, float]:
    """What the coefficients are prices of (counts); ``fixed`` is one."""
    rows, als = table_rows(shop, settings), settings.candidates.als
    candidates = rows["candidates.candidates"]
    train = _samples(candidates, _drawn(shop, settings)) * _share_after_thinning(settings)
    items = shop.items * ROWS["items_known_share"]
    with_als = _written(settings)[FACTORS.name] > 0
    passes = als.factors * als.iterations * (als.cg_steps + 1)
    return {
        "fixed": 1.0,
        "events": float(shop.events),
        "promotions": float(shop.promotions),
        "users": float(shop.users),
        "items": float(shop.items),
        "item_factors": items * als.factors if with_als else 0.0,
        "user_factors": float(shop.users * als.factors) if with_als else 0.0,
        "als_steps": _pairs(shop) * passes if with_als else 0.0,
        "products": shop.users * items * als.factors if with_als else 0.0,
        "candidates": candidates,
        "learned": rows[LEARNED.name],
        "block_entries": _block_entries(shop, settings),
        "neighbours": rows[CO_PURCHASE.name],
        "store_items": _store_items(shop),
        "samples": rows["samples.samples"],
        "trained": train * sum(settings.training_of(name).epochs for name in settings.models.use),
        "scored": rows["scores.scores"],
        "shard_rows": rows["fusion.fused"] / settings.samples.shards,
        "train_shard_rows": train / settings.samples.shards,
        "fit_rows": min(settings.fit_users, shop.users) * candidates / max(shop.users, 1),
        "listed": rows["ranking.ranking"],
        "new_bronze": float(sum(n for t, n in shop.new_rows.items() if t.startswith("bronze."))),
        "new_events": float(shop.new_rows.get("silver.events", 0)),
        "new_promotions": float(shop.new_rows.get("silver.promotions", 0)),
    }


def _block_entries(shop: Shop, settings: Settings) -> float:
    """Lines of baskets that one block of co_purchase holds: a basket goes to each block that it has
    an item of. Takes the events for a year's.
    """
    cfg = settings.candidates.co_purchase
    if not _written(settings)[CO_PURCHASE.name]:
        return 0.0
    in_window = shop.events * min(1.0, cfg.window_days / 365)
    return in_window * min(ROWS["items_per_basket"], cfg.blocks) / cfg.blocks


def _samples(candidates: float, share: float) -> float:
    """Distinct pairs of users and items among the candidates of a share of the users."""
    return candidates * ROWS["pairs_per_candidate"] * share


def _drawn(shop: Shop, settings: Settings) -> float:
    """The share of the users whose rows train."""
    return min(1.0, (settings.samples.users or shop.users) / max(shop.users, 1))


def _share_after_thinning(settings: Settings) -> float:
    """The share of the train split that thinning keeps."""
    positive = ROWS["positive_share"]
    return positive + (1 - positive) * settings.samples.negative_rate
