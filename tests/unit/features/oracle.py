"""The features of a small world by plain loops over plain rows: slow, obvious, and without Spark."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from fuserank.config.features import FeaturesConfig
from fuserank.tables import features as t
from fuserank.tables import silver
from tests.support.rows import row

Row = dict[str, Any]
World = dict[str, list[Row]]  # events, items, users, promotions: rows of the silver tables, with the future in them


def features(world: World, cfg: FeaturesConfig, as_of: dt.date) -> dict[str, dict[tuple[Any, ...], Row]]:
    """Every feature table by name: key → row, from what was known before 00:00 UTC of ``as_of``."""
    now = dt.datetime.combine(as_of, dt.time(), dt.UTC)
    past = {name: [r for r in full(name, rows) if r["known_at"] < now] for name, rows in world.items()}
    baskets = _baskets(past["events"], as_of)
    pairs = _pairs(baskets)
    indices = {r["item_id"]: int(r["item_id"][1:]) for rows in (past["items"], past["promotions"]) for r in rows}
    bought = {i for _, i in pairs}
    catalogue = {indices[r["item_id"]]: r for r in past["items"] if indices[r["item_id"]] in bought}
    week = [r for r in past["promotions"] if 0 < (as_of - r["week_start"]).days <= cfg.promotion_days]
    items = _items(baskets, pairs, catalogue, week, indices, cfg)
    attributes = _attributes(baskets, items)
    users = _users(baskets, pairs, attributes, items, past["users"], cfg)
    return {
        t.ITEM.name: {(i,): row for i, row in items.items()},
        t.USER_ATTRIBUTE.name: attributes,
        t.USER_ITEM.name: _user_items(pairs, items, attributes),
        t.USER.name: {(u,): row for u, row in users.items()},
        t.USER_HISTORY.name: _histories(pairs),
        t.STORE_ITEM.name: _stores(baskets, users, bought, week, indices, cfg),
    }


def full(name: str, rows: list[Row]) -> list[Row]:
    return [row(next(table for table in silver.TABLES if table.name == f"silver.{name}"), **r) for r in rows]


def decayed(ages: Iterable[int], half_life: int) -> float:
    return sum(math.floor(2**20 * 2 ** (-a / half_life)) for a in ages) / 2**20


def gap(ages: list[int]) -> float | None:
    return (max(ages) - min(ages)) / (len(ages) - 1) if len(ages) > 1 else None


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for one in rows:
        groups[key(one)].append(one)
    return groups


def _merged(rows: list[Row]) -> Row:
    """Lines, or parts of a basket, as one."""
    sums = {n: sum(r[n] for r in rows) for n in ("lines", "quantity", "spend", "discounts", "coupons")}
    store = min((r["store"] for r in rows if r["store"] is not None), default=None)
    return {**rows[0], **sums, "age": min(r["age"] for r in rows), "store": store}


def _baskets(events: list[Row], as_of: dt.date) -> list[Row]:
    back = {e["reverses_event_id"] for e in events if e["role"] == "reversal"}
    lines = [
        {
            "user": e["user_index"],
            "item": e["item_index"],
            "basket": (e["user_index"], e["session"] or str(e["event_time"].date())),
            "age": (as_of - e["event_time"].date()).days,
            "lines": 1,
            "quantity": e["quantity"] or 0,
            "spend": e["amount_minor"] or 0,
            "discounts": int((e["discount_minor"] or 0) > 0),
            "coupons": int((e["coupon_minor"] or 0) > 0),
            "store": e["store_id"],
        }
        for e in events
        if e["role"] == "feedback" and e["reward_q20"] > 0 and e["event_id"] not in back
    ]
    return [_merged(rows) for rows in _grouped(lines, lambda r: (r["item"], r["basket"])).values()]


def _pairs(baskets: list[Row]) -> dict[tuple[int, int], list[Row]]:
    return _grouped(baskets, lambda r: (r["user"], r["item"]))


def _ages(rows: list[Row]) -> list[int]:
    return [r["age"] for r in rows]


def _items(
    baskets: list[Row],
    pairs: dict[tuple[int, int], list[Row]],
    catalogue: dict[int, Row],
    week: list[Row],
    indices: dict[str, int],
    cfg: FeaturesConfig,
) -> dict[int, Row]:
    gaps = {p: math.floor(2**20 * g) for p, rows in pairs.items() if (g := gap(_ages(rows))) is not None}
    stores = {r["store_id"] for r in week if r["on_display"] or r["in_mailer"]}
    promoted = _grouped(week, lambda r: indices[r["item_id"]])
    made = {}
    for i, rows in _grouped(baskets, lambda r: r["item"]).items():
        ages, buyers = _ages(rows), {p: r for p, r in pairs.items() if p[1] == i}
        within = {n: sum(a <= n for a in ages) for n in t.ITEM_WINDOWS_DAYS}
        older = sum(28 < a <= 112 for a in ages)
        price = _share(sum(r["spend"] for r in rows), sum(r["quantity"] for r in rows))
        late = [r for r in rows if r["age"] <= 14]
        units = sum(r["quantity"] for r in late)
        own = [g for p, g in gaps.items() if p[1] == i]
        prior = cfg.gap_prior_pairs
        shown = {what: {r["store_id"] for r in promoted.get(i, []) if r[what]} for what in ("on_display", "in_mailer")}
        repeat = sum(len(r) > 1 for r in buyers.values())
        made[i] = {
            **{f"baskets_{n}d_count": c for n, c in within.items()},
            "baskets_29_112d_count": older,
            "trend_ratio": (within[28] + 2) / (older / 3 + 2),
            "buyers_count": len(buyers),
            "buyers_28d_count": sum(min(_ages(r)) <= 28 for r in buyers.values()),
            "repeat_buyers_count": repeat,
            "new_buyers_28d_count": sum(max(_ages(r)) <= 28 for r in buyers.values()),
            "repeat_buyer_share": (repeat + 1) / (len(buyers) + 5),
            "gap_days": (sum(own) + prior * sum(gaps.values()) / len(gaps)) / (len(own) + prior) / 2**20 if gaps else None,
            "price_minor": price,
            "price_14d_ratio": sum(r["spend"] for r in late) / units / max(price, 1) if price > 0 and units else 1.0,
            "discount_line_share": _share(sum(r["discounts"] for r in rows), sum(r["lines"] for r in rows)),
            "since_last_days": min(ages),
            "since_first_days": max(ages),
            "display_store_share": _share(len(shown["on_display"]), len(stores)),
            "mailer_store_share": _share(len(shown["in_mailer"]), len(stores)),
            **{name: (catalogue.get(i, {}).get(name) or "").strip() or None for name, _ in t.ATTRIBUTES},
            "list_price_minor": catalogue.get(i, {}).get("price_minor"),
        }  # fmt: skip
    for mine in made.values():
        for name, kind in t.ATTRIBUTES:
            same = [j for j, other in made.items() if mine[name] is not None and other[name] == mine[name]]
            mine[t.index_of(kind)] = min(same, default=None)
            if name in ("product_type", "category"):
                mine[f"{name}_84d_share"] = _share(
                    mine["baskets_84d_count"], sum(made[j]["baskets_84d_count"] for j in same)
                )
    return made


def _attributes(baskets: list[Row], items: dict[int, Row]) -> dict[tuple[Any, ...], Row]:
    made = {}
    for name, kind in t.ATTRIBUTES:
        known = [r for r in baskets if items[r["item"]][name] is not None]
        for (user, value), rows in _grouped(known, lambda r, n=name: (r["user"], items[r["item"]][n])).items():
            index = min(i for i, row in items.items() if row[name] == value)
            ages, visits = _ages(rows), len({r["basket"] for r in rows})
            made[user, kind, index] = {
                "value": value,
                "baskets_count": visits,
                **{f"decayed_{h}d_count": decayed(ages, h) for h in t.ATTRIBUTE_HALF_LIVES_DAYS},
                "since_last_days": min(ages),
                "since_first_days": max(ages),
                "gap_days": (max(ages) - min(ages)) / (visits - 1) if visits > 1 else None,
            }
    return made


def _user_items(
    pairs: dict[tuple[int, int], list[Row]], items: dict[int, Row], attributes: dict[tuple[Any, ...], Row]
) -> dict[tuple[Any, ...], Row]:
    made = {}
    for (u, i), rows in pairs.items():
        ages = _ages(rows)
        own = decayed(ages, 60)
        of_type = attributes.get((u, "product_type", items[i]["product_type_index"]), {}).get("decayed_60d_count", own)
        usual = gap(ages) if gap(ages) is not None else items[i]["gap_days"]
        made[u, i] = {
            "baskets_count": len(rows),
            **{f"baskets_{n}d_count": sum(a <= n for a in ages) for n in t.PAIR_WINDOWS_DAYS},
            **{f"decayed_{h}d_count": decayed(ages, h) for h in t.PAIR_HALF_LIVES_DAYS},
            "since_last_days": min(ages),
            "since_first_days": max(ages),
            "gap_days": gap(ages),
            # greatest() of Spark passes over null: without any usual gap the days stand for themselves
            "dueness_ratio": min(ages) / max(usual if usual is not None else 1.0, 1.0),
            "product_type_share": own / (of_type + 0.5),
            "quantity_count": sum(r["quantity"] for r in rows),
            "spend_minor": sum(r["spend"] for r in rows),
            "discount_basket_share": sum(r["discounts"] > 0 for r in rows) / len(rows),
        }
    return made


def _users(
    baskets: list[Row],
    pairs: dict[tuple[int, int], list[Row]],
    attributes: dict[tuple[Any, ...], Row],
    items: dict[int, Row],
    described: list[Row],
    cfg: FeaturesConfig,
) -> dict[int, Row]:
    people = {int(r["user_id"][1:]): r for r in described}
    made = {}
    for u, rows in _grouped(baskets, lambda r: r["user"]).items():
        visits = [_merged(v) for v in _grouped(rows, lambda r: r["basket"]).values()]
        ages, n, lines = _ages(visits), len(visits), sum(v["lines"] for v in visits)
        mine = {i: _ages(r) for (v, i), r in pairs.items() if v == u}
        spend, late = sum(v["spend"] for v in visits), sum(v["spend"] for v in visits if v["age"] <= 28)
        log_price = sum(
            math.floor(2**20 * math.log1p(items[r["item"]]["price_minor"] / cfg.minor_per_major)) * r["lines"]
            for r in rows
        )
        new, bought_28 = sum(max(a) <= 28 for a in mine.values()), sum(min(a) <= 28 for a in mine.values())
        votes = {
            s: decayed(_ages(v), cfg.main_store_half_life_days)
            for s, v in _grouped(visits, lambda r: r["store"]).items()
            if s is not None
        }
        made[u] = {
            "baskets_count": n, "lines_count": lines, "items_count": len(mine),
            **{f"baskets_{d}d_count": sum(a <= d for a in ages) for d in t.USER_WINDOWS_DAYS},
            **{f"lines_{d}d_count": sum(v["lines"] for v in visits if v["age"] <= d) for d in t.USER_WINDOWS_DAYS},
            **{f"items_{d}d_count": sum(min(a) <= d for a in mine.values()) for d in t.USER_WINDOWS_DAYS},
            "new_items_28d_count": new, "new_items_28d_share": _share(new, bought_28),
            "since_last_days": min(ages), "since_first_days": max(ages), "gap_days": gap(ages) or 0.0,
            "spend_minor": spend, "spend_28d_minor": late,
            "basket_value_minor": spend / n, "lines_per_basket_count": lines / n,
            "unit_price_minor": _share(spend, sum(v["quantity"] for v in visits)),
            "item_price_log1p_mean": log_price / lines / 2**20,
            "discount_line_share": sum(v["discounts"] for v in visits) / lines,
            "coupon_line_share": sum(v["coupons"] for v in visits) / lines,
            "own_label_line_share": sum(r["lines"] for r in rows if items[r["item"]]["brand"] in cfg.own_label_brands) / lines,
            "main_store_id": min(votes, key=lambda s: (-votes[s], s), default=None),
            **{name: people.get(u, {}).get(name) for name in t.DEMOGRAPHICS},
        }  # fmt: skip
        for kind in ("department", "brand"):
            taste = {a["value"]: a["decayed_60d_count"] for (v, k, _), a in attributes.items() if (v, k) == (u, kind)}
            top = min(taste, key=lambda value: (-taste[value], value), default=None)
            made[u][f"top_{kind}"] = top
            made[u][f"top_{kind}_share"] = _share(taste.get(top, 0.0), sum(taste.values()))
    return made


def _histories(pairs: dict[tuple[int, int], list[Row]]) -> dict[tuple[Any, ...], Row]:
    made = {}
    for u in {u for u, _ in pairs}:
        mine = sorted((min(_ages(r)), -len(r), i) for (v, i), r in pairs.items() if v == u)
        last = [i for *_, i in mine][: len(t.HISTORY)]
        made[(u,)] = dict(zip(t.HISTORY, last + [-1] * (len(t.HISTORY) - len(last)), strict=True))
    return made


def _stores(
    baskets: list[Row],
    users: dict[int, Row],
    bought: set[int],
    week: list[Row],
    indices: dict[str, int],
    cfg: FeaturesConfig,
) -> dict[tuple[Any, ...], Row]:
    late = Counter((r["store"], r["item"]) for r in baskets if r["age"] <= cfg.store_window_days)
    visits = [_merged(v) for v in _grouped(baskets, lambda r: r["basket"]).values()]
    all_baskets = Counter(v["store"] for v in visits if v["age"] <= cfg.store_window_days)
    shown = [r for r in week if r["on_display"] or r["in_mailer"]]
    promoted = _grouped(shown, lambda r: (r["store_id"], indices[r["item_id"]]))
    made: dict[tuple[Any, ...], Row] = {}
    for store in {u["main_store_id"] for u in users.values()} - {None}:
        for i in bought:
            sold, here = late[store, i], promoted.get((store, i), [])
            if sold or here:
                made[store, i] = {
                    "baskets_56d_share": sold / (all_baskets[store] + cfg.store_prior_baskets),
                    "display_count": int(any(r["on_display"] for r in here)),
                    "mailer_count": int(any(r["in_mailer"] for r in here)),
                }
    return made
