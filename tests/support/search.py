"""Looks for a text in everything that a run left behind: plain bytes, and the cells
of Parquet, which may be compressed, or of a lake in memory.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.io.lake import memory_place


def files_with(text: str, *places: Path) -> list[Path]:
    """The files under ``places`` that hold the text, as it stands or in base64, in
    their bytes, names or Parquet cells.
    """
    found = []
    for place in places:
        for file in sorted(p for p in place.rglob("*") if p.is_file()):
            content = file.read_bytes() + str(file.relative_to(place)).encode()
            if file.suffix == ".parquet" and not file.name.startswith("."):
                content += _cells(pq.read_table(file, partitioning=None))
            if any(form in content for form in _forms(text)):
                found.append(file)
    return found


def tables_with(text: str, root: str) -> list[str]:
    """The tables of the lake in memory ``root`` that hold the text in a cell of any of their versions."""
    commits = memory_place.LAKES[root].commits
    return [
        name
        for name, versions in sorted(commits.items())
        if any(form in _cells(version.rows) for version in versions for form in _forms(text))
    ]


def _cells(table: pa.Table) -> bytes:
    """Every cell with text in it, lists and maps flattened."""
    return "\n".join(str(column.to_pylist()) for column in table.columns if _has_text(column.type)).encode()


def _has_text(kind: pa.DataType) -> bool:
    nested = [kind.field(n).type for n in range(kind.num_fields)]
    return pa.types.is_string(kind) or pa.types.is_binary(kind) or any(_has_text(t) for t in nested)


def _forms(text: str) -> list[bytes]:
    """The text, and its base64 wherever it begins in a group of three bytes."""
    raw = text.encode()
    coded = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 :] for shift in range(3)]
    return [raw, *(form.rstrip(b"=")[:-1] for form in coded)]
