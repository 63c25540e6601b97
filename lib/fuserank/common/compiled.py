"""Loops compiled by numba at their first call. Modules that use this are imported where their kernels run.

The machine code is kept beside the source, or in the user's cache folder, for the CPU that it was made for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_F = TypeVar("_F", bound=Callable[..., Any])

# Sums may be taken in the order that fits the CPU's vectors: the same for one type of CPU. NaN and infinity keep their meaning.
_SETTINGS = {"fastmath": {"reassoc", "contract", "nsz", "arcp"}, "error_model": "numpy", "nogil": True}


def compiled(function: _F) -> _F:
    """``function``, compiled."""
    try:
        kept: _F = numba.njit(function, cache=True, **_SETTINGS)
    except RuntimeError:  # neither folder can be written to: each process compiles for itself
        kept = numba.njit(function, **_SETTINGS)
    return kept


def inlined(function: _F) -> _F:
    """``function``, to be called by compiled ones of the same module only, and inlined there."""
    inner: _F = numba.njit(function, inline="always", **_SETTINGS)
    return inner
