"""Model artifacts: a folder with safetensors and a JSON card, known by the hash of both."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.io.lake.small_files import read_bytes, write_bytes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WEIGHTS, CARD = "model.safetensors", "card.json"
Arrays = dict[str, npt.NDArray[np.generic]]


class ArtifactError(FuserankError):
    """An artifact that is missing or was changed; names its folder."""


def digest(weights: bytes, card: bytes) -> str:
    """SHA-256 over the weights and the card; the same training gives the same one, whenever and by whom it is run."""
    return hashlib.sha256(hashlib.sha256(weights).digest() + hashlib.sha256(card).digest()).hexdigest()


def encode(tensors: Arrays, card: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """Weights, card and their digest, as ``write`` takes them."""
    from safetensors.numpy import save  # jobs without torch have none

    weights = save({name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)})
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False).encode()
    return weights, text, digest(weights, text)


def write(folder: str, weights: bytes, card: bytes, beside: dict[str, Any], spark: SparkSession | None = None) -> None:
    """Put an artifact in its folder; ``beside`` are JSON files outside its digest: provenance, curves.

    A folder that is a URL is written by ``spark``'s Hadoop.
    """
    texts = {name: json.dumps(value, indent=1, sort_keys=True).encode() for name, value in beside.items()}
    for name, content in {WEIGHTS: weights, CARD: card, **texts}.items():
        write_bytes(spark, f"{folder}/{name}", content)


def read(folder: str, sha256: str | None = None, spark: SparkSession | None = None) -> tuple[Arrays, dict[str, Any]]:
    """Weights and card; raises ArtifactError where files are missing, do not have the given digest, or are none of
    safetensors and JSON.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    weights, text = checked(folder, sha256, spark)
    try:
        return load(weights), json.loads(text)
    except (SafetensorError, ValueError) as problem:  # a pickle, say; nothing in it is run
        raise ArtifactError(f"{folder} holds no {WEIGHTS} and {CARD}: {problem}; train again") from None


def checked(folder: str, sha256: str | None = None, spark: SparkSession | None = None) -> tuple[bytes, bytes]:
    """Bytes of weights and card, as ``read`` checks them; needs no safetensors, which jobs without torch have not."""
    parts = []
    for name in (WEIGHTS, CARD):
        content = read_bytes(spark, f"{folder}/{name}")
        if content is None:
            raise ArtifactError(f"{folder} has no {name}; train again with jobs/train.py")
        parts.append(content)
    if sha256 is not None and digest(*parts) != sha256:
        raise ArtifactError(f"{folder} is not the artifact that was registered: its SHA-256 differs; train again")
    return parts[0], parts[1]
