"""A shop's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new(
    folder: Annotated[Path, typer.Argument(help="the folder to make; its name becomes the data set's")],
    shipped: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATASET",
            help="begin with a mapping that ships, such as completejourney, instead of an empty conf/datasets/",
        ),
    ] = None,
) -> None:
    """Make the folder of a shop: what differs from what ships, shims of jobs, notebooks, a Makefile.

    \b
    fuserank new myshop
    cd myshop
    fuserank setup                            # once for each environment
    fuserank init /data/myshop --name myshop  # writes conf/datasets/myshop.yaml
    fuserank refresh --report

    Settings and mappings that its conf/ does not say are as they ship. Commands find conf/ in the
    folder that they run in, or where FUSERANK_CONF says. A folder that is not empty is refused.
    """
    from fuserank.deploy.project import make
    from fuserank.sources.onboarding.guess.names import word

    dataset = shipped or word(folder.resolve().name)
    files = make(folder, dataset, mapping=shipped is not None)
    typer.echo(f"made {folder}: {len(files)} files; next: cd {folder}, and what README.md says")
