"""Settings of the candidate sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from fuserank.common.errors import FuserankError
from fuserank.config.base import Section
from fuserank.registry import Registry
from fuserank.registry.sources import SOURCES, Source, members


class SourceSection(Section):
    """What every source with a section of its own has."""

    quota: int = Field(100, ge=1, description="candidates per user, at most (count)")

    @property
    def half_lives_days(self) -> tuple[float, ...]:
        """Half-lives of the decayed counts of a user's pairs that it reads (days)."""
        return ()


class AlsConfig(SourceSection):
    """Implicit-feedback ALS: confidence c = 1 + alpha · r on what a user took, 1 on all else."""

    quota: int = Field(150, ge=1, description="candidates per user (count)")
    factors: int = Field(128, ge=1, description="length of a factor (count)")
    regularization: float = Field(5.0, ge=0, description="λ on the squared norm of each factor, alike for every row")
    iterations: int = Field(15, ge=1, description="passes over both sides (count)")
    alpha: float = Field(1.0, gt=0, description="weight of r in the confidence 1 + alpha · r")
    weight: Literal["auto", "log_baskets", "log1p_baskets", "baskets", "log_reward", "reward"] = Field(
        "auto",
        description=(
            "r: log(distinct baskets), log(1 + distinct baskets), distinct baskets, log(1 + summed reward), or summed"
            " reward of user and item. auto: log_baskets where at least 10 % of the pairs of user and item stand in two"
            " baskets or more, else log1p_baskets, by which a pair of one basket counts, too; decided on the start of"
            " the run's first label window, two windows.label_days before as_of, for all its days alike"
        ),
    )
    engine: Literal["blocked", "mllib"] = Field(
        "blocked", description="blocked: one barrier stage, both factor tables on each rank; mllib: tables of any size"
    )
    ranks: int = Field(
        2, ge=1, description="processes of the blocked engine (count); the job takes no more than there are cores"
    )
    cg_steps: int = Field(2, ge=1, description="preconditioned conjugate-gradient steps per row and half step (count)")
    exclude_seen: bool = Field(False, description="leave out what the user already took")


class CoPurchaseConfig(SourceSection):
    """What is bought in one basket with what the user buys."""

    quota: int = Field(100, ge=1, description="candidates per user, at most (count)")
    window_days: int = Field(182, ge=1, description="baskets of so many days before as_of (days)")
    min_baskets: int = Field(5, ge=1, description="items in fewer baskets have no neighbours (count)")
    min_together: int = Field(2, ge=1, description="pairs in fewer common baskets are no neighbours (count)")
    shrinkage: float = Field(10.0, ge=0, description="baskets added to each item's count under the cosine (count)")
    neighbours: int = Field(100, ge=1, description="neighbours kept per item (count)")
    max_basket_items: int = Field(
        500, ge=2, description="larger baskets say nothing of taste and cost their square (count)"
    )
    half_life_days: float = Field(
        30.0, gt=0, description="half-life of a purchase's weight in the user's history (days)"
    )
    blocks: int = Field(4, ge=1, description="item blocks that the co-occurrence matrix is counted in (count)")

    @property
    def half_lives_days(self) -> tuple[float, ...]:
        """Of the history that leads to neighbours."""
        return (self.half_life_days,)


class DecayTerm(Section):
    """One term of the repeat score: weight · Σ over baskets of 2^(−age / half-life)."""

    half_life_days: float = Field(description="days after which a purchase counts half (days)", gt=0)
    weight: float = Field(description="factor of this term")


class RepeatConfig(SourceSection):
    """What the user took before, by decayed counts."""

    quota: int = Field(250, ge=1, description="candidates per user, at most (count)")
    terms: tuple[DecayTerm, ...] = Field(
        (DecayTerm(half_life_days=60, weight=1.0), DecayTerm(half_life_days=14, weight=0.5)),
        description="decayed counts of distinct baskets that are summed",
    )
    count_weight: float = Field(0.05, description="factor of the plain count of distinct baskets")

    @property
    def half_lives_days(self) -> tuple[float, ...]:
        """Of its terms."""
        return tuple(term.half_life_days for term in self.terms)


class WindowTerm(Section):
    """One term of the popularity: weight · baskets of the last so many days."""

    days: int = Field(description="window before as_of (days)", ge=1)
    weight: float = Field(description="factor of this term")


class PopularConfig(SourceSection):
    """What is taken most; of data that are pairs without baskets, as in the leaderboard, each pair counts once."""

    quota: int = Field(100, ge=1, description="candidates per user (count)")
    windows: tuple[WindowTerm, ...] = Field(
        (WindowTerm(days=28, weight=1.0), WindowTerm(days=365, weight=0.05 / 13)),
        description="counts that are summed, of the last days (or steps of a sequence)",
        json_schema_extra={
            "tune": [
                [{"days": 28, "weight": 1.0}, {"days": 365, "weight": 0.05 / 13}],
                [{"days": 100_000, "weight": 1.0}],
            ],
            "of_order": True,
        },
    )
    half_life: float | None = Field(
        None,
        gt=0,
        description="age at which a basket or pair counts half (days, or steps); null: alike within a window",
        json_schema_extra={"tune": [None, 4, 7, 14, 28], "of_order": True},
    )


class TrendingConfig(SourceSection):
    """What is taken more than before: (n − e) / √(e + shrinkage), e from the days before the window."""

    quota: int = Field(50, ge=1, description="candidates per user (count)")
    window_days: int = Field(28, ge=1, description="window before as_of (days)")
    baseline_days: int = Field(84, ge=1, description="days before the window that the expectation comes from (days)")
    shrinkage: float = Field(5.0, gt=0, description="variance added, so that rare items don't jump (count)")


class MemberConfig(Section):
    """A member of the retrieval family as a source."""

    quota: int = Field(100, ge=1, description="candidates per user, at most (count)")
    exclude_seen: bool = Field(True, description="leave out what the user already took, which repeat proposes")
    settings: SerializeAsAny[Section] = Field(
        description="the member's own, of the class that its declaration names; what is left out is as there"
    )


def settings_of(source: Source, values: Any) -> Section:
    """Settings of a source, checked against the class that its declaration names.

    Raises ValidationError with the path ``<name>.settings.<field>``; for a field that does not exist it lists those
    that do.
    """
    if isinstance(values, source.settings):
        return values
    try:
        return source.settings.model_validate(values)
    except ValidationError as problem:
        context = {"name": source.name, "there": ", ".join(source.settings.model_fields)}
        unknown = PydanticCustomError("no_such_setting", "{name} has no such setting; there are: {there}", context)
        wrong: list[InitErrorDetails] = [
            {
                "type": unknown if e["type"] == "extra_forbidden" and len(e["loc"]) == 1 else e["type"],
                "loc": (source.name, "settings", *e["loc"]),
                "input": None,
                "ctx": e.get("ctx", {}),
            }
            for e in problem.errors()
        ]
        raise ValidationError.from_exception_data(source.settings.__name__, wrong, hide_input=True) from None


def _declared(registry: Registry[Source], name: str) -> Source:
    """Raises ValueError, which pydantic gives the path of the setting, where there is none of that name."""
    try:
        return registry[name]
    except FuserankError as problem:
        raise ValueError(str(problem)) from None


Segment = Literal["new", "light", "heavy"]
SEGMENTS: tuple[Segment, ...] = get_args(Segment)


class SegmentsConfig(Section):
    """Users by how much is known of them, and how deep each source is read for each kind."""

    new_baskets: int = Field(5, ge=0, description="`new`: at most so many distinct baskets (count)")
    heavy_baskets: int = Field(50, ge=1, description="`heavy`: more than so many (count); `light`: between the two")
    quotas: dict[Segment, dict[str, Annotated[int, Field(ge=0)]]] | None = Field(
        None,
        description=(
            "segment → source → candidates per user, at most (count): a source that a segment does not name gives it "
            "none, a segment that is not named keeps the sources' own quotas. null: all users have these"
        ),
    )

    @field_validator("quotas")
    @classmethod
    def _of_sources(cls, quotas: dict[Segment, dict[str, int]] | None) -> dict[Segment, dict[str, int]] | None:
        for name in (n for of in (quotas or {}).values() for n in of):
            _declared(SOURCES, name)
        return quotas

    @model_validator(mode="after")
    def _light_lies_between(self) -> SegmentsConfig:
        if self.heavy_baskets <= self.new_baskets:
            raise ValueError(f"heavy_baskets={self.heavy_baskets} must be above new_baskets={self.new_baskets}")
        return self


class CandidatesConfig(Section):
    """Which sources run, and how."""

    sources: tuple[str, ...] = Field(
        tuple(s.name for s in SOURCES if s.default),
        min_length=1,
        description=(
            "sources that a run makes: als, co_purchase, repeat, popular, trending, and members of the retrieval family"
            " (docs/models.md); one alone can be redone. trending is off: on completejourney the fusion is as good"
            " without it"
        ),
    )
    members: dict[str, MemberConfig] = Field(
        default_factory=dict, description="members of the retrieval family, by name, where they are not as by default"
    )
    hide_disliked: bool = Field(
        True,
        description=(
            "leave out of a user's candidates, of every source, and of the fillers of the user's list what the user"
            " disliked: the latest feedback on the item, neutral feedback included, has a negative reward"
        ),
    )
    max_rows: int | None = Field(
        4_000_000,
        ge=1,
        description=(
            "rows of users and items that the sources propose together as of a day, at most (count); where the quotas "
            "ask for more they shrink, and the run says so. null: no limit"
        ),
    )
    als: AlsConfig = AlsConfig()
    co_purchase: CoPurchaseConfig = CoPurchaseConfig()
    repeat: RepeatConfig = RepeatConfig()
    popular: PopularConfig = PopularConfig()
    trending: TrendingConfig = TrendingConfig()
    segments: SegmentsConfig = SegmentsConfig()

    @field_validator("sources")
    @classmethod
    def _there(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for name in sources:
            _declared(SOURCES, name)
        return sources

    @field_validator("members", mode="before")
    @classmethod
    def _typed(cls, values: Any) -> Any:
        """Settings of each member as its own class."""
        if not isinstance(values, Mapping):
            return values  # pydantic says what is wrong
        typed = {}
        for name, member in values.items():
            source = _declared(members(), name)
            typed[name] = (
                member
                if not isinstance(member, Mapping)
                else {**member, "settings": settings_of(source, member.get("settings", {}))}
            )
        return typed

    def member(self, name: str) -> MemberConfig:
        """The settings of a source that is a member of the retrieval family."""
        return self.members.get(name) or MemberConfig(settings=SOURCES[name].settings())

    def of_source(self, name: str) -> Section:
        """The settings of a source, of the class that its declaration names."""
        section: Section = getattr(self, name) if SOURCES[name].section else self.member(name).settings
        return section

    def quota_in(self, segment: Segment, name: str) -> int:
        """Candidates per user of a source, at most, for users of the segment."""
        of_segment = (self.segments.quotas or {}).get(segment)
        return self._own_quota(name) if of_segment is None else of_segment.get(name, 0)

    def quota(self, name: str) -> int:
        """The same for users of any."""
        return max(self.quota_in(segment, name) for segment in SEGMENTS)

    def _own_quota(self, name: str) -> int:
        return int(getattr(self, name).quota) if SOURCES[name].section else self.member(name).quota

    def with_quotas(self, quotas: Mapping[str, int], deeper: bool = True) -> CandidatesConfig:
        """The same with other quotas of these sources; unless ``deeper``, of each the smaller."""
        least = {n: q if deeper else min(q, self._own_quota(n)) for n, q in quotas.items()}
        own = {n: getattr(self, n).model_copy(update={"quota": q}) for n, q in least.items() if SOURCES[n].section}
        other = {n: self.member(n).model_copy(update={"quota": q}) for n, q in least.items() if n not in own}
        by_segment = self.segments.quotas and {
            segment: {n: min(q, quotas.get(n, q)) for n, q in of.items()}
            for segment, of in self.segments.quotas.items()
        }
        segments = self.segments.model_copy(update={"quotas": by_segment})
        return self.model_copy(update={**own, "members": {**self.members, **other}, "segments": segments})

    def rows_wanted(self, users: int, pairs: int) -> int:
        """Rows that the quotas allow for so many users; ``pairs``: of users and items that
        they took, all that a bounded source has.
        """
        return sum(self._rows_of(name, users, pairs) for name in self.sources)

    def within(self, users: int, pairs: int) -> CandidatesConfig:
        """The same with quotas that keep ``max_rows``: all shrink alike, bounded
        ones only where they alone would take half.
        """
        limit = self.max_rows
        if limit is None or self.rows_wanted(users, pairs) <= limit:
            return self
        quotas: dict[str, int] = {}
        bounded = [name for name in self.sources if SOURCES[name].bounded]
        half, own = limit // 2, {name: self._rows_of(name, users, pairs) for name in bounded}
        for name in bounded:
            if sum(own.values()) > half:
                quotas[name] = max(1, half // len(bounded) // users)
            limit -= min(own[name], users * quotas.get(name, self.quota(name)))
        others = [name for name in self.sources if name not in bounded]
        share = limit / max(1, sum(self._rows_of(name, users, pairs) for name in others))
        quotas |= {name: min(self.quota(name), max(1, int(self.quota(name) * share))) for name in others}
        return self.with_quotas(quotas, deeper=False)

    def _rows_of(self, name: str, users: int, pairs: int) -> int:
        rows = users * self.quota(name)
        return min(rows, pairs) if SOURCES[name].bounded else rows
