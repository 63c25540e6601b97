"""A product as its page describes it to search engines (schema.org in JSON-LD) or to those who share it (OpenGraph)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_IDS = ("sku", "productID", "mpn", "gtin", "gtin13", "gtin14", "gtin12", "gtin8")
_DEEPEST = 20


def product(page: LexborHTMLParser) -> dict[str, str] | None:
    """item_id, name, brand, category, description, price, currency, availability, image: what the page tells of them,
    as text; None where it tells of no product, or of several (a list of products is no product page).
    """
    found = [p for p in _json_ld(page) if p.get("name")]
    if len({json.dumps(p, sort_keys=True) for p in found}) > 1:
        return None
    return (found[0] if found else None) or _open_graph(page)


def links(page: LexborHTMLParser) -> list[str]:
    """href of every link, in the page's order, but of those that ask not to be followed."""
    found = []
    for node in page.css("a[href]"):
        href, rel = node.attributes.get("href"), (node.attributes.get("rel") or "").lower()
        if href and "nofollow" not in rel.split():
            found.append(href)
    return found


def _json_ld(page: LexborHTMLParser) -> Iterator[dict[str, str]]:
    for script in page.css('script[type="application/ld+json"]'):
        try:
            document = json.loads(script.text())
        except (ValueError, RecursionError):
            continue  # what a page tells wrong, it does not tell: OpenGraph may
        for thing in _things(document, 0):
            kinds = thing.get("@type")
            if "Product" in (kinds if isinstance(kinds, list) else [kinds]):
                yield _of_product(thing)


def _things(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    """All objects of a document, outer ones first; what a product is similar to or made for is another product."""
    if depth > _DEEPEST:
        return
    if isinstance(node, list):
        for part in node:
            yield from _things(part, depth + 1)
    elif isinstance(node, dict):
        yield node
        if node.get("@type") != "Product":
            for key in ("@graph", "mainEntity", "itemListElement", "item"):
                yield from _things(node.get(key), depth + 1)


def _of_product(thing: dict[str, Any]) -> dict[str, str]:
    offers = thing.get("offers")
    offer = next((o for o in (offers if isinstance(offers, list) else [offers]) if isinstance(o, dict)), {})
    fields = {
        "item_id": next((_text(thing[k]) for k in _IDS if thing.get(k)), ""),
        "name": _text(thing.get("name")),
        "brand": _text(thing.get("brand")),
        "category": _text(thing.get("category")),
        "description": _text(thing.get("description")),
        "price": _text(offer.get("price") or offer.get("lowPrice")),
        "currency": _text(offer.get("priceCurrency")),
        "availability": _text(offer.get("availability")).rsplit("/", 1)[-1],
        "image": _text(thing.get("image")),
    }
    return {k: v for k, v in fields.items() if v}


def _open_graph(page: LexborHTMLParser) -> dict[str, str] | None:
    properties: dict[str, str] = {}
    for node in page.css("meta[property]"):
        name, content = node.attributes.get("property") or "", node.attributes.get("content")
        if content and name not in properties:
            properties[name] = " ".join(content.split())
    if not properties.get("og:type", "").startswith("product") and not any(
        k.startswith("product:") for k in properties
    ):
        return None
    names = {
        "item_id": ("product:retailer_item_id", "product:sku"),
        "name": ("og:title",),
        "brand": ("product:brand", "og:brand"),
        "category": ("product:category",),
        "description": ("og:description",),
        "price": ("product:price:amount", "og:price:amount"),
        "currency": ("product:price:currency", "og:price:currency"),
        "availability": ("product:availability", "og:availability"),
        "image": ("og:image",),
    }
    found = {ours: next((properties[k] for k in theirs if properties.get(k)), "") for ours, theirs in names.items()}
    return {k: v for k, v in found.items() if v} if found["name"] else None


def _text(value: Any) -> str:
    """A value's text; of an object its name or address, of a list its first."""
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("url") or value.get("@id"))
    return "" if value is None or isinstance(value, bool) else " ".join(str(value).split())
