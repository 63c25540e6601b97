"""Which rank reads which file of an epoch, in which order: drawn from (seed, epoch) over the manifest's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from fuserank.common.errors import FuserankError


class ManifestError(FuserankError):
    """Files that cannot be planned with, or that hold other rows than planned; names the file."""


@dataclass(frozen=True)
class ShardFile:
    """One file of the pinned version: a plain URL (``file://`` + path, unquoted), and its rows."""

    url: str
    rows: int
    number: int  # its place in the sorted manifest; seeds the shuffle inside it


@dataclass(frozen=True)
class EpochPlan:
    """Files of each rank, in reading order."""

    files: tuple[tuple[ShardFile, ...], ...]

    def rows(self, rank: int) -> int:
        """Rows of all files that this rank reads in the epoch (count)."""
        return sum(f.rows for f in self.files[rank])

    def steps(self, batch: int) -> int:
        """Steps of the rank with the most rows, at ``batch`` rows a rank and step."""
        return max(-(-self.rows(rank) // batch) for rank in range(len(self.files)))


def read_manifest(urls: Sequence[str]) -> tuple[ShardFile, ...]:
    """The files of a slice at one version with the rows that their footers state, sorted by URL.

    Raises ManifestError for a URL with # or ?, which Petastorm would cut, and for a slice without files.
    """
    if not urls:
        raise ManifestError("the slice of samples has no files; run jobs/samples.py first")
    files = []
    for number, url in enumerate(sorted(urls)):
        if "#" in url or "?" in url:
            raise ManifestError(f"{url}: '#' and '?' cannot stand in the URL of a file that torch reads; move the lake")
        filesystem, path = open_url(url)
        with filesystem.open_input_file(path) as source:
            files.append(ShardFile(url, pq.read_metadata(source).num_rows, number))
    return tuple(files)


def open_url(url: str) -> tuple[pafs.FileSystem, str]:
    """The file system and path of a plain URL; a ``file:`` path is taken as it stands, unquoted."""
    if url.startswith("file:"):
        return pafs.LocalFileSystem(), "/" + url.removeprefix("file:").lstrip("/")
    if "://" in url:
        found: tuple[pafs.FileSystem, str] = pafs.FileSystem.from_uri(url)
        return found
    return pafs.LocalFileSystem(), url


def plan_epoch(files: Sequence[ShardFile], seed: int, epoch: int, ranks: int) -> EpochPlan:
    """Deal the files, in an order drawn from (seed, epoch), to the ranks in turn."""
    order = np.random.default_rng([seed, epoch]).permutation(len(files))
    return EpochPlan(tuple(tuple(files[k] for k in order[rank::ranks]) for rank in range(ranks)))


def shuffle_of(file: ShardFile, seed: int, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The order of a file's rows in an epoch."""
    return np.random.default_rng([seed, epoch, file.number]).permutation(file.rows)
