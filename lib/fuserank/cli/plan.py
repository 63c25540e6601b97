"""What a run will cost, before it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fuserank.cli import options as o

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.pipeline.plan import Planned


def plan(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    as_json: o.AsJson = False,
    events: Annotated[int | None, typer.Option("--events", min=1, help="as if the files had so many events")] = None,
    users: Annotated[
        int | None, typer.Option("--users", min=1, help="so many users instead of the ledger's or a guess")
    ] = None,
    items: Annotated[
        int | None, typer.Option("--items", min=1, help="so many items instead of the ledger's or a guess")
    ] = None,
    promotions: Annotated[
        int | None, typer.Option("--promotions", min=1, help="as if the files had so many promotions")
    ] = None,
    cores: Annotated[
        int | None, typer.Option("--cores", min=1, help="on so many cores instead of those that are there")
    ] = None,
) -> None:
    """Rows, bytes, memory and minutes of every step of a run, before it; refused where a disk is too small."""
    from fuserank.config.mapping.load import load_dataset
    from fuserank.io.runtime import session
    from fuserank.pipeline.plan import Assumed, by_data, needs_spark, refuse_small_disks, repeats_of
    from fuserank.usecases.refresh import predicted

    settings = o.settings(env, as_of, lake, overrides, dataset)
    spark = None
    if needs_spark(settings, load_dataset(settings.dataset)):
        spark = session.start("fuserank plan", settings.run.executors_wait_seconds)
    found = predicted(settings, spark, Assumed(events, users, items, promotions, cores))
    allowed, why = repeats_of(settings, spark)
    auto = by_data(settings)
    if as_json:
        repeats = {"allowed": allowed, "why": why}
        typer.echo(json.dumps({**as_dict(found, settings), "repeats": repeats, "auto": auto}))
    else:
        by_data_lines = [f"{name}: {what}" for name, what in auto.items()]
        typer.echo("\n".join([*lines(found, settings), repeats_line(allowed, why), *by_data_lines]))
    refuse_small_disks(settings, found)


def as_dict(found: Planned, settings: Settings) -> dict[str, Any]:
    """The plan as plain numbers: bytes, seconds, counts."""
    plan, shop = found.plan, found.shop
    return {
        "dataset": settings.dataset,
        "as_of": str(settings.as_of),
        "lake": settings.lake,
        "shop": {
            "events": shop.events,
            "users": shop.users,
            "items": shop.items,
            "promotions": shop.promotions,
            "input_bytes": found.input_bytes,
            "said_by": found.said_by,
        },
        "machine": {"cores": found.machine.cores, "local": found.machine.local, "former_runs": found.former_runs},
        "stages": [
            {
                "stage": s.label,
                "rows": round(s.rows),
                "bytes": round(s.bytes),
                "memory_bytes": round(s.memory_bytes),
                "shuffle_bytes": round(s.shuffle_bytes),
                "seconds": round(s.seconds, 1),
                "minutes": round(s.seconds / 60, 2),
                "ledger_factor": round(s.factor, 3),
            }
            for s in plan.stages
        ],
        "tables": {table: round(rows) for table, rows in sorted(plan.table_rows.items())},
        "total": {
            "rows": round(sum(s.rows for s in plan.stages)),
            "bytes": round(plan.bytes),
            "memory_bytes": round(plan.memory_bytes),
            "shuffle_bytes": round(plan.shuffle_bytes),
            "seconds": round(plan.seconds, 1),
            "minutes": round(plan.seconds / 60, 2),
            "lanes": settings.run.lanes,
        },
        "disks": [
            {"role": p.role, "path": p.path, "needed_bytes": round(p.needed_bytes), "free_bytes": p.free_bytes}
            for p in found.places
        ],
    }


def repeats_line(allowed: bool | None, why: str) -> str:
    """Whether lists will hold what a user took before; None: not known yet."""
    beginning = {True: "lists may hold", False: "lists leave out", None: "whether lists hold"}[allowed]
    return f"{beginning} what the user took before: {why}"


def lines(found: Planned, settings: Settings) -> list[str]:
    """The plan for people; as wide as it needs, for a terminal or a log."""
    from fuserank.pipeline.disk import in_words

    plan, shop = found.plan, found.shop
    counted_by = ", ".join(f"{what} by {source}" for what, source in found.said_by.items())
    head = ("step", "seconds", "rows", "written", "Python", "shuffle", "ledger")
    rows = [
        (
            s.label,
            f"{s.seconds:,.0f}",
            f"{s.rows:,.0f}",
            *map(in_words, (s.bytes, s.memory_bytes, s.shuffle_bytes)),
            f"× {s.factor:.2f}" if s.factor != 1 else "",
        )
        for s in plan.stages
    ]
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    tree = "this machine" if found.machine.local else "one executor"
    return [
        (
            f"{settings.dataset} as of {settings.as_of} into {settings.lake}: {shop.events:,} events, {shop.users:,}"
            f" users, {shop.items:,} items ({counted_by}); {found.machine.cores} cores; {found.former_runs} former runs"
        ),
        *(
            f"  {row[0]:<{widths[0]}}  "
            + "  ".join(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))
            for row in (head, *rows)
        ),
        (
            f"in all {plan.seconds / 60:,.1f} minutes in {settings.run.lanes} lanes; at its peak"
            f" {in_words(plan.memory_bytes)} on {tree}, JVM included; {in_words(plan.bytes)} into the lake,"
            f" {in_words(plan.shuffle_bytes)} of shuffle"
        ),
        *(f"{p.role} {p.path}: {in_words(p.needed_bytes)} needed, {in_words(p.free_bytes)} free" for p in found.places),
    ]
