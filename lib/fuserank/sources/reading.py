"""How files are read: reader options by format, and what must be there before a row is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.common.casting import accepts
from fuserank.common.errors import IngestError
from fuserank.tables.bronze import ENVELOPE, bronze_name

if TYPE_CHECKING:
    from fuserank.config.dataset import FilesConfig

CORRUPT = "_corrupt"


def reader_options(files: FilesConfig) -> dict[str, str]:
    """Options of Spark's own readers. CSV follows RFC 4180: header, doubled quotes, line breaks inside quotes."""
    if files.format in {"parquet", "sequences"}:
        return {}
    common = {"encoding": files.encoding, "mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
    if files.format == "jsonl":
        return {**common, "multiLine": "false", "primitivesAsString": "true"}
    quoting = {"quote": '"', "escape": '"', "sep": files.delimiter, "maxCharsPerColumn": "-1"}
    return {**common, **quoting, "header": str(files.header).lower(), "multiLine": "true", "inferSchema": "false"}


def check_columns(found: Sequence[tuple[str, str]], files: FilesConfig, file: str) -> None:
    """Refuse a file that lacks a declared column or holds another kind of thing in it.

    :param found: (name, Spark type) of the file's columns, as they came
    :raises IngestError: names file, column and cure
    """
    types = dict(found)
    names = [bronze_name(name).lower() for name in types]
    for name in types:
        if bronze_name(name) in {c.name for c in ENVELOPE}:
            raise IngestError("the name is taken by bronze's own columns", file=file, column=name, cure="rename it")
        if names.count(bronze_name(name).lower()) > 1:
            raise IngestError("two columns have this name in bronze", file=file, column=name, cure="rename one of them")
    for name, column in files.columns.items():
        if name not in types:
            close = next((n for n in types if n.strip().lower() == name.strip().lower()), None)
            cure = (
                f"write {close!r} in the mapping"
                if close
                else f"the file has {', '.join(types) or 'none of the declared ones'}; mend the mapping or the file"
            )
            raise IngestError("the column is missing", file=file, column=name, cure=cure)
        if not accepts(types[name], column.type):
            raise IngestError(
                f"the column holds {types[name]}, the mapping says {column.type}",
                file=file,
                column=name,
                cure=_cure(types[name]),
            )


def declared(found: Sequence[tuple[str, str]], files: FilesConfig) -> list[tuple[str, str]]:
    """The columns found whose names the mapping knows, but for case and outer blanks."""
    known = {bronze_name(name.strip()).lower() for name in files.columns}
    return [(name, kind) for name, kind in found if bronze_name(name.strip()).lower() in known]


def _cure(found: str) -> str:
    if found in {"float", "double"}:
        return "declare it long (whole numbers) or double"
    return "declare the type that it has, or leave the column out of the mapping"
