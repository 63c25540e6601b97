"""A look at a shop's files without Spark: what there is, how it is written, what the cells could be. By DuckDB."""

from __future__ import annotations

import functools
import itertools
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError, IngestError
from fuserank.io.lake.table_formats import TableFormatError, counting, kind_of, table_of
from fuserank.sources.files.partitions import partition_values
from fuserank.sources.files.read import local_files
from fuserank.sources.onboarding.scan import encoding as characters
from fuserank.sources.onboarding.scan.cell_questions import CellQuestions, quoted, raw, text
from fuserank.sources.onboarding.scan.column_looks import column_looks
from fuserank.sources.onboarding.scan.csv_tables import CsvSource, csv_source, lines_lost, paths_sql
from fuserank.sources.onboarding.scan.encoding import CannotReadError
from fuserank.sources.onboarding.scan.file_kinds import format_of, is_sequences, why_not
from fuserank.sources.onboarding.scan.fill_look import fill_down
from fuserank.sources.onboarding.scan.flatten import flatten
from fuserank.sources.onboarding.scan.joined_look import join_tables
from fuserank.sources.onboarding.scan.json_shapes import shape_of
from fuserank.sources.onboarding.scan.looks import ColumnLook, Format, Found, JoinLook, Span, TableLook, TimeLook
from fuserank.sources.onboarding.scan.moments import moment_sql
from fuserank.sources.onboarding.scan.parts import partial_columns
from fuserank.sources.onboarding.scan.path_columns import path_option, tell_partitions
from fuserank.sources.onboarding.scan.plain_types import make_plain

if TYPE_CHECKING:
    import duckdb

# other spellings of times stay text, as they are for Spark
_JSON = (
    "map_inference_threshold=-1, field_appearance_threshold=0, maximum_object_size=268435456, dateformat='%Y-%m-%d',"
    " timestampformat='%Y-%m-%dT%H:%M:%SZ'"
)


class LocalLooks(CellQuestions):
    """``Looks`` at a folder or file of this machine. At most ``rows`` rows of each
    table are taken, from its beginning.
    """

    def __init__(self, path: Path, rows: int = 2_000_000, encoding: str | None = None) -> None:
        """``encoding``: of text that is no UTF, where it is known.

        :raises IngestError: nothing is there, or nothing of it can be read
        """
        if not path.exists():
            raise IngestError("nothing is there", file=str(path), cure="name a folder or a file of this machine")
        path = path.absolute()
        self.root = str(path if path.is_dir() else path.parent)
        self.tables: list[TableLook] = []
        self.left_out: list[tuple[str, str]] = []
        self._rows, self._encoding = rows, encoding
        self._names: dict[str, str] = {}
        self._distinct: dict[tuple[str, str], str] = {}
        self._of_delta: dict[Path, Path] = {}  # first file of a group → the folder of its Delta table
        self._spans: dict[tuple[str, str, TimeLook], Span | None] = {}
        self._numbers = itertools.count()
        self._folder = tempfile.TemporaryDirectory(prefix="fuserank-look-")
        self._duckdb = connect(self._folder.name)
        for group in self._groups(path):
            try:
                self._take(group)
            except CannotReadError as problem:
                self.left_out += [(self._relative(f), str(problem)) for f in group]
        if not self.tables:
            reasons = "; ".join(f"{file}: {why}" for file, why in self.left_out[:5])
            raise IngestError(
                f"no table can be read here{': ' + reasons if reasons else ''}",
                file=str(path),
                cure="CSV with a header, JSON lines and Parquet can; gzip and bzip2 are fine",
            )

    def distinct_rows(self, table: str, columns: Sequence[str]) -> int:
        """Different values that these columns have together."""
        named = ", ".join(quoted(c) for c in columns)
        return int(self._one(f"SELECT count(*) FROM (SELECT DISTINCT {named} FROM {self._names[table]})"))

    def same_day(self, table: str, one: tuple[str, TimeLook], other: tuple[str, TimeLook]) -> float:
        """Share of the rows with both times in which they are of one day; 0…1."""
        a, b = (moment_sql(text(column), time) for column, time in (one, other))
        return float(
            self._one(
                f"SELECT coalesce(avg((a::DATE = b::DATE)::INT), 0) FROM (SELECT {a} AS a, {b} AS b FROM"
                f" {self._names[table]})"
            )
        )

    def ascending(self, table: str) -> float:
        """Of the neighbours in the lines of a table of sequences, the share whose items ascend; 0…1."""
        own, number = self._names[table], "coalesce(TRY_CAST(item AS BIGINT), 0)"
        before = f'lag(({number}, item)) OVER (PARTITION BY "user" ORDER BY position)'
        found = self._one(
            f"SELECT avg((({number}, item) >= b)::INT) FROM (SELECT *, {before} AS b FROM {own}) WHERE b IS NOT NULL"
        )
        return float(found or 0.0)

    def joined(self, table: str, join: JoinLook) -> TableLook:
        """The table with the columns that the join brings; from now on questions about it know them."""
        look = next(t for t in self.tables if t.name == table)
        theirs = {c.name: c for t in self.tables if t.name == join.table for c in t.columns}
        own, name = self._names[table], f"t{next(self._numbers)}"
        join_tables(self._duckdb, name, own, self._names[join.table], join)
        self._names[table] = name
        by_name = {**{c.name: c for c in look.columns}, **{c: theirs[c] for c in join.columns}}
        columns = self._columns(
            table, [n for n, c in by_name.items() if c.whole_floats], {c.name: c.path for c in look.columns if c.path}
        )
        made = replace(look, columns=tuple(columns), join=join)
        self.tables = [made if t.name == table else t for t in self.tables]
        return made

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _groups(self, path: Path) -> Iterator[list[Path]]:
        """Files that look like parts of one table: their paths differ in digits and ids alone."""
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        readable = []
        known: dict[Path, list[Path]] = {}
        ask = functools.cache(kind_of)
        for file in files:
            inside = file.relative_to(path).parts if path.is_dir() else (file.name,)
            if any(part.startswith((".", "_")) for part in inside):
                continue
            if (table := table_of(file, ask)) is not None:
                known.setdefault(table, []).append(file)
                continue
            if why := why_not(file):
                self.left_out.append((self._relative(file), why))
            else:
                readable.append(file)
        for table, there in known.items():
            if live := self._live(table, there):
                self._of_delta[live[0]] = table
                yield live
        for _, group in itertools.groupby(sorted(readable, key=self._pattern), key=self._pattern):
            yield list(group)

    def _live(self, table: Path, there: list[Path]) -> list[Path]:
        """Of the files in a table format those that count; ``left_out`` says what became of the others."""
        named = self._relative(table) if table.is_relative_to(self.root) else str(table)
        try:
            live = counting(there)
        except TableFormatError as problem:
            self.left_out.append((named, f"{problem.problem}; {problem.cure}"))
            return []
        if dead := len(there) - len(live):
            self.left_out.append((named, f"files that the log of this Delta table no longer counts: {dead}"))
        return sorted(live)

    def _take(self, group: list[Path]) -> None:
        form = format_of(group[0])
        encoding = characters.encoding(group[0], self._encoding) if form == "csv" else "UTF-8"
        if form == "csv" and encoding == "UTF-8" and is_sequences(group[0]):
            form = "sequences"
        name = self._unused_name(group)
        self._names[name] = f"t{next(self._numbers)}"
        partitions = self._partitions(group)
        form, files, source, csv = self._source(group, form, encoding, path_option(partitions))
        fields: dict[str, Any] = {}
        if csv:
            fields = {**asdict(csv.dialect), "encoding": encoding, "header": csv.header, "partial": csv.partial}
        try:
            self._duckdb.execute(f"CREATE TABLE {self._names[name]} AS SELECT * FROM {source} LIMIT {self._rows + 1}")
        except duckdb_error() as problem:
            raise CannotReadError(_why(problem)) from problem
        if partitions:
            tell_partitions(self._duckdb, self._names[name], partitions)
        rows = int(self._one(f"SELECT count(*) FROM {self._names[name]}"))
        if rows == 0:
            raise CannotReadError("it has no rows")
        if rows > self._rows:  # the one more told that there are more
            self._duckdb.execute(f"DELETE FROM {self._names[name]} WHERE rowid = {self._rows}")
        fields.setdefault("partial", partial_columns(self._duckdb, form, files))
        remarks = csv.remarks if csv else ()
        if csv and rows <= self._rows and (lost := lines_lost(self._duckdb, files, self._names[name], csv)):
            remarks += (
                (
                    f"of {name} {lost:,} line{'s' * (lost > 1)} could not be understood: too few or too many cells, or"
                    " an open quote"
                ),
            )
        more = rows > self._rows
        paths = flatten(self._duckdb, self._names[name]) if form in {"jsonl", "json", "parquet"} else {}
        rows = int(self._one(f"SELECT count(*) FROM {self._names[name]}"))
        whole = make_plain(self._duckdb, self._names[name])
        fill = fill_down(self._duckdb, self._names[name])
        self.tables.append(
            TableLook(
                name=name,
                path=self._glob(group),
                format=form,
                files=len(group),
                bytes=sum(f.stat().st_size for f in group),
                rows=rows,
                whole=not more,
                columns=tuple(self._columns(name, whole, paths)),
                remarks=remarks,
                fill=fill,
                **fields,
            )
        )

    def _source(
        self, group: list[Path], form: Format, encoding: str, paths: str
    ) -> tuple[Format, list[Path], str, CsvSource | None]:
        """How DuckDB reads the files of a table: their format, the files themselves, SQL, and of CSV what was found."""
        if form == "parquet":
            return form, group, f"read_parquet({paths_sql(group)}, union_by_name=true, {paths})", None
        if form == "jsonl":
            return *self._json(group, paths), None
        if form == "sequences":
            return form, group, self._sequences(group), None
        files = self._readable(group, encoding)
        csv = csv_source(self._duckdb, files, [self._relative(f) for f in group], paths)
        return form, files, csv.sql, csv

    def _json(self, group: list[Path], options: str) -> tuple[Format, list[Path], str]:
        form = shape_of(group[0])
        if any(shape_of(f) != form for f in group[1:]):
            raise CannotReadError(
                "some of these files hold one JSON object a line, others do not; put them in folders of their own"
            )
        files = self._readable(group, "UTF-8", copied=any(characters.has_mark(f) for f in group))
        how = "format='newline_delimited', ignore_errors=true" if form == "jsonl" else "format='auto'"
        return (
            form,
            files,
            f"read_json({paths_sql(files)}, {how}, union_by_name=true, {options}, {_JSON})",
        )

    def _partitions(self, group: list[Path]) -> tuple[str, ...]:
        """Columns that the paths below the root tell, where all of the files have them."""
        names = {tuple(partition_values(self._relative(f))) for f in group}
        return names.pop() if len(names) == 1 else ()

    def _sequences(self, group: list[Path]) -> str:
        files = self._readable(group, "UTF-8")
        lines = (
            f"read_csv({paths_sql(files)}, columns={{'line': 'VARCHAR'}}, delim='\x01', header=false, quote='',"
            " escape='', auto_detect=false)"
        )
        words = f"SELECT string_split_regex(trim(line), '\\s+') AS w FROM {lines} WHERE trim(line) <> ''"
        return f'(SELECT w[1] AS "user", unnest(w[2:]) AS item, unnest(range(1, len(w))) AS position FROM ({words}))'

    def _readable(self, group: list[Path], encoding: str, copied: bool = False) -> list[Path]:
        """The files as DuckDB reads them: those of other packing or characters are
        copied, as UTF-8, as far as needed.
        """
        if encoding == "UTF-8" and not copied and all(f.suffix != ".bz2" for f in group):
            return group
        copies, left = [], 2 * self._rows + 1  # quoted cells may hold line breaks
        for file in group:
            parts = [p for p in self._relative(file).split("/")[:-1] if "=" in p]
            copy = Path(self._folder.name, str(next(self._numbers)), *parts, "copy.txt")
            copy.parent.mkdir(parents=True)
            left -= characters.utf8_copy(file, copy, encoding, left)
            copies.append(copy)
        return copies

    def _pattern(self, file: Path) -> str:
        """The file's path under the root with * for digits, ids and the values of partitions."""
        starred = re.sub(r"=[^/]*", "=*", _escaped(self._relative(file)))
        starred = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", "*", starred)
        return re.sub(r"\*([-_.]?\*)+", "*", starred)

    def _glob(self, group: list[Path]) -> str:
        """The narrowest path or glob under the root that finds these files and no others."""
        if (table := self._of_delta.get(group[0])) is not None and table.is_relative_to(self.root):
            inside = _escaped(self._relative(table))
            return "**/*.parquet" if inside == "." else f"{inside}/**/*.parquet"
        pattern = self._pattern(group[0]) if len(group) > 1 else _escaped(self._relative(group[0]))
        if [f.path for f in local_files(self.root, pattern)] != sorted(str(f) for f in group):
            raise CannotReadError(f"no pattern finds these {len(group)} files alone; put them in a folder of their own")
        return pattern

    def _unused_name(self, group: list[Path]) -> str:
        """A table's name from the files' own: lower case, without what differs among them."""
        pattern = self._glob(group)
        *parents, own = pattern.split("/")
        words = [own.split(".")[0], *(p for p in reversed(parents) if "=" not in p), Path(self.root).name, "table"]
        plain = [re.sub(r"[^a-z0-9]+", "_", w.lower().replace("*", "")).strip("_") for w in words]
        name = next(w for w in plain if re.match(r"[a-z]", w) and not re.fullmatch(r"part(_c)?", w))
        taken = {t.name for t in self.tables}
        return next(n for n in itertools.chain([name], (f"{name}_{k}" for k in itertools.count(2))) if n not in taken)

    def _columns(self, table: str, whole: Collection[str], paths: Mapping[str, str]) -> Iterator[ColumnLook]:
        own = self._names[table]
        described = {name: _found(kind) for name, kind, *_ in self._duckdb.execute(f"DESCRIBE {own}").fetchall()}
        plain = {name: (found, raw(name)) for name, found in described.items() if found != "nested"}
        rows = int(self._one(f"SELECT count(*) FROM {own}"))
        looks = {look.name: look for look in column_looks(self._duckdb, own, rows, plain)}
        for name in described:
            if name not in looks:
                filled = int(self._one(f"SELECT count({quoted(name)}) FROM {own}"))
                looks[name] = ColumnLook(name, "nested", rows, filled, 0)
        yield from (replace(looks[name], whole_floats=name in whole, path=paths.get(name)) for name in described)

    def _one(self, sql: str) -> Any:
        return self._duckdb.execute(sql).fetchall()[0][0]


def connect(folder: str | None) -> duckdb.DuckDBPyConnection:
    """A database in memory, UTC, that fetches no extensions; ``folder``: where it
    may spill, None: nowhere of its own.
    """
    try:
        import duckdb
    except ModuleNotFoundError as problem:
        raise FuserankError(
            "looking at files needs DuckDB, which is not installed; `pip install 'fuserank[init]'`"
        ) from problem
    own: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **({"temp_directory": f"{folder}/spill"} if folder else {}),
    }
    connection = duckdb.connect(":memory:", config=own)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = false")
    return connection


def duckdb_error() -> type[Exception]:
    """What DuckDB raises."""
    import duckdb

    return duckdb.Error


def _why(problem: Exception) -> str:
    """DuckDB's first line; where its sniffer gives up, what is the matter most often."""
    line = str(problem).splitlines()[0]
    return "a quote in it may be open, or its lines are of many lengths" if "sniffing file" in line else line


def _found(kind: str) -> Found:
    if kind.startswith(("STRUCT", "MAP", "UNION", "JSON")) or kind.endswith("]"):
        return "nested"
    if kind in {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}:
        return "integer"
    if kind in {"FLOAT", "DOUBLE"} or kind.startswith("DECIMAL"):
        return "number"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return {"BOOLEAN": "boolean", "DATE": "date"}.get(kind, "text")  # type: ignore[return-value]


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
