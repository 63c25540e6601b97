"""The key of a data set's pseudonyms, from the environment of this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fuserank.privacy.keys import Key

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig


def key_of(dataset: DatasetConfig) -> Key | None:
    """The key; None where the mapping has no pseudonyms.

    :raises KeyProblem: the variable is not set, or what it holds is too weak
    """
    if dataset.pseudonyms is None:
        return None
    name = dataset.pseudonyms.variable
    return Key.of_text(os.environ.get(name, ""), name)
