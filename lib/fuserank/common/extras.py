"""Packages that an extra installs, asked for before the work that needs them begins."""

from __future__ import annotations

import importlib.util

from fuserank.common.errors import FuserankError


def require(package: str, extra: str, why: str, otherwise: str = "") -> None:
    """Whether a package is there, of fuserank's ``extra``.

    :param why: who wants it, up to its name: "tune needs Optuna"
    :param otherwise: how to go without it, after the cure
    :raises FuserankError: it is not installed
    """
    if importlib.util.find_spec(package) is None:
        raise FuserankError(f"{why}, which is not installed here; install fuserank with its extra {extra}{otherwise}")
