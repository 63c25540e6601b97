"""Source files: found, hashed and read. Local paths and every URL that Hadoop knows."""

from __future__ import annotations

import csv
import hashlib
import importlib.resources
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import IngestError
from fuserank.config.mapping.json_paths import list_of, steps
from fuserank.io.lake.table_formats import counting
from fuserank.sources.files.first_lines import first_lines, has_a_row_a_line
from fuserank.sources.files.nested import with_paths
from fuserank.sources.files.parquet import read_parquet
from fuserank.sources.files.partitions import hash_with_path, partition_values
from fuserank.sources.files.unreadable import in_words, refuse_names

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_CORRUPT = "_corrupt"
Look = Callable[[Sequence[tuple[str, str]]], None]


@dataclass(frozen=True)
class FoundFile:
    """A file of a source: where it lies, and its name under the root."""

    path: str
    name: str


@dataclass(frozen=True)
class SourceFile(FoundFile):
    """A file and the SHA-256 of its bytes."""

    content_hash: str


def resolve_root(folder: str, package: str | None) -> str:
    """The folder or URL, or the folder inside an installed package; raises where it is not there."""
    if package is None:
        root = folder.removeprefix("file://").rstrip("/") if folder.startswith("file://") else folder.rstrip("/")
        if "://" not in root and not Path(root).is_dir():
            raise IngestError("the folder is not there", file=root or folder, cure="fix root.folder in the mapping")
        return root
    try:
        found = Path(str(importlib.resources.files(package))) / folder
    except ModuleNotFoundError as problem:
        name = package.replace("_", "-")
        raise IngestError(f"the package {package} is not installed", cure=f"pip install {name}") from problem
    if not found.is_dir():
        raise IngestError("the package has no such folder", file=str(found), cure="fix root.folder in the mapping")
    return str(found)


def find_files(spark: SparkSession, root: str, pattern: str) -> list[FoundFile]:
    """The files of a path or glob under the root, sorted by name; none is opened. Raises where there is none."""
    found = files_below(spark, root, pattern)
    if not found:
        raise IngestError("the file is not there", file=f"{root}/{pattern}", cure="fix root and path in the mapping")
    return found


def files_below(spark: SparkSession, root: str, pattern: str) -> list[FoundFile]:
    """The same, none where there is none."""
    found = _without_marks(_find_remote(spark, root, pattern), pattern) if "://" in root else local_files(root, pattern)
    return sorted(found, key=lambda f: f.name)


def hashed(spark: SparkSession, file: FoundFile, declared: Collection[str] = ()) -> SourceFile:
    """The file with its hash: it is read from end to end. ``declared``: columns that its path may tell."""
    if "://" in file.path:
        return SourceFile(file.path, file.name, hash_with_path(_hash_remote(spark, file.path), file.name, declared))
    try:
        found = content_hash(Path(file.path))
        return SourceFile(file.path, file.name, hash_with_path(found, file.name, declared))
    except OSError as problem:
        raise IngestError(f"cannot be opened: {problem.strerror}", file=file.name, cure="fix its rights") from problem


def read_file(
    spark: SparkSession,
    file: SourceFile,
    form: str,
    options: Mapping[str, str],
    look: Look,
    quote: bool = True,
    declared: Collection[str] = (),
    skip: int = 0,
    paths: Mapping[str, str] | None = None,
    counted: bool = False,
) -> DataFrame:
    """All rows of one file: its columns as they came (text formats: all strings), ``_row`` from 0 and ``_corrupt``.

    :param look: is called with (name, Spark type) of the file's columns before a query names them, and may refuse
    :param quote: whether errors repeat the reader's words, which may hold cells
    :param declared: the columns that the mapping names
    :param skip: lines of CSV before its header, or before its first row
    :param paths: declared columns that are in nested ones → where; with a list in them a row is one of its elements
    :param counted: the caller counts the rows, and refuses a file that has none
    :raises IngestError: the file cannot be opened, or is empty
    """
    from pyspark.sql import functions as F

    path_values = {c: v for c, v in partition_values(file.name).items() if c in declared}

    def look_at_all(found: Sequence[tuple[str, str]]) -> None:
        """The file's own columns, and those that its path tells and it has not."""
        own = {name.lower() for name, _ in found}
        for name in [n for n in path_values if n.lower() in own]:
            del path_values[name]
        look([*found, *((name, "string") for name in path_values)])

    with in_words(file.name, form, whatever=True, quote=quote):
        frame = _read(spark, file.path, file.name, form, dict(options), look_at_all, declared, skip, paths or {})
        empty = frame is None or (not counted and frame.isEmpty())
    if frame is None or empty:
        raise IngestError("the file is empty", file=file.name, cure="take it away, or bring one with rows")
    return (
        frame.withColumns({name: F.lit(value).cast("string") for name, value in path_values.items()})
        if path_values
        else frame
    )


def _read(
    spark: SparkSession,
    path: str,
    file: str,
    form: str,
    options: dict[str, str],
    look: Look,
    declared: Collection[str],
    skip: int,
    paths: Mapping[str, str],
) -> DataFrame | None:
    if form == "parquet":
        return _read_parquet(spark, path, file, look, declared, paths)
    if form == "sequences":
        return _read_sequences(spark, literal(path), look)
    return _read_text(spark, literal(path), file, form, options, look, skip, paths)


def _read_sequences(spark: SparkSession, path: str, look: Look) -> DataFrame:
    """Lines of `user item item …` as rows user, item, position (from 1); a line
    without items is one row without an item.
    """
    from pyspark.sql import functions as F

    words = F.split(F.trim(F.regexp_replace("value", r"\s+", " ")), " ")
    lines = spark.read.text(path).select(words.alias("w")).where("w[0] <> ''")
    pairs = lines.select(
        F.col("w")[0].alias("user"), F.posexplode_outer(F.expr("slice(w, 2, size(w))")).alias("position", "item")
    )
    rows = pairs.select("user", "item", (F.col("position") + 1).cast("long").alias("position"))
    look(rows.dtypes)
    return number_rows(rows.withColumn(_CORRUPT, F.lit(None).cast("string")), several=True)


def _read_parquet(
    spark: SparkSession, path: str, file: str, look: Look, declared: Collection[str], paths: Mapping[str, str]
) -> DataFrame:
    from pyspark.sql import functions as F

    frame = read_parquet(spark, path, literal(path), file, declared)
    look(_seen([d for d in frame.dtypes if d[0] != "row_index"], paths))
    if paths:
        frame = with_paths(frame, paths)
    if any(map(list_of, paths.values())):
        return number_rows(frame.drop("row_index").withColumn(_CORRUPT, F.lit(None).cast("string")), several=True)
    return frame.withColumnRenamed("row_index", "_row").withColumn(_CORRUPT, F.lit(None).cast("string"))


def _read_text(
    spark: SparkSession,
    path: str,
    file: str,
    form: str,
    options: dict[str, str],
    look: Look,
    skip: int,
    paths: Mapping[str, str],
) -> DataFrame | None:
    """Two looks at the file: one for the names (CSV: the header), one for the rows,
    all as strings; None without names.
    """
    from pyspark.sql.types import StringType, StructField, StructType

    before = 0
    if form == "csv" and skip:
        names, before = _names_below(spark, path, skip, options)
        options["header"] = "false"
    else:
        names = _names(spark, path, form, options)
    if names == [_CORRUPT]:
        raise IngestError(
            f"no row can be read as {form}", file=file, row=0, cure="fix format or encoding in the mapping"
        )
    if not names:
        return None
    refuse_names(names, form, file)
    look(_seen([(n, "string") for n in names if n != _CORRUPT], paths))
    schema = StructType(
        [*(StructField(n, StringType()) for n in names if n != _CORRUPT), StructField(_CORRUPT, StringType())]
    )
    reader = spark.read.schema(schema)
    if form in {"jsonl", "json"}:
        rows = reader.options(**options).json(path)
        return number_rows(with_paths(rows, paths) if paths else rows, several=form == "jsonl")
    if has_a_row_a_line(spark, path, options):
        # a parser that may pass over cells which no query asks for does not see that a row has too many
        line_options = {**options, "multiLine": "false", "columnPruning": "false"}
        return _below(number_rows(reader.options(**line_options).csv(path), several=True), before)
    whole = reader.options(**options).csv(path)
    rows = _with_open_quotes(whole, options["sep"]) if options["quote"] else whole
    return _below(number_rows(rows, several=False), before)


def _names(spark: SparkSession, path: str, form: str, options: Mapping[str, str]) -> list[str]:
    reader = spark.read.options(**options)
    # over several lines Spark would look for names by a second glob, with the signs of this one taken off
    if "\\" in path:
        reader = reader.option("multiLine", "false")
    return (reader.csv(path) if form == "csv" else reader.json(path)).schema.names


def _names_below(spark: SparkSession, path: str, skip: int, options: Mapping[str, str]) -> tuple[list[str], int]:
    """The names of a table that begins after so many lines, and how many rows those are, its
    header among them: empty lines are none.
    """
    lines = first_lines(spark, re.sub(r"\\(.)", r"\1", path), options["encoding"])
    below = "\n".join(lines[skip:])
    source, quoted = io.StringIO(below), bool(options["quote"])
    cells = (
        csv.reader(source, delimiter=options["sep"], quotechar=options["quote"])
        if quoted
        else csv.reader(source, delimiter=options["sep"], quoting=csv.QUOTE_NONE)
    )
    first = next((row for row in cells if row), [])
    header = options["header"] == "true"
    names = [cell if header and cell else f"_c{place}" for place, cell in enumerate(first)]
    return names, sum(bool(line.strip()) for line in lines[:skip]) + header


def _below(rows: DataFrame, before: int) -> DataFrame:
    """Without the rows before the table."""
    from pyspark.sql import functions as F

    return rows.where(F.col("_row") >= before).withColumn("_row", F.col("_row") - before) if before else rows


def _seen(found: list[tuple[str, str]], paths: Mapping[str, str]) -> list[tuple[str, str]]:
    """The columns as a mapping may name them: those of paths are text, and there where the first of their steps is."""
    there = {name for name, _ in found}
    more = [(column, "string") for column, path in paths.items() if steps(path)[0].name in there]
    return [*(f for f in found if f[0] not in paths), *more]


def _with_open_quotes(frame: DataFrame, delimiter: str) -> DataFrame:
    """A cell that took in the lines after it, as a quote in it is open up to the
    next one, becomes the row's ``_corrupt``.

    The parser keeps such a cell's first quote, and the row comes out whole, with the cells behind the last line's: so
    column k of n begins with a quote and the n−1−k delimiters of its own line, and ends with the k of the last line.
    """
    from pyspark.sql import functions as F

    mark, cells = "".join(rf"\x{{{ord(d):x}}}" for d in delimiter), [c for c in frame.columns if c != _CORRUPT]
    found = [F.col(_CORRUPT)]
    for place, name in enumerate(cells):
        cell = F.col(f"`{name.replace('`', '``')}`")
        one = rf"[^{mark}\n]*" if len(delimiter) == 1 else rf"(?:(?!{mark})[^\n])*"
        lines = rf"(?s)^{one}({mark}{one}){{{len(cells) - 1 - place}}}\n(.*\n)?{one}({mark}{one}){{{place}}}$"
        found.append(F.when(cell.startswith('"') & cell.rlike(lines), cell))
    return frame.withColumn(_CORRUPT, F.coalesce(*found))


def number_rows(frame: DataFrame, several: bool) -> DataFrame:
    """``_row`` from 0 in the file's order: the row's place in its split, after the rows of the splits before it.

    Spark keeps the splits of one file in order (they are sorted by length, stably, and only the last is shorter).
    A file that may be in ``several`` splits and is costs one more pass, to count them.
    """
    from pyspark.sql import functions as F

    place = F.monotonically_increasing_id().bitwiseAND((1 << 33) - 1)
    numbered = frame.withColumn("_split", F.spark_partition_id()).withColumn("_row", place)
    offset: Any = F.lit(0)
    if several and _splits(frame) > 1:
        counts = {r["_split"]: r["count"] for r in numbered.groupBy("_split").count().collect()}
        starts, total = [], 0
        for split in sorted(counts):
            starts += [F.lit(split), F.lit(total)]
            total += counts[split]
        offset = F.coalesce(F.create_map(*starts)[F.col("_split")], F.lit(0)) if starts else F.lit(0)
    return numbered.withColumn("_row", (F.col("_row") + offset).cast("long")).drop("_split")


def _splits(frame: DataFrame) -> int:
    """Of a frame that reads files.

    A thread that has run no query yet has no session of its own, and ``rdd`` would read by defaults.
    """
    spark: Any = frame.sparkSession
    spark._get_j_spark_session_class(spark._jvm).setActiveSession(spark._jsparkSession)
    return frame.rdd.getNumPartitions()


def local_files(root: str, pattern: str) -> list[FoundFile]:
    """The files of a path or glob under a folder of this machine, sorted by name; of Delta tables
    the live ones; none where there is none.

    :raises IngestError: files of a table format that cannot be read by its files
    """
    base = Path(root)
    there = counting(p for p in base.glob(pattern) if p.is_file())
    found = [FoundFile(str(p), p.relative_to(base).as_posix()) for p in there]
    return sorted(_without_marks(found, pattern), key=lambda f: f.name)


def _without_marks(found: list[FoundFile], pattern: str) -> list[FoundFile]:
    """Without names that are marks of those who write: cursors, locks, _SUCCESS."""
    if not pattern.rsplit("/", 1)[-1].startswith("*"):
        return found
    return [f for f in found if not f.name.rsplit("/", 1)[-1].startswith((".", "_"))]


def content_hash(path: Path) -> str:
    """SHA-256 of the bytes of a file of this machine."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _find_remote(spark: SparkSession, root: str, pattern: str) -> list[FoundFile]:
    glob, system = _remote(spark, f"{root}/{pattern}")
    _refuse_table_formats(spark, system, [s.getPath() for s in system.globStatus(glob) or []])
    found = [status.getPath().toString() for status in system.globStatus(glob) or [] if status.isFile()]
    return [FoundFile(p, p.split(root, 1)[-1].lstrip("/")) for p in found]


def _refuse_table_formats(spark: SparkSession, system: Any, paths: list[Any]) -> None:
    """Raise where one of the files of a store lies in a Delta or Hudi table: which
    of them count, Spark's own reader knows.
    """
    jvm: Any = spark.sparkContext._jvm
    folders = {path.getParent().toString() for path in paths}
    while folders:
        for folder in folders:
            for mark in ("_delta_log", ".hoodie"):
                if system.exists(jvm.org.apache.hadoop.fs.Path(folder, mark)):
                    cure = "fetch it by connect: {TABLE: {kind: delta, path: …}} in the mapping, or write it as Parquet"
                    raise IngestError(f"it is a table of {mark.strip('_.').split('_')[0]}", file=folder, cure=cure)
        above = (jvm.org.apache.hadoop.fs.Path(folder).getParent() for folder in folders)
        folders = {path.toString() for path in above if path is not None}


def _hash_remote(spark: SparkSession, file: str) -> str:
    """The bytes stay in the JVM: a digesting stream, emptied into nothing."""
    jvm: Any = spark.sparkContext._jvm
    path, system = _remote(spark, file)
    digest = jvm.java.security.MessageDigest.getInstance("SHA-256")
    stream = jvm.java.security.DigestInputStream(system.open(path), digest)
    jvm.org.apache.hadoop.io.IOUtils.copyBytes(stream, jvm.java.io.OutputStream.nullOutputStream(), 1 << 20, True)
    return bytes(digest.digest()).hex()


def _remote(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Hadoop's path and the file system that it lies in."""
    jvm: Any = spark.sparkContext._jvm
    made = jvm.org.apache.hadoop.fs.Path(path)
    context: Any = spark.sparkContext._jsc
    return made, made.getFileSystem(context.hadoopConfiguration())


def literal(path: str) -> str:
    """The path as Spark takes it: it would read *?[]{} as a glob."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", path)
