"""`fuserank`: all commands under one roof."""

from __future__ import annotations

import sys

import typer

from fuserank.cli.bench import bench
from fuserank.cli.card import card
from fuserank.cli.check import check
from fuserank.cli.compress import compress
from fuserank.cli.doctor import doctor
from fuserank.cli.evaluate import evaluate
from fuserank.cli.explore import explore
from fuserank.cli.export import export
from fuserank.cli.fetch import fetch
from fuserank.cli.init import init
from fuserank.cli.inspect import digest, runs, tables
from fuserank.cli.leaderboard import app as leaderboard
from fuserank.cli.models import app as models
from fuserank.cli.new import new
from fuserank.cli.plan import plan
from fuserank.cli.profile import profile
from fuserank.cli.publish import compare, publish, publish_store, published, rollback
from fuserank.cli.quarantine import app as quarantine
from fuserank.cli.quotas import quotas
from fuserank.cli.recommend import recommend
from fuserank.cli.reference import api, commands, settings
from fuserank.cli.refresh import refresh
from fuserank.cli.render import render
from fuserank.cli.replay_traffic import replay_traffic
from fuserank.cli.report import report
from fuserank.cli.serve import keys_app as serve_key
from fuserank.cli.serve import serve
from fuserank.cli.setup import setup
from fuserank.cli.shop import shop
from fuserank.cli.similar import similar
from fuserank.cli.stream import stream
from fuserank.cli.tree import NothingBlank, filled
from fuserank.cli.tune import tune
from fuserank.cli.vacuum import vacuum
from fuserank.cli.vault import vault
from fuserank.common.guarded import guarded

app = typer.Typer(
    cls=NothingBlank,
    help=(
        "A shop's events in, a fused ranking table out. Start with `fuserank refresh`, then `fuserank recommend USER`."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    setup,
    new,
    init,
    check,
    fetch,
    plan,
    refresh,
    recommend,
    publish,
    published,
    compare,
    rollback,
    vacuum,
    publish_store,
    serve,
    stream,
    shop,
    replay_traffic,
    explore,
    evaluate,
    quotas,
    tune,
    compress,
    export,
    report,
    profile,
    similar,
    card,
    runs,
    digest,
    tables,
    settings,
    commands,
    api,
    vault,
    doctor,
    render,
    bench,
):
    app.command(help=filled(command.__doc__))(command)
app.add_typer(serve_key, name="serve-key")
app.add_typer(quarantine, name="quarantine")
app.add_typer(leaderboard, name="leaderboard")
app.add_typer(models, name="models")


def run() -> None:
    """Entry point: errors that a person can fix are one line and exit code 2."""
    sys.exit(guarded(app))
