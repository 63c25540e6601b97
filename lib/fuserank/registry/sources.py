"""Candidate sources: one declaration each of the chain's own and of every member of the retrieval family.

To add one: its module, its settings class, its declaration at the end of ``SOURCES``. Settings, jobs, samples,
reasons, plans and reports ask here, and name none.
"""

from __future__ import annotations

from collections.abc import Sequence

from fuserank.registry import Registry
from fuserank.registry.source import COUNTS, EDGES, OF_BASKETS, OWN, OWN_ONCE, VECTORS
from fuserank.registry.source import REASONS as REASONS
from fuserank.registry.source import Source as Source

SOURCES: Registry[Source] = Registry(
    "source",
    (
        Source(
            name="als",
            label="ALS",
            colour="#4a9bb5",
            number=0,
            section=True,
            family=False,
            default=True,
            in_samples=True,
            module="fuserank.stages.candidates.als",
            config="fuserank.config.candidates:AlsConfig",
            writes="candidates.als_factors",
            reason="vectors",
            text=VECTORS,
            speaks=30,
        ),
        Source(
            name="co_purchase",
            label="co-purchase",
            colour="#8a5aa8",
            number=1,
            section=True,
            family=False,
            default=True,
            in_samples=True,
            module="fuserank.stages.candidates.co_purchase",
            config="fuserank.config.candidates:CoPurchaseConfig",
            writes="candidates.co_purchase_neighbours",
            reason="edges",
            text="Often in one basket with {item}, which you {present}",
            speaks=20,
        ),
        Source(
            name="repeat",
            label="repeat",
            colour="#c8803a",
            number=2,
            section=True,
            family=False,
            default=True,
            in_samples=True,
            module="fuserank.stages.candidates.repeat",
            config="fuserank.config.candidates:RepeatConfig",
            writes=None,
            bounded=True,
            reason="own history",
            text=OWN,
            text_once=OWN_ONCE,
            speaks=10,
        ),
        Source(
            name="popular",
            label="popular",
            colour="#b5485d",
            number=3,
            section=True,
            default=True,
            in_samples=True,
            module="fuserank.stages.candidates.popular",
            config="fuserank.config.candidates:PopularConfig",
            writes=None,
            fills=True,
            reason="counts",
            text=COUNTS,
            speaks=90,
            takes=(2e-5, 0.0, 0.0),
        ),
        Source(
            name="trending",
            label="trending",
            colour="#8d99a6",
            number=4,
            section=True,
            family=False,
            in_samples=True,
            module="fuserank.stages.candidates.trending",
            config="fuserank.config.candidates:TrendingConfig",
            writes=None,
            reason="counts",
            speaks=80,
            text="On the rise: {recent} {noun} in the last {days} days, against {usual} in as many days before",
        ),
        Source(
            name="item_cf",
            label="item_cf",
            colour="#a9774b",
            number=5,
            by_blocks=True,
            attributes=True,
            reason="edges",
            text=EDGES,
            module="fuserank.learning.recommenders.item_cf",
            config="fuserank.learning.recommenders.settings:ItemCfConfig",
            takes=(4e-5, 0.0, 0.0),
        ),
        Source(
            name="user_cf",
            label="user_cf",
            colour="#7d6b3f",
            number=6,
            by_blocks=True,
            module="fuserank.learning.recommenders.user_cf",
            config="fuserank.learning.recommenders.settings:UserCfConfig",
            takes=(7e-5, 0.0, 0.0),
        ),
        Source(
            name="ials",
            label="ials",
            colour="#2f7f99",
            number=7,
            reason="vectors",
            text=VECTORS,
            distributed="fuserank.stages.candidates.ials_ranks:fit",
            social=True,
            module="fuserank.learning.recommenders.ials",
            config="fuserank.learning.recommenders.settings:IalsConfig",
        ),
        Source(
            name="ease",
            label="ease",
            colour="#5b8c5a",
            number=8,
            reason="edges",
            text=EDGES,
            module="fuserank.learning.recommenders.ease",
            config="fuserank.learning.recommenders.settings:EaseConfig",
            takes=(5e-5, 0.0, 2e-11),
        ),
        Source(
            name="graph_filter",
            label="graph_filter",
            colour="#6f7fb5",
            number=9,
            module="fuserank.learning.recommenders.graph_filter",
            config="fuserank.learning.recommenders.settings:GraphFilterConfig",
            takes=(3e-5, 5e-9, 0.0),
        ),
        Source(
            name="ppr",
            label="ppr",
            colour="#9a6fb5",
            number=10,
            social=True,
            module="fuserank.learning.recommenders.ppr",
            config="fuserank.learning.recommenders.settings:PprConfig",
            takes=(3e-5, 0.0, 0.0),
        ),
        Source(
            name="bpr",
            label="bpr",
            colour="#b56f97",
            number=11,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.recommenders.bpr",
            config="fuserank.learning.recommenders.settings:BprConfig",
        ),
        Source(
            name="kg",
            label="kg",
            colour="#6d8f2f",
            number=12,
            content=True,
            module="fuserank.learning.recommenders.kg",
            config="fuserank.learning.recommenders.settings_content:KgConfig",
            reason="walk",
            text="{shared} {item}, which you {present}",
            walk="fuserank.stages.candidates.kg_walks:walked",
        ),
        Source(
            name="content",
            label="content",
            colour="#d19a2f",
            number=13,
            content=True,
            module="fuserank.learning.recommenders.content_based",
            config="fuserank.learning.recommenders.settings_content:ContentConfig",
        ),
        Source(
            name="segment_popularity",
            label="segment_popularity",
            colour="#c0705a",
            number=14,
            content=True,
            reason="counts",
            text=COUNTS,
            module="fuserank.learning.recommenders.segments",
            config="fuserank.learning.recommenders.settings_content:SegmentPopularityConfig",
        ),
        Source(
            name="two_tower",
            label="two_tower",
            colour="#2f5f8f",
            number=15,
            content=True,
            torch=True,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.recommenders.two_tower",
            config="fuserank.learning.recommenders.settings_content:TwoTowerConfig",
        ),
        Source(
            name="sasrec",
            label="SASRec",
            colour="#274e7a",
            number=16,
            attributes=True,
            baskets=True,
            torch=True,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.sequences.member",
            config="fuserank.learning.sequences.settings:SasRecConfig",
            takes=(5e-3, 0.0, 0.0),
        ),
        Source(
            name="gru4rec",
            label="GRU4Rec",
            colour="#5f7fae",
            number=17,
            attributes=True,
            baskets=True,
            torch=True,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.sequences.member",
            config="fuserank.learning.sequences.settings:Gru4RecConfig",
            takes=(3e-3, 0.0, 0.0),
        ),
        Source(
            name="nextitnet",
            label="NextItNet",
            colour="#93a9c9",
            number=18,
            attributes=True,
            baskets=True,
            torch=True,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.sequences.member",
            config="fuserank.learning.sequences.settings:NextItNetConfig",
            takes=(3e-3, 0.0, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="personal_top",
            label="personal_top",
            colour="#a8632b",
            number=19,
            floor_of="next-basket",
            module="fuserank.learning.recommenders.personal_top",
            config="fuserank.learning.recommenders.settings_baskets:PersonalTopConfig",
            takes=(2e-5, 0.0, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="tifu_knn",
            label="tifu_knn",
            colour="#4f6f3a",
            number=20,
            module="fuserank.learning.recommenders.tifu_knn",
            config="fuserank.learning.recommenders.settings_baskets:TifuKnnConfig",
            takes=(3e-5, 0.0, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="up_cf",
            label="up_cf",
            colour="#8f5f2f",
            number=21,
            module="fuserank.learning.recommenders.up_cf",
            config="fuserank.learning.recommenders.settings_baskets:UpCfConfig",
            takes=(3e-5, 0.0, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="counting",
            label="counting",
            colour="#5a7a8f",
            number=22,
            module="fuserank.learning.recommenders.counting",
            config="fuserank.learning.recommenders.settings_baskets:CountingConfig",
            takes=(5e-5, 0.0, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="intervals",
            label="intervals",
            colour="#b08a1f",
            number=23,
            module="fuserank.learning.recommenders.intervals",
            config="fuserank.learning.recommenders.settings_baskets:IntervalsConfig",
            takes=(5e-5, 0.0, 0.0),
        ),
        Source(
            name="deep_bpr",
            label="deep BPR",
            colour="#8f4f6f",
            number=24,
            torch=True,
            reason="vectors",
            text=VECTORS,
            module="fuserank.learning.recommenders.deep_bpr",
            config="fuserank.learning.recommenders.settings:DeepBprConfig",
            takes=(5e-3, 2e-7, 0.0),
        ),
        Source(
            **OF_BASKETS,
            name="two_heads",
            label="two_heads",
            colour="#6b4fa0",
            number=25,
            module="fuserank.learning.recommenders.two_heads",
            config="fuserank.learning.recommenders.settings_baskets:TwoHeadsConfig",
            takes=(1.5e-4, 0.0, 0.0),
        ),
    ),
    renamed={"popularity": "popular"},
)


def recommenders() -> Registry[Source]:
    """Those of the retrieval family, which ``fuserank leaderboard`` sets side by side."""
    return Registry("recommender", (s for s in SOURCES if s.family), SOURCES.renamed)


def members() -> Registry[Source]:
    """Those of them whose settings stand under ``candidates.members``."""
    return Registry("member", (s for s in SOURCES if not s.section), SOURCES.renamed)


def sampled() -> tuple[Source, ...]:
    """Those whose ranks and scores are columns of the samples, in the order of the columns."""
    return tuple(s for s in SOURCES if s.in_samples)


def floor(track: str = "") -> str:
    """The recommender that all others must pass: of the track, else what fills lists."""
    return next((s.name for s in recommenders() if track and s.floor_of == track), None) or next(
        s.name for s in recommenders() if s.fills
    )


def speaking(named: Sequence[str]) -> tuple[Source, ...]:
    """All sources in the order in which they are heard among equal parts; of one
    place those first that are ``named`` first.
    """
    order = [*(SOURCES[n] for n in named), *(s for s in SOURCES if s.name not in named)]
    return tuple(sorted(order, key=lambda s: s.speaks))
