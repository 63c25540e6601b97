"""A shop's files → a mapping: looked at, guessed, shown, written."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as RichTable

from fuserank.cli import options as o
from fuserank.common.errors import FuserankError
from fuserank.common.terminal import printable

if TYPE_CHECKING:
    from fuserank.sources.onboarding.guess.guesses import EventsGuess, Guess
    from fuserank.sources.onboarding.scan.folder import LocalLooks
    from fuserank.sources.onboarding.scan.looks import ColumnLook, TableLook

SHOWN = 3


def init(
    path: Annotated[
        Path,
        typer.Argument(
            help=(
                "a folder with the shop's files, or one file: CSV, JSON lines, Parquet, or lines of `user item item …`;"
                " gzip and bzip2 are fine"
            )
        ),
    ],
    name: Annotated[str | None, typer.Option(help="the data set's name; default: the folder's or file's")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="write the mapping without asking")] = False,
    force: Annotated[bool, typer.Option("--force", help="write over a mapping that is there")] = False,
    events: Annotated[str | None, typer.Option(metavar="TABLE", help="take only this table for events")] = None,
    user: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="the column with the user, where the guess is wrong")
    ] = None,
    item: Annotated[str | None, typer.Option(metavar="COLUMN", help="the column with the item")] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="the column with the time")] = None,
    zone: Annotated[
        str | None,
        typer.Option(help="the shop's time zone, such as Europe/Berlin; times without an offset are told in it"),
    ] = None,
    currency: Annotated[str | None, typer.Option(help="the shop's currency, such as EUR")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="DATE", help="the day to run as of; default: one label window before the last event"
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=100, help="rows of each table that are looked at")] = 2_000_000,
    encoding: Annotated[
        str | None, typer.Option(help="the character set of CSV that is no UTF, such as windows-1251 or Shift_JIS")
    ] = None,
    as_json: o.AsJson = False,
) -> None:
    """Look at a shop's files, guess what their columns mean, write conf/datasets/<name>.yaml.

    Then: fuserank check NAME.
    """
    from fuserank.config.mapping.load import parse_dataset
    from fuserank.config.places import own_conf
    from fuserank.config.yaml_text import YamlError, parse
    from fuserank.sources.onboarding.guess.guess import guess
    from fuserank.sources.onboarding.guess.guesses import Hints
    from fuserank.sources.onboarding.guess.mapping_text import mapping_text
    from fuserank.sources.onboarding.guess.names import word
    from fuserank.sources.onboarding.scan.encoding import refuse_unknown
    from fuserank.sources.onboarding.scan.folder import LocalLooks

    name = name or word(path.resolve().name.split(".")[0])
    if name != word(name):
        raise FuserankError(f"--name {name!r}: lower case letters, digits and _, such as {word(name)}")
    target = own_conf() / "datasets" / f"{name}.yaml"
    if target.exists() and not force:
        raise FuserankError(f"{target} is there already; --force writes over it, --name takes another name")
    if encoding:
        refuse_unknown(encoding)
    hints = Hints(events, user, item, time, zone, currency, _day(as_of))
    looks = LocalLooks(path, rows, encoding)
    found = guess(looks, hints, dt.datetime.now(dt.UTC))
    text = mapping_text(name, looks.root, found)
    try:
        parse_dataset(parse(text), target.name)  # what is written can be read
    except YamlError as problem:
        raise FuserankError(
            f"the mapping would not be YAML ({problem}); rename the columns with such signs"
        ) from problem
    if as_json:
        typer.echo(json.dumps(_as_dict(name, target, looks, found, text)))
    else:
        _show(looks, found)
    if not yes and (as_json or not sys.stdin.isatty() or not typer.confirm(f"write {target}?", default=True)):
        if not as_json:
            typer.echo(text if not sys.stdin.isatty() else "nothing was written")
            typer.echo(f"nothing was written; --yes writes {target}", err=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    if not as_json:
        typer.echo(
            f"wrote {target}\nnext: fuserank check {name}   then: fuserank refresh --dataset {name} --lake {name}-lake"
        )


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as problem:
        raise FuserankError(f"--as-of {text!r} is no day; write it as 2026-11-26") from problem


def _show(looks: LocalLooks, found: Guess) -> None:
    """A table a file, then what all is taken for."""
    from fuserank.sources.onboarding.guess.mapping_text import used_columns

    console = Console(width=None if sys.stdout.isatty() else 140)
    taken: dict[tuple[str, str], str] = {(t, c): r for t, c, r in reversed(list(used_columns(found)))}
    for table in looks.tables:
        console.print(_table(table, taken))
    for file, why in looks.left_out:
        console.print(f"left out: {file}: {why}", markup=False)
    for events in found.events:
        what = ", ".join(dict.fromkeys(f"{k} ({r})" for k, r, _ in events.kinds.values()))
        console.print(
            f"events of {events.table.name}: {events.table.rows:,} rows,"
            f" {events.table.column(events.columns['user']).distinct:,} users,"
            f" {events.table.column(events.columns['item']).distinct:,} items{_when(events)}; {what}; key"
            f" {', '.join(events.key)}",
            markup=False,
        )
        for remark in events.remarks:
            console.print(f"look: {remark}", markup=False)
    console.print(f"time zone {found.zone}, currency {found.currency}, as of {found.as_of}", markup=False)
    for remark in found.remarks:
        console.print(f"look: {remark}", markup=False)


def _when(events: EventsGuess) -> str:
    if events.time is None or events.span is None:
        return ", no times"
    first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (events.span.first, events.span.last))
    return f", {first} … {last} by {events.time.pattern or events.time.type}"


def _table(table: TableLook, taken: dict[tuple[str, str], str]) -> RichTable:
    rows = f"{table.rows:,} rows" if table.whole else f"first {table.rows:,} rows"
    how = f", {table.delimiter!r} between cells, {table.encoding}" if table.format == "csv" else ""
    made = RichTable(
        "column",
        "is",
        "filled",
        "different",
        "commonest cells",
        title=f"{table.path}: {rows}, {table.format}{f' of {table.files} files' if table.files > 1 else ''}{how}",
        title_justify="left",
    )
    for column in table.columns:
        share = f"{column.filled / column.rows:.0%}" if column.rows else ""
        made.add_row(
            _safe(column.name),
            taken.get((table.name, column.name), ""),
            share,
            f"{column.distinct:,}",
            _safe(_commonest(column)),
            style="" if (table.name, column.name) in taken else "dim",
        )
    return made


def _safe(text: str) -> str:
    return printable(text, most=300).replace("[", r"\[")


def _commonest(column: ColumnLook) -> str:
    return ", ".join(f"{v} ×{n:,}" if n > 1 else v for v, n in column.samples[:SHOWN])


def _as_dict(name: str, target: Path, looks: LocalLooks, found: Guess, text: str) -> dict[str, Any]:
    from fuserank.sources.onboarding.guess.mapping_text import used_columns

    return {
        "name": name,
        "mapping": str(target),
        "tables": [
            {
                "table": t.name,
                "path": t.path,
                "format": t.format,
                "files": t.files,
                "bytes": t.bytes,
                "rows": t.rows,
                "whole": t.whole,
            }
            for t in looks.tables
        ],
        "left_out": [{"file": f, "why": w} for f, w in looks.left_out],
        "columns": [{"table": t, "column": c, "is": r} for t, c, r in used_columns(found)],
        "events": [
            {
                "table": e.table.name,
                "first": e.span and e.span.first.isoformat(),
                "last": e.span and e.span.last.isoformat(),
                "key": list(e.key),
                "repeated": e.repeated,
            }
            for e in found.events
        ],
        "as_of": str(found.as_of),
        "order": found.order,
        "remarks": [*found.remarks, *(r for e in found.events for r in e.remarks)],
        "text": text,
    }
