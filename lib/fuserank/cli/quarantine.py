"""Rows that broke a rule: count them, look at them, take them in after a fix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fuserank.cli import options as o
from fuserank.common.terminal import columns

if TYPE_CHECKING:
    from fuserank.usecases.quarantine import Group, Outcome

app = typer.Typer(
    help="Rows that broke a rule: count them, look at them, take them in after a fix.", no_args_is_help=True
)
Every = Annotated[bool, typer.Option("--all", help="resolved rows too")]
_WIDTH = 32  # characters of a cell; --json cuts nothing


@app.command("list")
def list_(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    every: Every = False,
    as_json: o.AsJson = False,
) -> None:
    """Open rows by data set, table, rule and column; --dataset picks one, all unless told."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases import quarantine

    found = quarantine.groups(open_rows(o.settings(env, None, lake, overrides)), dataset, every)
    if as_json:
        typer.echo(json.dumps({"quarantine": [g.as_dict() for g in found]}))
        return
    typer.echo("\n".join(_listed(found, every)))


@app.command()
def show(
    table: Annotated[str | None, typer.Option("--table", help="table of the mapping")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="name of the rule, as `list` says it")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="rows at most")] = 20,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    every: Every = False,
    as_json: o.AsJson = False,
) -> None:
    """The rows themselves, as they came, below the rule that they broke."""
    from fuserank.io.runtime.open_lake import open_rows
    from fuserank.usecases import quarantine

    reader = open_rows(o.settings(env, None, lake, overrides))
    total, rows = quarantine.listing(reader, dataset, table, rule, limit, every)
    if as_json:
        parsed = [{**r, "payload": json.loads(r["payload"])} for r in rows]
        typer.echo(json.dumps({"total": total, "rows": parsed}, default=str, ensure_ascii=False))
        return
    typer.echo("\n".join(_rows(rows)))
    if total > len(rows):
        typer.echo(f"the first {len(rows):,} of {total:,} rows; --limit shows more, --rule and --table fewer")


@app.command()
def retry(
    files: Annotated[
        bool,
        typer.Option(
            "--files", help="the files were fixed: take them in first, and close the rows of those that came in again"
        ),
    ] = False,
    env: o.Env = "local",
    dataset: o.Dataset = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would happen to the rows in the lake; write nothing")
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """After a fix: look again at all files with open rows, by the mapping as it is
    now; what is good goes into silver.
    """
    from fuserank.io.runtime.run import open_run
    from fuserank.usecases import quarantine

    settings = o.settings(env, None, lake, overrides, dataset)
    if dry_run:
        found = quarantine.would_of(settings)
    else:
        with open_run("quarantine", settings, settings.as_of) as run, run.stage("quarantine"):
            found = quarantine.retry(run, files)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, "tables": [f.as_dict() for f in found]}))
        return
    typer.echo("\n".join(_outcome_lines(found, dry_run, files, settings.dataset, settings.lake)))


def _listed(found: Sequence[Group], every: bool) -> list[str]:
    if not found:
        return ["nothing is in quarantine" if every else "no open rows in quarantine; --all shows resolved ones"]
    head = ["data set", "table", "rule", "column", "rows", "files", "first", "last", *(["state"] if every else [])]
    cells = [
        [
            g.dataset,
            g.table,
            g.rule,
            g.column or "",
            f"{g.rows:,}",
            f"{g.files:,}",
            *(f"{t:%Y-%m-%d %H:%M}" for t in (g.first, g.last)),
            *([g.state] if every else []),
        ]
        for g in found
    ]
    open_rows = sum(g.rows for g in found if g.state == "open")
    rule = f"--table {found[0].table} --rule {found[0].rule}"
    return [
        *_aligned([head, *cells], {4, 5}),
        f"{open_rows:,} open rows; look at them: fuserank quarantine show {rule}",
    ]


def _rows(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Rows of one table, rule and column under one heading with the reason; a column for each cell of the payload."""
    lines: list[str] = []
    by_rule: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for r in rows:
        by_rule.setdefault((r["dataset"], r["source_table"], r["rule"], r["column"] or "", r["reason"]), []).append(r)
    for (dataset, table, rule, column, reason), group in by_rule.items():
        payloads = [json.loads(r["payload"]) for r in group]
        names = list(dict.fromkeys(name for p in payloads for name in p))
        head = ["file", "row", *names]
        body = [
            [r["file"], str(r["row"]), *(str(p.get(n, "")) for n in names)]
            for r, p in zip(group, payloads, strict=True)
        ]
        lines.append(f"{dataset} {table}: {rule}{f' in {column}' if column else ''}: {reason}")
        lines += _aligned([head, *body], {1}, "  ")
    return lines


def _outcome_lines(found: Sequence[Outcome], dry_run: bool, files: bool, dataset: str, lake: str) -> list[str]:
    lines = []
    for f in found:
        parts = [f"{f.fixed:,} fixed"]
        parts += [f"{f.other_rule:,} by another rule now"] if f.other_rule else []
        parts += [f"{f.replaced:,} replaced by a newer file"] if f.replaced else []
        lines.append(f"{f.table}:{' would be' if dry_run else ''} {', '.join(parts)}, {f.open:,} open")
        if f.newer:
            lines.append(
                f"  a newer file came in as {', '.join(f.newer)}: if that is the fixed one, `retry --files` closes the"
                " older's rows"
            )
    if dry_run and files:
        lines.append("files on disk were not looked at: a dry run takes nothing in")
    if not dry_run and any(f.fixed or f.replaced for f in found):
        lines.append(f"next: fuserank refresh --dataset {dataset} --lake {lake}")
    return lines


def _aligned(table: Sequence[Sequence[str]], right: set[int], indent: str = "") -> list[str]:
    """``columns`` of cells that are cut to one line."""
    return columns([[_one_line(cell) for cell in row] for row in table], right, indent)


def _one_line(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
