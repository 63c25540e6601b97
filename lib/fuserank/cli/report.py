"""The report page."""

from __future__ import annotations

import typer

from fuserank.cli import options as o


def report(
    env: o.Env = "local",
    dataset: o.Dataset = None,
    as_of: o.AsOf = None,
    lake: o.Lake = None,
    overrides: o.Overrides = None,
) -> None:
    """Write out/report.html: quality, training, calibration, long tail, timings, ten users side by side;
    beside it the data card and their profiles.
    """
    from fuserank.usecases import report as made

    typer.echo(str(made.write(o.settings(env, as_of, lake, overrides, dataset))))
