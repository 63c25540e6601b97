"""What a file is, by its name and its first lines."""

from __future__ import annotations

from pathlib import Path

from fuserank.sources.onboarding.scan import encoding
from fuserank.sources.onboarding.scan.looks import Format

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".dat": "csv",
    ".data": "csv",
    ".psv": "csv",
    ".inter": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_MARKS = (",", ";", "|", "\t", '"', "::")  # of CSV, not of lines of items
_UNREADABLE = {".zst": "Zstandard", ".zip": "ZIP", ".xz": "xz", ".7z": "7-Zip", ".xlsx": "Excel", ".xls": "Excel"}


def format_of(file: Path) -> Format:
    """By its ending; KeyError where that says none."""
    return _SUFFIXES[_suffixes(file)[0]]


def _suffixes(file: Path) -> tuple[str, str]:
    """(ending, packing), in lower case: events.csv.gz → (.csv, .gz)."""
    ends = [s.lower() for s in file.suffixes]
    packed = ends[-1] if ends and ends[-1] in encoding.OPENERS else ""
    rest = ends[:-1] if packed else ends
    return (rest[-1] if rest else ""), packed


def why_not(file: Path) -> str | None:
    """Why a file cannot be read, by its name and size; None where it may be."""
    ending, _ = _suffixes(file)
    last = file.suffix.lower()
    if last in _UNREADABLE:
        return f"{_UNREADABLE[last]} files cannot be read; write CSV, JSON lines or Parquet, gzip or bzip2 around it"
    if ending not in _SUFFIXES:
        return "its ending says no format that can be read"
    if file.stat().st_size == 0:
        return "it is empty"
    return None


def is_sequences(file: Path) -> bool:
    """Lines of tokens between blanks, of many lengths, with no other delimiter: `user item item …`."""
    lines = encoding.head(file).decode("utf-8", "replace").splitlines()[:-1][:1000]
    if len(lines) < 2 or any(d in line for line in lines for d in _MARKS):
        return False
    return len({len(line.split()) for line in lines}) > 1
