"""What a leaderboard is asked for: models, their settings, the data's layout."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.config.base import Section
from fuserank.evaluation import tracks
from fuserank.registry.raters import Rater
from fuserank.registry.sources import Source, floor, recommenders

CHAIN_ONLY = {"quota"}  # of the settings of a recommender that has a section of its own in the chain
LAYOUTS = {"events": "temporal", "sequences": "leave-one-out", "pairs": "given-split"}


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    data: str
    layout: str
    models: tuple[str, ...]
    ks: tuple[int, ...]
    tune: int = 0
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # model → field → value
    track: str = "new"
    attributes: str | None = None  # a file that says what the items of lines are
    minutes: float | None = None  # no model is begun later than that; None: all are
    social: str | None = None  # a file of lines `user other other …` that says whom users trust
    against: str | None = None  # the recommender that rows are set against in pairs; None: the floor of the track

    @property
    def named(self) -> str:
        """What the data is called: the last part of its path; of a track of its own kind the track, too."""
        return f"{self.data} {self.track}" if self.track.startswith(("cold", "never", "next")) else Path(self.data).name

    @property
    def repeats(self) -> bool:
        """Whether lists may hold what a user had taken before."""
        return self.track in tracks.REPEATS

    @property
    def apart(self) -> bool:
        """Whether own items and others are judged apart, too."""
        return self.track in tracks.APART

    @property
    def floor(self) -> str:
        """The recommender that the others must pass."""
        return self.against or floor(self.track)

    @property
    def protocol(self) -> str:
        """How data of this layout is split."""
        return LAYOUTS[self.layout]

    @property
    def members(self) -> tuple[str, ...]:
        """Every recommender that is named, alone or in a fusion, once and in order."""
        return tuple(dict.fromkeys(name for model in self.models for name in model.split("+")))

    def configs(self) -> dict[str, Section]:
        """The settings of each; raises FuserankError where a name, field or value is wrong."""
        for model in self.models:
            names = model.split("+")
            if len(set(names)) < len(names):
                raise FuserankError(f"{model} names a recommender twice")
        there = recommenders()
        if length := [name for name, fields in self.settings.items() if CHAIN_ONLY & fields.keys()]:
            raise FuserankError(f"{length[0]}.quota is of the chain's candidates; --k says how long lists are here")
        configs = {name: checked(there[name], self.settings.get(name, {})) for name in self.members}
        known = self.layout == "events" or self.attributes is not None
        lacking = [name for name in self.members if there[name].content and not known]
        if lacking:
            raise FuserankError(
                f"layout {self.layout} does not tell what items are, which {', '.join(lacking)} learns from"
            )
        if self.layout == "pairs" and (ordered := [name for name in self.members if there[name].baskets]):
            raise FuserankError(
                f"layout pairs does not tell in which order items were taken, which {', '.join(ordered)} learns from;"
                " layouts sequences and events do"
            )
        refuse_stray(self.settings, configs)
        return configs


def refuse_stray(settings: Collection[str], models: Collection[str]) -> None:
    """Raises FuserankError where there are settings for a model that is not named."""
    if stray := sorted(set(settings) - set(models)):
        raise FuserankError(f"settings for {', '.join(stray)}, which --models does not name")


def checked(source: Source | Rater, values: dict[str, Any]) -> Section:
    """The settings of a member; raises FuserankError that names it and the field, and the fields that there are."""
    try:
        return source.settings.model_validate(values)
    except ValidationError as problem:
        there = ", ".join(name for name in source.settings.model_fields if name not in CHAIN_ONLY)
        wrong = [
            f"{source.name}.{'.'.join(map(str, e['loc']))}: "
            + ("there is no such setting" if e["type"] == "extra_forbidden" else e["msg"])
            for e in problem.errors()
        ]
        raise FuserankError(f"{'; '.join(wrong)}; {source.name} has: {there}") from None


def refuse_missing(request: Request) -> None:
    """Raises FuserankError where a file of the data is not there."""
    path = Path(request.data)
    if request.attributes is not None and not Path(request.attributes).is_file():
        raise FuserankError(f"there is no file {request.attributes}; --attributes is a JSON object of items")
    if request.social is not None and not Path(request.social).is_file():
        raise FuserankError(f"there is no file {request.social}; --social is one file of lines `user other other …`")
    files = {"pairs": [path / "train.txt", path / "test.txt"], "sequences": [path]}.get(request.layout, [])
    for file in files:
        if not file.is_file():
            kind = "a folder with train.txt and test.txt" if request.layout == "pairs" else "one file of lines"
            raise FuserankError(
                f"there is no file {file}; --data of layout {request.layout} is {kind} `user item item …`"
            )
