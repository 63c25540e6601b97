"""Folders of Parquet files whose log says which of them count: Delta tables are read by it, Iceberg and Hudi told.

Only what Delta's protocol fixes is used: commits are files ``<20 digits>.json`` of one action a
line, checkpoints Parquet files of the same actions, in one part or several (Delta Transaction Log
Protocol, "Delta Log Entries", "Checkpoints").
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq

from fuserank.common.errors import IngestError

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet")
_NEWER_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)")
_FETCH = "fetch it: connect: {TABLE: {kind: delta, path: …}} in the mapping, then `fuserank fetch` (docs/data.md)"
_WRITE = (
    "write it as Parquet by a reader that knows it, such as spark.table(NAME).write.parquet(FOLDER), and name that"
    " folder"
)


class TableFormatError(IngestError):
    """A table whose files alone do not tell its rows; names the folder and the cure."""


@dataclass
class _Log:
    """What a Delta log has said so far."""

    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    configuration: dict[str, str] = field(default_factory=dict)

    def say(self, action: dict[str, Any]) -> None:
        if added := action.get("add"):
            self.live[added["path"]] = added
        elif removed := action.get("remove"):
            self.live.pop(removed["path"], None)
        if settings := action.get("metaData"):
            self.configuration = dict(settings.get("configuration") or {})


def live_files(folder: Path) -> list[Path]:
    """The Parquet files of a Delta table's newest version, by its log; [] where there is no table."""
    return [_path(folder, quoted) for quoted in _log(folder).live]


def counting(files: Iterable[Path]) -> list[Path]:
    """Of these files those that count: all that are in no table format, and the live ones of Delta tables.

    :raises TableFormatError: one belongs to a table that cannot be read by its files
    """
    live: dict[Path, set[Path]] = {}
    found = []
    for file in files:
        table = table_of(file)
        if table is None:
            found.append(file)
            continue
        if table not in live:
            live[table] = {p.absolute() for p in readable_files(table)}
        if file.absolute() in live[table]:
            found.append(file)
    return found


def table_of(file: Path, known: Callable[[Path], str | None] | None = None) -> Path | None:
    """The folder of the table format that a file lies in, the nearest; None where it lies in none."""
    ask = known or kind_of
    return next((p for p in file.absolute().parents if ask(p)), None)


def kind_of(folder: Path) -> str | None:
    """Delta, Iceberg or Hudi; None where a folder is none of them."""
    if (folder / "_delta_log").is_dir():
        return "Delta"
    if (folder / ".hoodie").is_dir():
        return "Hudi"
    if (folder / "metadata").is_dir() and any((folder / "metadata").glob("*.metadata.json")):
        return "Iceberg"
    return None


def readable_files(folder: Path) -> list[Path]:
    """The live files of a Delta table that are all of its rows.

    :raises TableFormatError: it is another table format, or a Delta table whose files hold more than its rows
    """
    kind = kind_of(folder)
    if kind != "Delta":
        raise TableFormatError(
            f"it is a table of {kind}, whose files alone do not say which of their rows count",
            file=str(folder),
            cure=_WRITE,
        )
    log = _log(folder)
    if any(added.get("deletionVector") for added in log.live.values()):
        why = "it is a Delta table with deletion vectors: its files still hold the rows that were deleted"
    elif log.configuration.get("delta.columnMapping.mode", "none") != "none":
        why = "it is a Delta table with column mapping: its files call the columns by other names"
    elif any("://" in path or path.startswith(("/", "file:")) for path in log.live):
        why = "it is a Delta table whose files lie elsewhere: a shallow clone"
    else:
        return [_path(folder, quoted) for quoted in log.live]
    raise TableFormatError(why, file=str(folder), cure=_FETCH)


def _path(folder: Path, quoted: str) -> Path:
    return folder / unquote(quoted)


def _log(folder: Path) -> _Log:
    log, found = folder / "_delta_log", _Log()
    if not log.is_dir():
        return found
    names = sorted(p.name for p in log.iterdir())
    base, parts = _newest_checkpoint(names)
    if any(int(m[1]) > base for n in names if (m := _NEWER_CHECKPOINT.fullmatch(n))):
        raise TableFormatError("its checkpoints are of a newer version of Delta (v2)", file=str(folder), cure=_FETCH)
    for name in parts:
        for action in _saved(log / name):
            found.say(action)
    later = [(int(m[1]), n) for n in names if (m := _COMMIT.fullmatch(n)) and int(m[1]) > base]
    if [version for version, _ in later] != list(range(base + 1, base + 1 + len(later))):
        raise TableFormatError(
            "its Delta log lacks commits", file=str(folder), cure="bring the whole folder _delta_log"
        )
    for _, name in later:
        # a line ends by \n alone: other marks that Python takes for one may stand in texts
        for line in (log / name).read_text(encoding="utf-8").split("\n"):
            if line.strip():
                found.say(json.loads(line))
    return found


def _newest_checkpoint(names: list[str]) -> tuple[int, list[str]]:
    """Version and files of the newest checkpoint of which all parts are there; (-1, []) where there is none."""
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        if found := _CHECKPOINT.fullmatch(name):
            parts.setdefault((int(found[1]), int(found[3] or 1)), []).append(name)
    whole = [(version, files) for (version, count), files in parts.items() if len(files) == count]
    return max(whole, default=(-1, []))


def _saved(file: Path) -> Iterator[dict[str, Any]]:
    """The actions of a checkpoint's file that matter here."""
    there = pq.ParquetFile(file)
    names = [n for n in ("add", "metaData") if n in there.schema_arrow.names]
    for row in there.read(columns=names).to_pylist():
        settings = row.get("metaData")
        if settings and not isinstance(settings.get("configuration"), dict):  # Arrow tells a map as a list of pairs
            row["metaData"] = settings | {"configuration": dict(settings.get("configuration") or [])}
        yield row
