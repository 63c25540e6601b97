"""A snapshot of published lists in a folder: LMDB files, a manifest, and the pointer to the current one.

    <store>/<surface>/<snapshot>/manifest.json       what it holds, with the SHA-256 of every file
                                 lists-000.mdb …     user → list; a file a shard
                                 items.mdb           the catalogue
                                 vectors.npy         item vectors, where there are any
                                 step.onnx           a sequence model's encoder, where there is one
                                 steps.npy           the item vectors that it looks up and looks for
                                 renewed/            users' records made anew since (``renewed.py``)
    <store>/<surface>/current                        the name of the snapshot that answers
    <store>/<surface>/forgotten                      users who were erased since: a key a line, as hex

A file is written under another name, then renamed: a killed writer leaves no half of one. No file of a snapshot changes
after its manifest is written, and all are read-only: readers map them, and one that is cut short below a map ends the
process that reads there (SIGBUS).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import lmdb
import msgspec

from fuserank.common.durable import write_whole
from fuserank.serving.store import records as r
from fuserank.serving.store.contract import StoreError

MANIFEST, ITEMS, VECTORS, CURRENT, FORGOTTEN = "manifest.json", "items.mdb", "vectors.npy", "current", "forgotten"
STEP, STEPS = "step.onnx", "steps.npy"
_MAP = 1 << 40  # address space, not memory: the file grows as it is written
_BATCH = 10_000  # records a transaction


def place_of(root: Path, surface: str) -> Path:
    """The folder of a surface: its name as a URL writes it, so that none leads elsewhere."""
    name = quote(surface, safe="")
    return root / (name.replace(".", "%2E") if name.startswith(".") else name)


def list_file(shard: int) -> str:
    """The name of a shard's file."""
    return f"lists-{shard:03d}.mdb"


def write_records(path: Path, records: Iterable[tuple[bytes, bytes]]) -> r.File:
    """An LMDB file of these keys and values; keys in order are appended, others put where they belong.

    :returns: the file, as the manifest names it
    """
    made = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    count = 0
    environment = lmdb.open(
        str(made), subdir=False, map_size=_MAP, sync=False, metasync=False, lock=False, writemap=False
    )
    try:
        batch: list[tuple[bytes, bytes]] = []
        last = b""
        for key, value in records:
            if batch and (len(batch) == _BATCH or key <= batch[-1][0]):
                last = _put(environment, batch, last)
                count += len(batch)
                batch = []
            batch.append((key, value))
        _put(environment, batch, last)
        count += len(batch)
        environment.sync(True)
    finally:
        environment.close()
    found = r.File(path.name, made.stat().st_size, sha256_of(made), count)
    _take_writing(made)
    made.replace(path)
    return found


def opened(path: Path) -> lmdb.Environment:
    """A whole file, to be looked up in; by one of a process at a time."""
    # no lock: nobody writes it any more
    return lmdb.open(str(path), subdir=False, readonly=True, lock=False, max_readers=1024, readahead=False)


def _take_writing(path: Path) -> None:
    """Nobody may write the file any more; who may read it stays as it is."""
    path.chmod(path.stat().st_mode & 0o444)


def _put(environment: lmdb.Environment, batch: list[tuple[bytes, bytes]], last: bytes) -> bytes:
    """Write some records in order of their keys; the highest key so far."""
    if not batch:
        return last
    with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
        cursor.putmulti(batch, append=batch[0][0] > last)
    return max(last, batch[-1][0])


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: r.Manifest) -> None:
    """The last file of a snapshot: from now on it is whole."""
    write_bytes(folder / MANIFEST, r.manifest_text(manifest), read_only=True)


def switch(place: Path, name: str) -> None:
    """Make a snapshot the current one, by one rename; ``place``: the folder of its surface."""
    read_manifest(place / name)
    write_bytes(place / CURRENT, name.encode())


def current_name(place: Path) -> str | None:
    """The name of the current snapshot; None: there is none."""
    try:
        return (place / CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def read_manifest(folder: Path) -> r.Manifest:
    """The manifest of a snapshot.

    :raises StoreError: there is none, or it is of another contract, or no manifest at all
    """
    file = folder / MANIFEST
    try:
        text = file.read_bytes()
        contract = r.contract_of(text)
        if contract != r.CONTRACT:
            raise StoreError(
                f"store {folder} is of contract {contract}, and this fuserank reads {r.CONTRACT}; run"
                " jobs/publish_store.py again by the version that serves"
            )
        return r.manifest_of(text)
    except FileNotFoundError:
        raise StoreError(f"store {folder} has no {MANIFEST}: it was not written to its end") from None
    except msgspec.DecodeError as problem:
        raise StoreError(f"store {file} is no manifest: {problem}") from None


def check(folder: Path, manifest: r.Manifest, readers: int = 1) -> None:
    """Read every file once.

    :param readers: threads; of those that read, each takes a core
    :raises StoreError: one is missing, or not as it was written
    """
    files = manifest.files
    for of in files:
        path = folder / of.name
        if not path.is_file():
            raise StoreError(f"store {folder} lacks {of.name}; run jobs/publish_store.py again")
    with ThreadPoolExecutor(readers) as pool:  # hashing lets other threads run
        for of, right in zip(files, pool.map(lambda of: _is_as_written(folder, of), files), strict=True):
            if not right:
                wrong = f"store {folder / of.name} is not as it was written (SHA-256)"
                raise StoreError(f"{wrong}; run jobs/publish_store.py again")


def _is_as_written(folder: Path, of: r.File) -> bool:
    path = folder / of.name
    return path.stat().st_size == of.bytes and sha256_of(path) == of.sha256


def prune(place: Path, keep: int) -> list[str]:
    """Remove all but the current snapshot and the ``keep`` - 1 newest others, and what a killed writer left over a day
    ago; the names of those that are gone.
    """
    now, yesterday = current_name(place), time.time() - 86_400
    folders = [f for f in place.iterdir() if f.is_dir() and f.name != now]
    whole = [f for f in folders if (f / MANIFEST).is_file()]
    half = [f for f in folders if f not in whole and f.stat().st_mtime < yesterday]
    whole.sort(key=lambda f: (f / MANIFEST).stat().st_mtime_ns, reverse=True)
    gone = [*whole[max(keep - 1, 0) :], *half]
    for folder in gone:
        (folder / MANIFEST).unlink(missing_ok=True)  # first: no reader takes half a snapshot
        shutil.rmtree(folder)
    return sorted(f.name for f in gone)


def forget(place: Path, user_id: str) -> None:
    """Add a user to the forgotten ones; on disk when this returns."""
    with (place / FORGOTTEN).open("ab") as stream:
        # a line of its own, also after one that a death cut short
        stream.write(b"\n" + r.user_key(user_id).hex().encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def forgotten(place: Path) -> frozenset[bytes]:
    """Keys of the users who were erased.

    :raises StoreError: a line is none, so that somebody who was erased may be missing
    """
    try:
        lines = (place / FORGOTTEN).read_bytes().splitlines()
    except FileNotFoundError:
        return frozenset()
    try:
        return frozenset(bytes.fromhex(line.decode()) for line in lines if line)
    except ValueError as problem:
        raise StoreError(
            f"{place / FORGOTTEN} has a line that is no key ({problem}): forget that user again, and take the line out"
        ) from None


def write_bytes(path: Path, data: bytes, read_only: bool = False) -> None:
    """A small file, whole or not at all, on disk when this returns."""
    write_whole(path, data, _take_writing if read_only else None)
