"""The whole chain on the tiny shop, run once: what tests of its lake look at, or copy."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.tinyshop import AS_OF, SMALL, chain_of_smoke, write_shop

if TYPE_CHECKING:
    from fuserank.config.settings import Settings


def settings(shop: Path, lake: str = "lake", *more: str) -> Settings:
    """Those of the tiny shop; ``lake``: a folder beside its files, or a root in memory.

    FUSERANK_CONF must be ``shop/conf``.
    """
    from fuserank.config.settings import load

    root = lake if ":" in lake else str(shop / lake)
    return load(
        "local",
        ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={root}", f"out={shop / 'out'}", *SMALL, "run.quiet=true", *more],
    )


def made(shop: Path) -> Path:
    """``shop`` with files, conf, lake and out of a whole run; ``copied`` gives its lake as it was then.

    Where `make smoke` ran on the same code, its lake is copied, and judged and reported here.
    """
    from fuserank.io.runtime.run import open_run
    from fuserank.usecases import report
    from fuserank.usecases.refresh import evaluate_where_known, run_chain

    write_shop(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(shop / "conf"))
        if (left := chain_of_smoke()).exists():
            shutil.copytree(left, shop / "lake")
            with open_run("evaluate", settings(shop), dt.date.fromisoformat(AS_OF)) as run:
                evaluate_where_known(run)
            report.write(settings(shop))
        else:
            run_chain(settings(shop), with_report=True)
    shutil.copytree(shop / "lake", shop / "as-made")
    return shop


def copied(shop: Path, name: str) -> Path:
    """A lake beside the first one, as the run left it."""
    return shutil.copytree(shop / "as-made", shop / name)
