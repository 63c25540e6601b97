"""How files are read: reader options by format, and what must be there before a row is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fuserank.common.errors import IngestError
from fuserank.spellings.casting import accepts
from fuserank.tables.bronze import ENVELOPE, bronze_name

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import FilesConfig

CORRUPT = "_corrupt"
_MOST_CHARACTERS = 1_000_000  # of a cell: where a quote is open, the rest of the file would be one


def reader_options(files: FilesConfig) -> dict[str, str]:
    """Options of Spark's own readers.

    CSV follows RFC 4180 unless told: header, doubled quotes, line breaks inside quotes.
    """
    if files.format in {"parquet", "sequences"}:
        return {}
    common = {"encoding": files.encoding, "mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT}
    if files.format == "json":  # told no encoding the parser knows the mark of UTF-8
        return {
            "mode": "PERMISSIVE",
            "columnNameOfCorruptRecord": CORRUPT,
            "multiLine": "true",
            "primitivesAsString": "true",
        }
    if files.format == "jsonl":
        return {**common, "multiLine": "false", "primitivesAsString": "true"}
    quote = "" if files.quote == "none" else files.quote
    quoting = {
        "quote": quote,
        "escape": files.escape or quote,
        "sep": files.delimiter,
        "maxCharsPerColumn": str(_MOST_CHARACTERS),
    }
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
            if column.optional and not _in_other_case(name, types):
                continue
            raise IngestError(
                "the column is missing", file=file, column=name, cure=_cure_of_missing(name, list(types), files)
            )
        if not accepts(types[name], column.type, column.pattern):
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


def _in_other_case(name: str, names: Iterable[str]) -> bool:
    """Whether it is there under a name that bronze takes for the same: it is not lacking, but spelled otherwise."""
    return any(n.strip().lower() == name.strip().lower() for n in names)


def _cure_of_missing(name: str, names: Sequence[str], files: FilesConfig) -> str:
    """The likeliest cause: spelling, a name that is there twice, the delimiter, the header, the characters."""
    close = next((n for n in names if n.strip().lower() == name.strip().lower()), None)
    if close:
        return f"write {close!r} in the mapping"
    listed = ", ".join(n if n.isprintable() else ascii(n)[1:-1] for n in names) or "none of the declared ones"
    if names and files.format == "csv" and files.header:
        # as Spark tells equal names apart
        if sum(n.lower() == f"{name}{place}".lower() for place, n in enumerate(names)) > 1:
            return "the header has this name more than once; rename one of them in the file"
        if names[0].lower().startswith("sep="):
            return "the first line is no header: write skip: 1 in the mapping"
        other = next((d for d in ",;\t|" if d != files.delimiter and d in names[0]), None)
        if len(names) == 1 and other:
            return f"the header has no {files.delimiter!r}: write delimiter: {other!r} in the mapping"
        if any("\ufffd" in n or "\0" in n for n in names):
            return f"the file has {listed}, so its characters are not {files.encoding}: fix encoding in the mapping"
        if not any(n.lower() in {c.lower() for c in files.columns} for n in names):
            return (
                f"the first line has {listed}: fix the mapping, or write header: false and the columns _c0, _c1, …"
                " in it"
            )
    return f"the file has {listed}; fix the mapping or the file"


def _cure(found: str) -> str:
    if found in {"float", "double"}:
        return "declare it long (whole numbers) or double"
    return "declare the type that it has, or leave the column out of the mapping"
