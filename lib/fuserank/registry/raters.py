"""Raters: what predicts the rating that a user would give an item, one declaration each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.registry import Registry, loaded

if TYPE_CHECKING:
    from fuserank.config.base import Section


@dataclass(frozen=True, kw_only=True)
class Rater:
    """One rater. ``module`` has ``learn(ratings, settings, seed)`` (``learning.ratings.contract``); ``config``:
    module:class of its settings.
    """

    name: str
    label: str
    module: str
    config: str

    @property
    def settings(self) -> type[Section]:
        """The class of its settings."""
        return loaded(self.config)  # type: ignore[no-any-return]

    def code(self, attribute: str) -> Any:
        """``attribute`` of its module."""
        return loaded(f"{self.module}:{attribute}")


# the first is the floor, which all others must pass
RATERS: Registry[Rater] = Registry(
    "rater",
    (
        Rater(
            name="bias",
            label="user + item bias",
            module="fuserank.learning.ratings.bias",
            config="fuserank.learning.ratings.settings:BiasConfig",
        ),
        Rater(
            name="time_svd_pp",
            label="timeSVD++",
            module="fuserank.learning.ratings.time_svd_pp",
            config="fuserank.learning.ratings.settings:TimeSvdPpConfig",
        ),
    ),
)
