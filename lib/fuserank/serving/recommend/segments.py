"""Which segment a user is in: by what the store knows of the user, else by what the request says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from fuserank.serving.requests import Refused
from fuserank.tables.attributes import USER_CATEGORIES, USER_ROLES

if TYPE_CHECKING:
    from fuserank.serving.store.records import Segment

FIELDS = (*USER_ROLES, *USER_CATEGORIES)  # that segments may be of, whichever a snapshot has


class Belongs(NamedTuple):
    """The segment that a user is in, None: in none; ``why`` in words, which repeat no value."""

    segment: Segment | None
    why: str


class Segments:
    """Lists by segment of one snapshot."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._by_field: dict[str, dict[str, Segment]] = {}
        for segment in segments:
            self._by_field.setdefault(segment.field, {})[segment.value] = segment

    def of(self, known: Mapping[str, object], context: Mapping[str, str]) -> Belongs:
        """The user's segment by the first field of which there is a list; what is known counts before the context."""
        if not self._by_field:
            return Belongs(None, "no segments are published")
        without_list = []
        for field, by_value in self._by_field.items():
            value = known.get(field)
            value = context.get(field) if value is None else value
            if value is None:
                continue
            if (segment := by_value.get(str(value))) is not None:
                return Belongs(segment, f"what is taken most by users of the same {field}")
            without_list.append(field)
        if without_list:
            return Belongs(None, f"no list is published for users of the same {' or '.join(without_list)}")
        return Belongs(None, f"the user's {' or '.join(self._by_field)} is not known, by which there are segments")


def require_context(context: Mapping[str, str]) -> None:
    """:raises Refused: no segment can be of such a field"""
    if wrong := [name for name in context if name not in FIELDS]:
        there = ", ".join(FIELDS)
        raise Refused(422, "context", f"context: segments are not of {wrong[0]!r}; they may be of: {there}", "context")
