"""The command line that all jobs share."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fuserank.common.guarded import guarded, refuse_blank
from fuserank.config.settings import Settings, load

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

    Execute = Callable[[Run, dt.date], None]


def parser(name: str, doc: str | None) -> argparse.ArgumentParser:
    """Arguments that every job takes; ``doc`` is what --help says first."""
    p = argparse.ArgumentParser(prog=name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--env", default="local", help="which conf/env/<env>.yaml lies over conf/base.yaml (default: local)")
    p.add_argument("--dataset", help="which conf/datasets/<name>.yaml to read (default: the one in conf/base.yaml)")
    p.add_argument(
        "--as-of",
        metavar="DATE",
        help=(
            "00:00 UTC of this day, or of the day on which it runs: today; nothing later is used (default: the data"
            " set's)"
        ),
    )
    p.add_argument(
        "--days-before",
        metavar="N",
        type=int,
        default=0,
        help="run as of so many days before --as-of: schedulers that cannot reckon with dates ask for windows so",
    )
    p.add_argument("--lake", metavar="DIR", help="root of the lake (default: in conf/env/<env>.yaml)")
    p.add_argument(
        "--set",
        dest="overrides",
        metavar="section.key=value",
        action="append",
        default=[],
        help="override one setting; may be given again",
    )
    return p


def day(as_of: str | None) -> str | None:
    """What --as-of was given; ``today``, for schedulers that know no dates, becomes the UTC day on which it runs."""
    return str(dt.datetime.now(dt.UTC).date()) if as_of == "today" else as_of


def settings_from(args: argparse.Namespace) -> Settings:
    """The settings with what the arguments change; raises FuserankError where one is wrong."""
    overrides = [*args.overrides]
    for key, value in (("as_of", day(args.as_of)), ("lake", args.lake), ("dataset", args.dataset)):
        if value:
            overrides.append(f"{key}={value}")
    settings = load(args.env, overrides)
    if not args.days_before:
        return settings
    return load(args.env, [*overrides, f"as_of={settings.as_of - dt.timedelta(days=args.days_before)}"])


def job_main(
    name: str,
    execute: Execute,
    argv: list[str] | None,
    doc: str | None,
    before_spark: Callable[[Settings], None] | None = None,
) -> int:
    """Parse, load the settings, open the run, execute; one line and exit code 2 for an error a person can fix.

    ``before_spark``: refuses by settings alone what need not wait for a session.
    """
    words = sys.argv[1:] if argv is None else argv
    if guarded(lambda: refuse_blank(words)):
        return 2
    args = parser(name, doc).parse_args(words)
    return guarded(lambda: run_job(name, execute, settings_from(args), before_spark, args.days_before))


def run_job(
    name: str,
    execute: Execute,
    settings: Settings,
    before_spark: Callable[[Settings], None] | None = None,
    days_before: int = 0,
) -> None:
    """Open the run, execute, write the ledger: what a job does, by spark-submit or a command."""
    from fuserank.io.runtime.run import open_run  # commands that start no run use this module, too

    if before_spark is not None:
        before_spark(settings)
    with open_run(name, settings, settings.as_of, days_before) as run:
        if name == "refresh":  # it times its own stages
            execute(run, settings.as_of)
            return
        with run.stage(name):
            execute(run, settings.as_of)
