"""What a store promises, whatever holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fuserank.serving.store.records import ItemRecord, Manifest, UserRecord


class StoreError(FuserankError):
    """The store holds nothing that can be served; the message says what, where, and what to do."""


class Store(Protocol):
    """Published lists of one surface, of one snapshot at a time.

    ``refresh`` looks whether another snapshot is current, and takes it whole or not at all.
    """

    @property
    def manifest(self) -> Manifest:
        """Of the snapshot that answers now."""

    @property
    def problem(self) -> str | None:
        """Why the current snapshot was not taken, and the one before still answers; None: all is well."""

    @property
    def answers(self) -> bool:
        """Whether it could be read when it was last refreshed; False: a server does not answer."""

    def user(self, user_id: str) -> UserRecord | None:
        """A user's list, without rows where none is published; None: nothing is known, or the user was erased."""

    def item(self, item_id: str) -> ItemRecord | None:
        """An item of the catalogue by its id."""

    def indices(self, item_ids: Sequence[str]) -> list[int | None]:
        """Indices of items by id, in order, in one read; None where the catalogue has none of that id."""

    def items(self, indices: Sequence[int]) -> list[ItemRecord | None]:
        """Items by index, in order; None where there is none."""

    def vectors(self) -> npt.NDArray[np.float32] | None:
        """Item vectors by item_index [items, factors]; None: none were published."""

    def step(self) -> tuple[bytes, npt.NDArray[np.float32]] | None:
        """The files of ``Manifest.step``, model and items; None: the snapshot has none."""

    def refresh(self) -> bool:
        """Follow the pointer; whether another snapshot answers now."""

    def forget(self, user_id: str) -> None:
        """From now on the user has no list, in this snapshot and any other."""

    def close(self) -> None:
        """Let go of files and connections."""
