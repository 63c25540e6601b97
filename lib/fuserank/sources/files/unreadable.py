"""What Spark says of a file that it cannot read, in words that name the cure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fuserank.common.errors import IngestError
from fuserank.io.runtime.executors import root_cause

# What the innermost cause says → the problem and the cure.
_WORDS = (
    (
        r"Unexpected end of input stream|EOFException",
        "its packing ends too early: the file was cut off, or is empty",
        "bring it whole",
    ),
    (
        r"not a gzip file|incorrect header check|not in GZIP format|not a BZip2|Stream is not BZip2",
        "its name says that it is packed, its bytes do not",
        "give it the name of what it is, or pack it",
    ),
    (
        r"exceeds the maximum number of characters",
        "a cell has more than a million characters: a quote before it may be open",
        "close it, and write quotes inside of cells twice",
    ),
    (
        r"PARAMETER_VALUE\.CHARSET|UnsupportedCharset|IllegalCharset",
        "Spark knows no character set of that name",
        "fix encoding in the mapping, such as ISO-8859-1, or windows-1252 (which needs spark.sql.legacy.javaCharsets)",
    ),
    (r"COLUMN_ALREADY_EXISTS", "two of its columns have one name where case does not count", "rename one of them"),
    (
        r"unmappable characters",
        "its path has characters that the JVM's locale does not know",
        "set LC_ALL=C.UTF-8 where Spark is started",
    ),
)
_OF_A_FILE = re.compile(r"FAILED_READ_FILE|while reading file|TextParsingException|EOFException")
_OWN = {"_row", "_split", "_corrupt"}  # what reading adds to a row
_OTHER_FORMATS = (
    ("\x1f", "gzip", "its name must end in .gz"),
    ("PK\x03\x04", "ZIP or Excel", "write CSV, JSON lines or Parquet"),
    ("PAR1\x15", "Parquet", "fix format in the mapping"),
    ("\ufffd\ufffd", "UTF-16", "write encoding: UTF-16 in the mapping"),
    ("ï»¿", "UTF-8", "take encoding out of the mapping"),
)


@contextmanager
def in_words(file: str, form: str, whatever: bool = False, quote: bool = True) -> Iterator[None]:
    """In this context, a file that cannot be read to its end raises IngestError.

    ``whatever``: any other error of Spark becomes one, too. ``quote``: where no words are known for an error, it
    repeats the reader's own, which may hold cells.
    """
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JJavaError) as problem:
        text = _with_causes(problem)
        if not whatever and not _OF_A_FILE.search(text):
            raise
        raise _as_ingest_error(text, file, form, quote, type(problem).__name__) from (problem if quote else None)


def refuse_names(names: Sequence[str], form: str, file: str) -> None:
    """Raise where the first name shows another format or character set, or a name would be lost to reading's own."""
    first = names[0] if names and form == "csv" else ""
    for start, what, cure in _OTHER_FORMATS:
        if first.startswith(start):
            raise IngestError(f"it is {what}", file=file, cure=cure)
    if "\0" in first:
        cure = "write encoding: UTF-16LE (or UTF-16BE) in the mapping"
        raise IngestError("it is UTF-16 without a mark", file=file, cure=cure)
    for name in names:
        if name.lower() in _OWN and not (form in {"jsonl", "json"} and name == "_corrupt"):
            raise IngestError("the name is taken by bronze's own columns", file=file, column=name, cure="rename it")


def _with_causes(problem: Exception) -> str:
    """The message, and where it is a Java exception's, those of its causes."""
    cause = getattr(problem, "java_exception", None) or getattr(problem, "_origin", None)
    messages = [str(problem)]
    while cause is not None and len(messages) < 20:
        messages.append(f"Caused by: {cause.toString()}")
        cause = cause.getCause()
    return "\n".join(messages)


def _as_ingest_error(text: str, file: str, form: str, quote: bool, kind: str) -> IngestError:
    for sign, problem, cure in _WORDS:
        if re.search(sign, text, re.IGNORECASE):
            return IngestError(f"cannot be read: {problem}", file=file, cure=cure)
    message = f"cannot be read: {root_cause(text)}" if quote else f"cannot be read ({kind})"
    return IngestError(message, file=file, cure=f"is it {form}? fix format in the mapping")
