"""A smaller model, and what it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fuserank.cli import options as o

if TYPE_CHECKING:
    from fuserank.usecases.compress import Result


def compress(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="kind of the model, such as fnn")],
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="of the run that registered it")] = None,
    steps: Annotated[
        str,
        typer.Option(
            "--steps",
            metavar="STEP,…",
            help="distill: trained anew by a teacher; prune: fewer hidden units, trained once more; int8: weights of"
            " eight bits; several: in this order",
        ),
    ] = "int8",
    units: Annotated[
        float, typer.Option("--units", min=0.01, max=1, help="prune: share of the hidden units that stay")
    ] = 0.5,
    teacher: Annotated[
        str | None, typer.Option("--teacher", metavar="KIND", help="distill: kind of the larger model, of the same day")
    ] = None,
    mix: Annotated[
        float, typer.Option("--mix", min=0, max=1, help="distill: share of the teacher's word; the rest are labels")
    ] = 0.5,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0.1, max=100, help="distill: both logits are divided by it")
    ] = 1.0,
    max_loss: Annotated[
        float,
        typer.Option("--max-loss", min=0, help="share of NDCG@10 that it may lose and be registered all the same"),
    ] = 0.01,
    register: Annotated[
        bool, typer.Option("--register", help="put it into the registry, in the place of the model; else only look")
    ] = False,
    as_json: o.AsJson = False,
) -> None:
    """Make a trained model smaller, or teach it by a larger one, and say what each step costs and brings: size, rows a
    second of one core, NDCG@10 and log loss on the samples' split valid.

    Takes the newest model of the kind (of the day of --as-of). Writes nothing without --register; scores, fusion and
    ranking then go on from the smaller one.
    """
    from fuserank.usecases.compress import compressed, register_compressed
    from fuserank.usecases.compress_distill import Teaching

    settings = o.settings(env, as_of, lake, overrides, dataset)
    day = settings.as_of if o.names_day(as_of, overrides) else None
    teaching = None if teacher is None else Teaching(teacher, mix, temperature)
    found = compressed(settings, model, [s for s in steps.split(",") if s], day, run, units, teaching)
    registered = register_compressed(settings, found, max_loss) if register else None
    if as_json:
        typer.echo(json.dumps({**found.as_dict(), "max_loss": max_loss, "registered": registered}))
        return
    for line in _lines(found, max_loss):
        typer.echo(line)
    if registered is not None:
        typer.echo(f"registered as {registered}; `fuserank refresh` or jobs/scores.py scores with it")


def _lines(found: Result, max_loss: float) -> list[str]:
    before = found.before
    lines = [f"{found.model_id}", f"{'':10s} {'bytes':>12s} {'rows/s':>12s} {'NDCG@10':>9s} {'log loss':>9s}"]
    teacher = {} if found.teacher is None else {"teacher": found.teacher}
    for name, of in {"before": before, **teacher, **found.after}.items():
        changes = (
            ""
            if of is before
            else f"   {before.bytes / of.bytes:.2f}× smaller, {of.rows_per_second / before.rows_per_second:.2f}× rows/s"
        )
        lines.append(f"{name:10s} {of.bytes:12,d} {of.rows_per_second:12,.0f} {of.ndcg:9.4f} {of.loss:9.5f}{changes}")
    if found.taught:
        lines.append("taught by {teacher}, mix {mix:g}, temperature {temperature:g}".format(**found.taught))
    word = "within" if found.fall <= max_loss else "above"
    lines.append(
        f"NDCG@10 {'falls' if found.fall > 0 else 'rises'} by {abs(found.fall):.3%}, {word} the limit of {max_loss:.2%}"
    )
    return lines
