"""Loops compiled by numba at their first call. Modules that use this are imported where their kernels run.

The machine code is kept beside the source, or in the user's cache folder, for the CPU that it was made for. Whether
it is stale is told by the source file of the outermost function alone: who changes a function that other files' loops
call removes what is kept of those (numba's documentation, "Caching limitations").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy.typing as npt

_F = TypeVar("_F", bound=Callable[..., Any])

_SETTINGS = {"error_model": "numpy", "nogil": True}
# A product and a sum in one operation: each number is the same, however many of them the compiler takes at once.
_FUSED = {"contract", "nsz"}
# A sum in the order that fits the CPU's vectors: the same for one type of CPU.
_ANY_ORDER = {"reassoc", "contract", "nsz"}


def compiled(function: _F) -> _F:
    """``function``, compiled; sums are taken in the order in which they stand."""
    return _stored(function, fastmath=_FUSED)


def exact(function: _F) -> _F:
    """``compiled``, each operation rounded by itself: sums and products have numpy's bits."""
    return _stored(function)


def _stored(function: _F, **options: Any) -> _F:
    """``function``, compiled, its machine code beside the source."""
    try:
        compiled_function: _F = numba.njit(function, cache=True, **options, **_SETTINGS)
    except RuntimeError:  # neither folder can be written to: each process compiles for itself
        compiled_function = numba.njit(function, **options, **_SETTINGS)
    return compiled_function


def inlined(function: _F) -> _F:
    """``function``, compiled into those that call it."""
    inner: _F = numba.njit(function, fastmath=_FUSED, forceinline=True, **_SETTINGS)
    return inner


def reducing(function: _F) -> _F:
    """The same, its sums in any order.

    It must not write to an array: the compiler makes two loops of one that writes, with and without vectors, and takes
    one by where the arrays lie in memory. In any order they would give different bits.
    """
    inner: _F = numba.njit(function, fastmath=_ANY_ORDER, forceinline=True, **_SETTINGS)
    return inner


def unwritable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view (of any shape and type) that cannot be written to, as what Arrow lends cannot.

    A loop that gets both kinds of arrays is compiled for each of them, which takes seconds.
    """
    view = array.view()
    view.flags.writeable = False
    return view
