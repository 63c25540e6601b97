"""The report's section on the sources: what each is worth to the fusion, and what they find together.

Plain data in, HTML out.
"""

from __future__ import annotations

from fuserank.insight.reports.html import card, html, table
from fuserank.insight.reports.run import sources_charts as charts
from fuserank.insight.reports.run.charts import called
from fuserank.insight.reports.run.data import SourceSet, Worth


def section(worth: list[Worth], sets: list[SourceSet]) -> str:
    """Both cards."""
    return _worth(worth) + _sets(sets)


def _worth(worth: list[Worth]) -> str:
    title = "What each source is worth"
    if not worth:
        message = "Not measured: `fuserank evaluate` does it, unless evaluation.ablation is off."
        return card("worth", title, "", f'<p class="empty">{message}</p>')
    note = (
        "NDCG@10 of the fusion less that of the fusion fitted without the source, on the same users; whiskers: paired"
        f" 95 % interval. {_verdict(worth)}"
    )
    sides = "".join(f"<div>{html(charts.worth(worth, t), f'worth-{t}')}</div>" for t in charts.TRACKS)
    by_source: dict[str, dict[str, Worth]] = {w.source: {} for w in worth}
    for w in worth:
        by_source[w.source][w.track] = w
    head = [
        "without",
        *(f"NDCG@10, {t}" for t in charts.TRACKS.values()),
        *(f"gain, {t}" for t in charts.TRACKS),
        "seconds",
        "MB",
    ]
    rows = [
        [
            called(s),
            *(_number(found.get(t)) for t in charts.TRACKS),
            *(_gain(found.get(t)) for t in charts.TRACKS),
            *_cost(next(iter(found.values()))),
        ]
        for s, found in by_source.items()
    ]
    return card("worth", title, note, f'<div class="grid">{sides}</div>{table(head, rows, range(1, len(head)))}')


def _verdict(worth: list[Worth]) -> str:
    """Who helps beyond chance on a track, who harms, who does neither."""
    sources = list(dict.fromkeys(w.source for w in worth))
    helps = [s for s in sources if any(w.low > 0 for w in worth if w.source == s)]
    harms = [s for s in sources if any(w.high < 0 for w in worth if w.source == s)]
    nothing = [s for s in sources if s not in (*helps, *harms)]
    groups = {
        "Beyond chance it gains by {}": helps,
        "loses by {}": harms,
        "{} bring nothing that can be told from chance": nothing,
    }
    return "; ".join(words.format(", ".join(map(called, names))) for words, names in groups.items() if names) + "."


def _number(found: Worth | None) -> str:
    return "" if found is None else f"{found.without:.4f}"


def _gain(found: Worth | None) -> str:
    return "" if found is None else f"{found.gain:+.4f} ({found.low:+.4f} … {found.high:+.4f})"


def _cost(found: Worth) -> list[str]:
    return ["" if v is None else f"{v:,.0f}" for v in (found.seconds, found.peak_mb)]


def _sets(sets: list[SourceSet]) -> str:
    title = "Candidates as a set"
    if not sets:
        return card("sets", title, "", '<p class="empty">Not measured: `fuserank evaluate` does it.</p>')
    whole = next(s for s in sets if s.segment == "all" and s.source == "union")
    note = (
        f"all sources together find {whole.recall:.1%} of what a user takes in the days from as_of, with"
        f" {whole.a_user:.0f} candidates a user; full bar: what a source finds, dark: what no other does; right: the"
        " part of a row's candidates that a column's source has too"
    )
    segments = list(dict.fromkeys(s.segment for s in sets))
    of_all = [s for s in sets if s.segment == "all" and s.source != "union"]
    recall, overlap = html(charts.recall(of_all), "sets-recall"), html(charts.overlap(of_all), "sets-overlap")
    sides = f"<div>{recall}</div><div>{overlap}</div>"
    head = ["segment", "users", "recall of all", "candidates a user", *(called(s.source) for s in of_all)]
    rows = []
    for segment in segments:
        found = {s.source: s for s in sets if s.segment == segment}
        union = found["union"]
        shares = [
            f"{found[s.source].recall:.1%}, {found[s.source].a_user:.0f}" if s.source in found else "" for s in of_all
        ]
        rows.append([segment, f"{union.users:,}", f"{union.recall:.1%}", f"{union.a_user:.0f}", *shares])
    words = "<p class=note>of each source: recall, candidates a user</p>"
    return card("sets", title, note, f'<div class="grid">{sides}</div>{table(head, rows, range(1, len(head)))}{words}')
