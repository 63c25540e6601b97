"""What the commits of a Delta table did to its rows, by the actions in its log
(Delta Transaction Log Protocol, "Actions").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


@dataclass(frozen=True)
class Commit:
    """One version. ``added``: names of the files with new rows; ``rows`` in them, where all files tell."""

    version: int
    added: tuple[str, ...] = ()
    rows: int | None = 0
    rewrites: bool = False  # changes or deletes rows
    removes: bool = False  # takes files away, be it to lay the same rows out again (OPTIMIZE)
    feed: bool | None = None  # whether changes are recorded from here on; None: nothing was set
    operation: str = "its operation is not told"

    @property
    def brings(self) -> bool:
        """Whether it adds, changes or deletes rows."""
        return bool(self.added) or self.rewrites


@dataclass(frozen=True)
class Stretch:
    """Commits that can be read at once: by one schema, the change feed on or off, their files there at the last."""

    feed: bool
    commits: list[Commit]


def read_commit(version: int, actions: Iterable[tuple[str, Mapping[str, Any]]]) -> Commit:
    """The commit that the actions of its log entry describe."""
    added: dict[str, int | None] = {}
    fields: dict[str, Any] = {}
    for kind, action in actions:
        if kind == "add" and action["dataChange"]:
            added[unquote(action["path"]).rsplit("/", 1)[-1]] = json.loads(action.get("stats") or "{}").get(
                "numRecords"
            )
            if action.get("deletionVector"):  # the file was there before
                fields["rewrites"] = True
        elif kind == "remove":
            fields["removes"] = True
            fields["rewrites"] = fields.get("rewrites", False) or action["dataChange"]
        elif kind == "cdc":
            fields["rewrites"] = True
        elif kind == "metaData":
            fields["feed"] = action.get("configuration", {}).get("delta.enableChangeDataFeed", "false") == "true"
        elif kind == "commitInfo":
            fields["operation"] = action.get("operation", Commit.operation)
    rows = None if None in added.values() else sum(n for n in added.values() if n is not None)
    return Commit(version, tuple(added), rows, **fields)


def stretches(commits: Iterable[Commit], feed: bool) -> Iterator[Stretch]:
    """Commits in the order of versions, as few reads as can be; ``feed``: whether it was on before the first."""
    together: list[Commit] = []
    for commit in commits:
        if together and (commit.feed is not None or (commit.removes and not feed)):
            yield Stretch(feed, together)
            together = []
        feed = feed if commit.feed is None else commit.feed
        together.append(commit)
    if together:
        yield Stretch(feed, together)
