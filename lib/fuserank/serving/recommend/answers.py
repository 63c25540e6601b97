"""An answer from a page: its items described, and in words why it is as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fuserank.serving.recommend.cursor import cursor_of
from fuserank.serving.recommend.lists import Described
from fuserank.serving.requests import POPULAR, SEGMENT, Answer, AnswerItem, Options, Refused, ServedFrom, Versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuserank.serving.recommend.catalogue import Catalogue
    from fuserank.serving.recommend.page import Page, Placed
    from fuserank.serving.recommend.plan import Plan
    from fuserank.serving.store.records import ItemRecord

PINNED = "pinned"
_WORDS = {
    "hidden": "hidden",
    "not_allowed": "not on the list of allowed ones",
    "out_of_stock": "out of stock",
    "excluded": "excluded",
    "filter": "not let through by the filter",
    "purchased": "bought today",
    "disliked": "disliked",
    "in_basket": "in the basket",
    "itself": "the item itself",
    "max_per": "over a cap",
    "unknown_item": "not in the catalogue",
}


class Made(NamedTuple):
    """A page with what led to it; ``own``: items from its own lists, ``of_segment`` and ``filled``: what filled it up,
    of the user's segment and of the popular ones.
    """

    plan: Plan
    page: Page
    before: Sequence[int]
    own: int
    of_segment: int
    filled: int


def require_fields(catalogue: Catalogue, fields: Sequence[str]) -> None:
    """:raises Refused: items have no such field"""
    wrong = [name for name in fields if name not in catalogue.fields] if fields else []
    if wrong:
        there = ", ".join(sorted(catalogue.fields)) or "none"
        raise Refused(422, "fields", f"items have no field {wrong[0]!r}; there are: {there}", "fields")


def answer_of(
    made: Made, options: Options, catalogue: Catalogue, request: bytes, answer_id: str, policy_id: str
) -> Answer:
    """The answer; it has a cursor where the page is full."""
    placed, manifest = made.page.placed(), catalogue.manifest
    full = len(placed) == options.k
    came = [*made.before, *(one.record.item_index for one in placed)]
    served_from, why = _origin(made, options)
    removed = {rule: count for rule, count in sorted(made.page.removed.items()) if count}
    return Answer(
        answer_id=answer_id,
        user=made.plan.user,
        surface=options.surface,
        items=[_item(one, options) for one in placed],
        served_from=served_from,
        why=why,
        short=None if full else _short(made, options, len(placed), removed),
        cursor=cursor_of(manifest.name, request, came) if full else None,
        policy_id=policy_id,
        versions=Versions(manifest.ranking_run_id, manifest.ranking_version, manifest.as_of_date, manifest.name),
        exposure="dry_run" if options.dry_run else "off",
        removed=removed if options.explain else None,
    )


def _item(one: Placed, options: Options) -> AnswerItem:
    record = one.record
    fields = _fields(record, options) if options.fields else None
    if one.of is None:
        of = Described(0.0, PINNED, f"Pinned to this place of {options.surface}", None, {PINNED: 0.0}, [])
    else:
        of = one.of.describe(record.item_index)
    parts, evidence = (of.parts, of.evidence) if options.explain else (None, None)
    return AnswerItem(
        record.item_id,
        one.rank,
        of.score,
        of.reason_code,
        of.reason,
        record.name,
        of.probability,
        parts,
        evidence,
        fields,
    )


def _fields(record: ItemRecord, options: Options) -> dict[str, str | float | int]:
    return {name: record.fields[name] for name in options.fields if name in record.fields}


def _origin(made: Made, options: Options) -> tuple[ServedFrom, str]:
    """From what the page is served, and why."""
    plan = made.plan
    kind, why = plan.served_from, plan.why
    if made.of_segment and made.own:
        why += f"; {made.of_segment} of the user's segment fill it up"
    elif made.of_segment:
        kind, why = SEGMENT, f"{why}, of which nothing is left, so those of the user's segment come"
    if made.filled and (made.own or made.of_segment):
        why += f"; {made.filled} popular ones fill it up"
    elif made.filled and kind != POPULAR:
        kind, why = POPULAR, f"{why}, of which nothing is left, so popular ones come"
    wanted = options.fill == SEGMENT or options.context
    if wanted and plan.belongs.segment is None and (made.filled or kind == POPULAR):
        why += f"; {plan.belongs.why}, so popular ones come"
    return kind, why


def _short(made: Made, options: Options, count: int, removed: dict[str, int]) -> str:
    """Why fewer came, with counts."""
    text = f"{count} of {options.k}: {made.page.looked_at} items were looked at"
    if removed:
        text += ", less " + ", ".join(f"{n} {_WORDS[rule]}" for rule, n in removed.items())
    if made.before:
        text += f"; {len(made.before)} came on the pages before"
    if not made.plan.fills:
        return f"{text}; only candidates come"
    return f"{text}; fill is never" if options.fill == "never" else f"{text}; no popular ones are left"
