"""Packages that an extra installs, asked for before the work that needs them begins."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from fuserank.common.errors import FuserankError


def require(package: str, extra: str, why: str, otherwise: str = "") -> None:
    """Whether a package is there, of fuserank's ``extra``.

    :param why: who wants it, up to its name: "tune needs Optuna"
    :param otherwise: how to go without it, after the cure
    :raises FuserankError: it is not installed
    """
    if importlib.util.find_spec(package) is None:
        raise FuserankError(f"{why}, which is not installed here; install fuserank with its extra {extra}{otherwise}")


@contextmanager
def imported_for(command: str, *extras: str) -> Iterator[None]:
    """Around the imports of a command that needs packages of these extras of fuserank.

    :raises FuserankError: one of them is not installed
    """
    try:
        yield
    except ImportError as lacking:
        noun = "extra" if len(extras) == 1 else "extras"
        raise FuserankError(
            f"{command} needs {lacking.name}, which is not installed; add the {noun}: pip install"
            f" 'fuserank[{','.join(extras)}]'"
        ) from None
