"""The beginning of a file of this machine: unpacked, and in which character set it is written."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import IO, Any

from fuserank.common.errors import FuserankError

OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
HEAD_BYTES = 1 << 20
_ENCODING_BYTES = 1 << 26
_BROKEN = (OSError, EOFError, zlib.error)
_NOT_TEXT = (
    (rb"\x1f\x8b", "it is packed by gzip: its name must end in .gz"),
    (rb"BZh[1-9]1AY&SY", "it is packed by bzip2: its name must end in .bz2"),
    (rb"PK\x03\x04", "it is ZIP or Excel; write CSV, JSON lines or Parquet"),
    (rb"PAR1\x15", "it is Parquet: its name must end in .parquet"),
)
# Where Latin-1 has nothing, windows-1252 has the signs that people write: € ‚ „ … Œ ‘ ’ “ ” • – — ™ œ
_WINDOWS = frozenset(b"\x80\x82\x84\x85\x8c\x91\x92\x93\x94\x95\x96\x97\x99\x9c")


class CannotReadError(Exception):
    """Why a file is left out."""


def open_file(file: Path) -> IO[bytes]:
    """Its bytes, unpacked.

    :raises CannotReadError: it cannot be opened
    """
    opener = OPENERS.get(file.suffix.lower())
    try:
        found: IO[bytes] = opener(file, "rb") if opener else file.open("rb")
        return found
    except OSError as problem:
        raise CannotReadError(str(problem)) from problem


def head(file: Path, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a text.

    :raises CannotReadError: its packing is broken, it is empty, or it is no text
    """
    try:
        with open_file(file) as stream:
            found = stream.read(size)
    except _BROKEN as problem:
        raise CannotReadError(f"its packing is broken: {problem}") from problem
    if not found:
        raise CannotReadError("it is empty")
    for start, why in _NOT_TEXT:
        if re.match(start, found):
            raise CannotReadError(why)
    return found


def encoding(file: Path, declared: str | None) -> str:
    """The character set, as Java calls it: by its mark, as UTF-8 where all is, else ``declared``, else the likeliest.

    :raises CannotReadError: it is none that can be told
    """
    first = head(file, _ENCODING_BYTES)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    if first[:2000:2].count(0) > len(first[:2000]) / 5:
        return "UTF-16BE"
    if first[1:2000:2].count(0) > len(first[:2000]) / 5:
        return "UTF-16LE"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return declared or _legacy(first)
    return "UTF-8"


def has_mark(file: Path) -> bool:
    """Whether a text begins with the mark of UTF-8, which DuckDB takes for JSON that is none."""
    return head(file, 3) == codecs.BOM_UTF8


def refuse_unknown(name: str) -> None:
    """Raise where no character set is called so."""
    try:
        codecs.lookup(name)
    except LookupError:
        raise FuserankError(f"--encoding {name!r} is no character set, such as windows-1252 or Shift_JIS") from None


def _legacy(first: bytes) -> str:
    """Latin-1, or Windows' set with € and „, where they can be told from what else
    there is: by few bytes above ASCII.
    """
    if sum(b > 127 for b in first) < 0.25 * len(first):
        between = set(re.findall(rb"[\x80-\x9f]", first))
        if not between:
            return "ISO-8859-1"
        if {b[0] for b in between} <= _WINDOWS:
            return "windows-1252"
    raise CannotReadError(
        "its characters are neither UTF-8 nor Latin-1: say which by --encoding, such as windows-1251, Shift_JIS or"
        " GB18030"
    )


def utf8_copy(file: Path, copy: Path, charset: str, lines: int) -> int:
    """Write at most ``lines`` lines as UTF-8; returns how many there were.

    :raises CannotReadError: its packing is broken
    """
    written, charset = 0, "utf-8-sig" if charset == "UTF-8" else charset
    try:
        with open_file(file) as raw, copy.open("w", encoding="utf-8", newline="") as out:
            for line in io.TextIOWrapper(raw, charset, errors="replace", newline=""):
                if written == lines:
                    break
                out.write(line)
                written += 1
    except _BROKEN as problem:
        raise CannotReadError(f"its packing is broken: {problem}") from problem
    return written
