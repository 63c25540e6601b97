"""What a candidate source declares of itself; which there are stands in ``registry.sources``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from fuserank.registry import loaded

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
OWN, OWN_ONCE = "You {past} it {times} times, last on {last}", "You {past} it on {last}"
OF_BASKETS: dict[str, Any] = {"baskets": True, "reason": "own history", "text": OWN, "text_once": OWN_ONCE}
EDGES = "Others take it who take {item}, which you {present}"
VECTORS = "Others who {present} what you {present} also take it; closest to it in your history: {items}"
COUNTS = "Among the most {participle}: {recent} {noun} in the last {days} days"
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
    there is one; one with ``social`` from links between users, where there are some and its setting ``social`` is not
    0; one with ``baskets`` learns from and lists by baskets in order, and is refused where data have none.
    ``by_blocks``: blocks of items can be learned apart. ``torch``: its job needs the larger environment. ``reason``,
    ``text``, ``text_once`` (of a single taking):
    what stands for its rows; among equal parts the source with the smaller ``speaks`` is heard. ``walk``:
    module:function that finds the walks. ``fills``: its list is the same for all and fills what others leave.
    ``floor_of``: the track of the leaderboard that it is the floor of. ``bounded``: it has no more rows than there are
    pairs of users and what they took. ``in_samples``: its rank and score are columns of samples.samples. ``default``:
    it runs unless settings name others. ``takes``: seconds of a fit and all lists on one slow core, a pair, a pair and
    user, an item cubed, by which a leaderboard orders and leaves out; measured on Gowalla (docs/models.md).
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
    social: bool = False
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
    floor_of: str = ""
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

    def reads_links(self, settings: Section) -> bool:
        """Whether links between users are to be brought, where they are known."""
        return self.social and bool(getattr(settings, "social", 0))

    def code(self, attribute: str) -> Any:
        """``attribute`` of its module."""
        return loaded(f"{self.module}:{attribute}")
