"""Pieces on their way into a landing folder, each exactly once, whenever a run is cut off.

A piece's name follows from the cursor that it was fetched by. It is written beside, moved to its name, and only then
the cursor moves on: a run that died between the two fetches the piece again and writes it over itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from fuserank.common.errors import FuserankError
from fuserank.privacy.keys import Key

STATE = "_cursor.json"  # its name hides it from bronze, as Hadoop and Spark hide such names


class FetchError(FuserankError):
    """A source did not give what it was asked for; names it, the answer and the cure."""


@dataclass(frozen=True)
class Piece:
    """A file to write, and the cursor after it; without a name only the cursor moves.

    ``fixed``: the name says all that is in it, so one that is there already is it, and stays as bronze may know it.
    ``deleted``: rows that the source took away.
    """

    name: str | None
    write: Callable[[IO[bytes]], None]
    cursor: Mapping[str, Any]
    rows: int = 0
    fixed: bool = False
    deleted: int = 0


@dataclass(frozen=True)
class Hide:
    """Which fields of a row are replaced by pseudonyms, and which are kept at all."""

    key: Key
    replaced: frozenset[str]
    columns: frozenset[str]

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as it may lie on a disk."""
        return self.key.row(row, self.replaced, self.columns)


class Connector(Protocol):
    """A kind of source."""

    def fetch(self, cursor: Mapping[str, Any]) -> Iterator[Piece]:
        """What is new since the cursor ({} at first), in pieces that may each be the last.

        :raises FetchError: the source cannot be read; what came before stays
        """


@dataclass
class Landed:
    """What one run brought."""

    files: int = 0
    rows: int = 0
    bytes: int = 0
    deleted: int = 0


def land(connector: Connector, folder: Path, report: Callable[[Landed], None] = lambda landed: None) -> Landed:
    """Write all pieces into the folder; ``report`` is called after each."""
    folder.mkdir(parents=True, exist_ok=True)
    landed = Landed()
    for piece in connector.fetch(read_cursor(folder)):
        if piece.name is not None:
            landed.files += 1
            landed.rows += piece.rows
            target = folder / piece.name
            there = piece.fixed and target.exists()
            landed.bytes += target.stat().st_size if there else _put(target, piece.write)
        landed.deleted += piece.deleted
        _put(folder / STATE, lambda out, piece=piece: _dump(piece.cursor, out))  # type: ignore[misc]
        report(landed)
    return landed


def read_cursor(folder: Path) -> dict[str, Any]:
    """Where the last run ended; {} before the first.

    :raises FetchError: the file was changed by others
    """
    try:
        found = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise FetchError(f"{folder / STATE} is no cursor ({problem}); take it away to fetch all again") from problem
    return dict(found)


def require_same_key(folder: Path, fingerprint: str | None) -> None:
    """Refuse a folder that was filled with ids as they came, or with pseudonyms of another key than this one's.

    :raises FetchError: names the folder and the cure
    """
    cursor = read_cursor(folder)
    if cursor and cursor.get("key") != fingerprint:
        was = (
            "pseudonyms of another key, or of one that the mapping no longer names"
            if "key" in cursor
            else "ids as they came"
        )
        raise FetchError(f"{folder} was fetched with {was}; move the folder away and fetch again")


def _dump(cursor: Mapping[str, Any], out: IO[bytes]) -> None:
    out.write(json.dumps(cursor, sort_keys=True).encode())


def _put(target: Path, write: Callable[[IO[bytes]], None]) -> int:
    """All of the file or nothing: written beside, synced, moved. Returns its bytes."""
    beside = target.with_name(f".{target.name}.tmp")
    with beside.open("wb") as out:
        write(out)
        out.flush()
        os.fsync(out.fileno())
        size = out.tell()
    beside.replace(target)
    return size
