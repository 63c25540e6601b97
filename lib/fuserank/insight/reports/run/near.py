"""The report's part on learned vectors: what lies near the items that most lists begin with."""

from __future__ import annotations

from collections.abc import Sequence

from fuserank.insight.reports import html
from fuserank.insight.reports.run import charts
from fuserank.insight.reports.run.data import NearItems


def section(found: Sequence[NearItems]) -> str:
    """A table, a line an item; nothing where no source has vectors."""
    if not found:
        return ""
    rows = [(one.item, " · ".join(f"{name} {cosine:.2f}" for name, cosine in one.near)) for one in found]
    whose = charts.called(found[0].source).removesuffix(" alone")
    note = (
        f"by the vectors of {whose}, with their cosines; items that most lists begin with. `fuserank similar ITEM` does"
        " it for any item"
    )
    return html.card("near", "Items near each other", note, html.table(("item", "the nearest"), rows))
