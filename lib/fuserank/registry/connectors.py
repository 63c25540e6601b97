"""The kinds of places that a table is fetched from, each one declaration: ``connect.<table>.kind`` names one.

A new kind is a settings class, a module with the class that fetches, and a line here; docs/add-a-connector.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, SerializeAsAny

from fuserank.common.errors import FuserankError
from fuserank.config.mapping import connect as c
from fuserank.registry import Registry, loaded

Need = Literal["hide", "say", "spark", "folder"]
FROM_THE_BEGINNING = "from the beginning"


@dataclass(frozen=True)
class Connector:
    """One kind.

    :param name: its ``kind`` in a mapping
    :param settings: its section of a mapping
    :param fetches: ``module:class``; called with the settings and what it needs, it has ``fetch(cursor)`` as
        ``sources.connectors.landing`` says
    :param place: the field of its settings that says where from
    :param since: a cursor that is not empty, and whether ids are hidden → where the next run begins, in words.
        With ids hidden it repeats no mark of a page that the source gave: it may be somebody's id
    :param needs: keyword arguments of the class. ``hide``: how rows lose their ids before they are landed (None without
        pseudonyms); ``say``: takes a line for whoever watches; ``spark``: a session; ``folder``: where pieces land
    :param format: what its files are; None where it brings them as they lie there
    :param deletes: whether it tells how many rows the source took away
    """

    name: str
    settings: type[c.Connected]
    fetches: str
    place: str
    since: Callable[[Mapping[str, Any], bool], str]
    needs: frozenset[Need] = frozenset()
    format: Literal["jsonl", "parquet"] | None = None
    deletes: bool = False

    @property
    def hides(self) -> bool:
        """Whether rows can lose their ids on the way, before they lie on a disk."""
        return "hide" in self.needs

    def made(self, config: c.Connected, makers: Mapping[Need, Callable[[], Any]]) -> Any:
        """The object that fetches. Of ``makers`` it calls only those that it needs."""
        return loaded(self.fetches)(config, **{need: makers[need]() for need in sorted(self.needs)})

    def from_where(self, config: c.Connected) -> str:
        """Folder, URL or name of what is read; no secret stands in it."""
        return str(getattr(config, self.place))

    def goes_on(self, cursor: Mapping[str, Any], hidden: bool) -> str:
        """Where the next run begins, in words; ``hidden`` as for ``since``."""
        return self.since(cursor, hidden) if cursor else FROM_THE_BEGINNING


def _pages_since(cursor: Mapping[str, Any], hidden: bool) -> str:
    if "page" in cursor:
        return f"goes on at page {cursor['page'] if not hidden or isinstance(cursor['page'], int) else '…'}"
    return f"since {cursor['since']}" if "since" in cursor else FROM_THE_BEGINNING


def _crawled_since(cursor: Mapping[str, Any], hidden: bool) -> str:
    if "run" not in cursor:
        return FROM_THE_BEGINNING
    pages = f"{len(cursor['pages'])} pages are known"
    return f"{pages}, run {cursor['run']} {'is done' if cursor.get('finished') else 'goes on'}"


def _contents_since(cursor: Mapping[str, Any], hidden: bool) -> str:
    return f"{len(cursor['seen'])} contents came before" if "seen" in cursor else FROM_THE_BEGINNING


def _version_since(cursor: Mapping[str, Any], hidden: bool) -> str:
    if "snapshot" in cursor:
        return f"goes on with all of version {cursor['snapshot']}"
    if "version" not in cursor:
        return FROM_THE_BEGINNING
    return f"since version {cursor['version']}; {cursor['deleted']:,} rows were deleted there so far"


CONNECTORS: Registry[Connector] = Registry(
    "connector",
    [
        Connector(
            "rest",
            c.RestConfig,
            "fuserank.sources.connectors.rest:RestConnector",
            place="url",
            since=_pages_since,
            needs=frozenset({"hide"}),
            format="jsonl",
        ),
        Connector(
            "crawl",
            c.CrawlConfig,
            "fuserank.sources.connectors.crawl:CrawlConnector",
            place="url",
            since=_crawled_since,
            needs=frozenset({"say"}),
            format="jsonl",
        ),
        Connector(
            "folder",
            c.FolderConfig,
            "fuserank.sources.connectors.folder:FolderConnector",
            place="path",
            since=_contents_since,
        ),
        Connector(
            "delta",
            c.DeltaConfig,
            "fuserank.sources.connectors.delta:DeltaConnector",
            place="path",
            since=_version_since,
            needs=frozenset({"spark", "folder", "say"}),
            format="parquet",
            deletes=True,
        ),
    ],
)


def _of_its_kind(raw: Any) -> c.Connected:
    """Settings of the kind that the mapping names; ValueError, or pydantic's own with a line for each wrong key."""
    if isinstance(raw, c.Connected):
        return raw
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind is None:
        raise ValueError(f"kind says where from: {', '.join(CONNECTORS.names)}")
    try:
        declared = CONNECTORS[str(kind)]
    except FuserankError as unknown:
        raise ValueError(str(unknown)) from None
    return declared.settings.model_validate(raw)


# A field of a mapping with the settings of any kind there is, looked up when a mapping is read.
ConnectConfig = Annotated[SerializeAsAny[c.Connected], PlainValidator(_of_its_kind)]
