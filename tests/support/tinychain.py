"""The whole chain on the tiny shop, run once: what tests of its lake look at, or copy."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.tinyshop import AS_OF, write_shop

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

HAS_PETASTORM = importlib.util.find_spec("petastorm") is not None  # .venv-modern has none
SMALL = [
    f"train.reader={'petastorm' if HAS_PETASTORM else 'pyarrow'}",
    "candidates.sources=[als,co_purchase,repeat,popular,trending,item_cf]",
    "candidates.als.factors=8",
    "candidates.als.iterations=3",
    "train.epochs=1",
    "train.batch=512",
    "ranking.k=5",
    "run.quiet=true",
]


def settings(shop: Path, lake: str = "lake", *more: str) -> Settings:
    """Those of the tiny shop; ``lake``: a folder beside its files, or a root in memory. FUSERANK_CONF must be ``shop/conf``."""
    from fuserank.config.settings import load

    root = lake if ":" in lake else str(shop / lake)
    return load("local", ["dataset=tinyshop", f"as_of={AS_OF}", f"lake={root}", f"out={shop / 'out'}", *SMALL, *more])


def made(shop: Path) -> Path:
    """``shop`` with files, conf, lake and out of a whole run; ``copied`` gives its lake as it was then."""
    from fuserank.jobs.refresh import run_chain

    write_shop(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSERANK_CONF", str(shop / "conf"))
        run_chain(settings(shop), with_report=True)
    shutil.copytree(shop / "lake", shop / "as-made")
    return shop


def copied(shop: Path, name: str) -> Path:
    """A lake beside the first one, as the run left it."""
    return shutil.copytree(shop / "as-made", shop / name)
