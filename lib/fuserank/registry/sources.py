"""Candidate sources: one declaration each of the chain's own and of every member of the retrieval family.

To add one: its module, its settings class, its declaration at the end of ``SOURCES``. Settings, jobs, samples,
reasons, plans and reports ask here, and name none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fuserank.registry import Registry, loaded

if TYPE_CHECKING:
    from fuserank.config.base import Section

Reason = Literal["own history", "edges", "vectors", "counts", "walk", "none"]
# What stands for a row in a ranking, and what a sentence of that kind may name in braces; any
# may name the words of ``history.words``.
REASONS: dict[Reason, frozenset[str]] = {
    "own history": frozenset({"times", "last"}),  # the user's own takings of the item
    "edges": frozenset({"item"}),  # the strongest edge of part ``near`` from an own item
    "vectors": frozenset({"items"}),  # own items with near vectors of part ``item``
    "counts": frozenset({"recent", "days", "usual"}),  # what all took of the item
    "walk": frozenset({"shared", "item"}),  # an own item, and what both share
    "none": frozenset(),
}
_EDGES = "Others take it who take {item}, which you {present}"
_VECTORS = "Others who {present} what you {present} also take it; closest to it in your history: {items}"
_COUNTS = "Among the most {participle}: {recent} {noun} in the last {days} days"
_LEARNED = "candidates.learned"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One candidate source.

    ``number``: what its rows are called by among those of a user in the samples; never changed, never used again.
    ``module``: of ``section``, the settings ``candidates.<name>``, it has ``lists(inputs, config)``
    (``stages.candidates.inputs``); of ``family``, the recommenders of ``candidates.family``, it has ``learn``,
    ``Scorer`` and ``USERS_AT_ONCE``. ``distributed``: module:function of a fit by Spark, where it has one. A member
    without a section has its settings under ``candidates.members.<name>.settings``. ``config``: module:class of its
    settings. ``writes``: the table of what it proposes from. Every source reads silver.events; one with ``content``
    learns from the catalogue, too, and is refused where there is none; one with ``attributes`` learns from it where
    there is one; one with ``baskets`` learns from and lists by baskets in order, and is refused where data have none.
    ``by_blocks``: blocks of items can be learned apart. ``torch``: its job needs the larger environment. ``reason``,
    ``text``, ``text_once`` (of a single taking):
    what stands for its rows; among equal parts the source with the smaller ``speaks`` is heard. ``walk``:
    module:function that finds the walks. ``fills``: its list is the same for all and fills what others leave.
    ``bounded``: it has no more rows than there are pairs of users and what they took. ``in_samples``: its rank and
    score are columns of samples.samples. ``default``: it runs unless settings name others. ``takes``: seconds of a
    fit and all lists on one slow core, a pair, a pair and user, an item cubed, by which a leaderboard orders and
    leaves out; measured on Gowalla (docs/models.md).
    """

    name: str
    label: str
    colour: str
    number: int
    module: str
    config: str
    section: bool = False
    family: bool = True
    writes: str | None = _LEARNED
    content: bool = False
    attributes: bool = False
    baskets: bool = False
    torch: bool = False
    by_blocks: bool = False
    distributed: str = ""
    reason: Reason = "none"
    text: str = ""
    text_once: str = ""
    walk: str = ""
    speaks: int = 50
    fills: bool = False
    bounded: bool = False
    in_samples: bool = False
    default: bool = False
    takes: tuple[float, float, float] = (2e-4, 0.0, 0.0)

    @property
    def settings(self) -> type[Section]:
        """The class of its settings."""
        return loaded(self.config)  # type: ignore[no-any-return]

    @property
    def reads_content(self) -> bool:
        """Whether what items are is to be brought, where it is known."""
        return self.content or self.attributes

    def code(self, attribute: str) -> Any:
        """``attribute`` of its module."""
        return loaded(f"{self.module}:{attribute}")


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
            text=_VECTORS,
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
            text="You {past} it {times} times, last on {last}",
            text_once="You {past} it on {last}",
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
            text=_COUNTS,
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
            text=_EDGES,
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
            text=_VECTORS,
            distributed="fuserank.stages.candidates.ials_ranks:fit",
            module="fuserank.learning.recommenders.ials",
            config="fuserank.learning.recommenders.settings:IalsConfig",
        ),
        Source(
            name="ease",
            label="ease",
            colour="#5b8c5a",
            number=8,
            reason="edges",
            text=_EDGES,
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
            text=_VECTORS,
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
            text=_COUNTS,
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
            text=_VECTORS,
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
            text=_VECTORS,
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
            text=_VECTORS,
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
            text=_VECTORS,
            module="fuserank.learning.sequences.member",
            config="fuserank.learning.sequences.settings:NextItNetConfig",
            takes=(3e-3, 0.0, 0.0),
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


def floor() -> str:
    """The recommender that all others must pass: what fills lists."""
    return next(s.name for s in recommenders() if s.fills)


def speaking(named: Sequence[str]) -> tuple[Source, ...]:
    """All sources in the order in which they are heard among equal parts; of one
    place those first that are ``named`` first.
    """
    order = [*(SOURCES[n] for n in named), *(s for s in SOURCES if s.name not in named)]
    return tuple(sorted(order, key=lambda s: s.speaks))
