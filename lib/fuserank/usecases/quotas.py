"""Sources and quotas by what was bought in the days before as_of: `fuserank quotas`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.config.candidates import SEGMENTS, CandidatesConfig
from fuserank.history.labels import labels
from fuserank.history.windows import label_window
from fuserank.jobs.inputs.candidate_sets import segments_of
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.jobs.inputs.sources import opened
from fuserank.registry.sources import SOURCES
from fuserank.stages.candidates.quotas import Hits, Listed, Union, greedy, overlap, union
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

DEPTH = 400  # ranks of each source that are looked at, but of a bounded one, which has no more than the user took


@dataclass(frozen=True)
class Chosen:
    """Quotas, and what they find of the window that they were chosen on; ``before``: of the settings as they are."""

    start: dt.date
    end: dt.date
    users: dict[str, int]
    quotas: dict[str, dict[str, int]]
    found: dict[str, Union]
    before: dict[str, Union]
    shares: dict[str, list[dict[str, Any]]]

    def as_dict(self) -> dict[str, Any]:
        """The shape of --json."""
        return {
            "start": str(self.start),
            "end": str(self.end),
            "users": self.users,
            "quotas": self.quotas,
            "recall": {s: u.recall for s, u in self.found.items()},
            "a_user": {s: u.a_user for s, u in self.found.items()},
            "recall_before": {s: u.recall for s, u in self.before.items()},
            "a_user_before": {s: u.a_user for s, u in self.before.items()},
            "sources": self.shares,
        }


def choose(run: Run, as_of: dt.date, budget: float, band: int, per_user: bool = False) -> Chosen:
    """Quotas of ``budget`` distinct candidates a user, as a mean over all users.

    They are chosen by lists as of the start of the label window that ends at as_of, and by the truth of that window.
    Users: at most ``fusion.fit_users`` with an event before the window, whether they come back in it or not, as
    candidates are made for all. ``per_user``: recall is a mean over users; else it is the share of all true pairs, to
    which a user who buys much adds more.
    """
    refuse_other_windows(run)
    cfg, window = run.settings.candidates, label_window(as_of, run.settings.windows.label_days, back=1)
    start = window.start
    known = run.lake.known(EVENTS, as_of)
    judged = labels(known, window, reversals(run.lake, known)).where("label")
    drawn = draw_users(run.lake.known(EVENTS, start), run.settings.fusion.fit_users, run.seed).persist()
    truth = judged.join(drawn, "user_index", "left_semi").select("user_index", "item_index").toArrow()
    lists: dict[str, Listed] = {}
    deep = cfg.model_copy(update={"segments": cfg.segments.model_copy(update={"quotas": None}), "max_rows": None})
    deep = deep.with_quotas({s: 10**6 if SOURCES[s].bounded else DEPTH for s in cfg.sources})
    with opened(run, start, apart=True) as sources:
        for source in cfg.sources:
            with run.stage(source):
                rows = sources.propose(source, deep).join(drawn, "user_index", "left_semi")
                table = rows.select("user_index", "item_index", "rank").toArrow()
            lists[source] = Listed(*(table[c].to_numpy() for c in ("user_index", "item_index", "rank")))
    users = np.sort(drawn.toArrow()["user_index"].to_numpy())
    drawn.unpersist()
    user, item = (truth[c].to_numpy() for c in ("user_index", "item_index"))
    of_U = segments_of(run, start, users)
    hits: dict[str, Hits] = {
        s: Hits.of(lists, user, item, users[of_U == s], per_user) for s in SEGMENTS if (of_U == s).any()
    }
    # short lists are filled from such a source, chosen or not: twice as many as a list has
    least = {s: 2 * run.settings.ranking.k for s in cfg.sources if SOURCES[s].fills}
    quotas = greedy(hits, budget, band, least).as_setting()
    if not union(hits, quotas).recall:
        raise FuserankError(
            f"no source found anything that was bought from {start} to {as_of}: there is nothing to choose by; take in"
            " more data or choose a later --as-of"
        )
    quotas = {s: of for s, of in quotas.items() if of}
    return Chosen(
        start,
        as_of,
        {s: one.users for s, one in hits.items()},
        quotas,
        _unions(hits, quotas),
        _unions(hits, {s: {n: cfg.quota_in(s, n) for n in cfg.sources} for s in SEGMENTS}),
        {s: [_share_row(share, quotas[s]) for share in overlap(one, quotas[s])] for s, one in hits.items()},
    )


def _unions(hits: dict[str, Hits], quotas: dict[str, dict[str, int]]) -> dict[str, Union]:
    """By segment, and of `all`."""
    return {"all": union(hits, quotas), **{s: union({s: one}, quotas) for s, one in hits.items()}}


def _share_row(share: Any, quotas: dict[str, int]) -> dict[str, Any]:
    return {
        "source": share.source,
        "quota": quotas[share.source],
        "rows": share.rows,
        "hits": share.hits,
        "unique_hits": share.unique_hits,
        "overlap": share.overlap,
    }


def settings_text(cfg: CandidatesConfig, chosen: Chosen, dataset: str, before: dict[str, Any] | None = None) -> str:
    """The text of conf/tuned/<dataset>.yaml: the chosen sources, their settings and quotas, with numbers as comments.

    ``before``: what the file holds now; what is none of these stays as it is.
    """
    import yaml

    used = [s for s in cfg.sources if any(s in of for of in chosen.quotas.values())]
    members = {n: m.model_dump(mode="json", exclude_defaults=True) for n, m in cfg.members.items() if n in used}
    members = {n: m for n, m in members.items() if m}
    borders = {"new_baskets": cfg.segments.new_baskets, "heavy_baskets": cfg.segments.heavy_baskets}
    own = {n: getattr(cfg, n).model_dump(mode="json", exclude_defaults=True) for n in used if SOURCES[n].section}
    candidates = dict((before or {}).get("candidates") or {})
    candidates |= {n: of for n, of in own.items() if of} | ({"members": members} if members else {})
    candidates |= {"sources": used, "segments": {**borders, "quotas": chosen.quotas}}
    content = {**(before or {}), "candidates": candidates}
    numbers = [
        f"#   {segment:6s} {chosen.users.get(segment, sum(chosen.users.values())):6,d} users: {one.recall:.3f} with"
        f" {one.a_user:.0f} a user (before: {chosen.before[segment].recall:.3f} with"
        f" {chosen.before[segment].a_user:.0f})"
        for segment, one in chosen.found.items()
    ]
    head = [
        (
            f"# Sources and quotas of {dataset}, chosen by `fuserank quotas` on {chosen.start} … {chosen.end}. Recall"
            " of the union:"
        ),
        *numbers,
    ]
    return "\n".join(head) + "\n" + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)
