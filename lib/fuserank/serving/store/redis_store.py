"""The store in Redis, for many serving machines: what an LMDB snapshot holds, under keys with the snapshot's name.

    fuserank:{surface}:current                     the name of the snapshot that answers
    fuserank:{surface}:{snapshot}:manifest         its manifest
    fuserank:{surface}:{snapshot}:u:{key}          a user's record
    fuserank:{surface}:{snapshot}:i:{key}          an item's record, or under its id its key
    fuserank:{surface}:{snapshot}:vectors          item vectors, as .npy
    fuserank:{surface}:{snapshot}:step             a sequence model's encoder, as ONNX
    fuserank:{surface}:{snapshot}:steps            its item vectors, as .npy
    fuserank:{surface}:forgotten                   a set of keys of erased users

The name in braces makes one slot of all keys of a surface on a Redis cluster.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lmdb
import numpy as np

from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot as s
from fuserank.serving.store.contract import StoreError

if TYPE_CHECKING:
    import numpy.typing as npt

    # answers are bytes: the client must not decode them, and redis' own types say bytes or text
    Redis = Any

PASSWORD = "FUSERANK_REDIS_PASSWORD"
_BATCH = 2000  # keys a round trip


def connected(url: str, seconds: float | None = None) -> Redis:
    """A client of redis://, rediss:// or unix://; the password is read from FUSERANK_REDIS_PASSWORD.

    :param seconds: how long it waits for a connection, and for an answer; None: as the package does
    :raises StoreError: the package is not installed
    """
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise StoreError("a store in Redis needs the package redis; install fuserank[serve]") from None
    waits: dict[str, Any] = {}
    if seconds is not None:  # once more: a Redis that was started again has closed the connections of before
        waits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry": Retry(NoBackoff(), 1)}
    return Redis.from_url(url, password=os.environ.get(PASSWORD), **waits)


def load(client: Redis, folder: Path, keep: int = 2) -> r.Manifest:
    """Copy a snapshot into Redis, make it the current one, and remove all but the ``keep`` newest.

    The pointer is set last: a reader sees the whole snapshot or the one before.

    :raises StoreError: a file is not as it was written, or Redis does not answer
    """
    manifest = s.read_manifest(folder)
    s.check(folder, manifest)
    base, surface = _base(manifest.surface, manifest.name), f"fuserank:{{{manifest.surface}}}"
    with _plain_errors(client):
        client.zadd(f"{surface}:snapshots", {manifest.name: manifest.number})  # first: what is left half is found again
        for shard in manifest.shards:
            _copy(client, f"{base}:u:".encode(), folder / shard.name)
        _copy(client, f"{base}:i:".encode(), folder / manifest.catalogue.name)
        if manifest.vectors:
            client.set(f"{base}:vectors", (folder / manifest.vectors.name).read_bytes())
        if manifest.step:
            client.set(f"{base}:step", (folder / manifest.step.model.name).read_bytes())
            client.set(f"{base}:steps", (folder / manifest.step.items.name).read_bytes())
        client.set(f"{base}:manifest", r.manifest_text(manifest))
        client.set(f"{surface}:current", manifest.name)
        for old in client.zrange(f"{surface}:snapshots", 0, -1 - max(keep, 2)):  # readers follow a moment later
            if old.decode() != manifest.name:
                _remove(client, manifest.surface, old.decode())
    return manifest


def renew(client: Redis, manifest: r.Manifest, records: Mapping[bytes, bytes]) -> bool:
    """Put users' records in the place of those of a snapshot; whether Redis has it.

    :raises StoreError: Redis does not answer
    """
    base = _base(manifest.surface, manifest.name)
    with _plain_errors(client):
        if not records or not client.exists(f"{base}:manifest"):
            return False
        client.mset({f"{base}:u:".encode() + key: record for key, record in records.items()})
    return True


def _base(surface: str, name: str) -> str:
    return f"fuserank:{{{surface}}}:{name}"


def _literally(text: str) -> str:
    """A text as a pattern that matches it alone."""
    return re.sub(r"([\\*?\[\]^-])", r"\\\1", text)


def _copy(client: Redis, prefix: bytes, path: Path) -> None:
    environment = lmdb.open(str(path), subdir=False, readonly=True, lock=False)
    try:
        with environment.begin() as transaction, transaction.cursor() as cursor:
            for batch in _batches(cursor):
                client.mset({prefix + key: value for key, value in batch})
    finally:
        environment.close()


def _batches(cursor: Any) -> Iterator[list[tuple[bytes, bytes]]]:
    batch: list[tuple[bytes, bytes]] = []
    for key, value in cursor:
        batch.append((key, value))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _remove(client: Redis, surface: str, name: str) -> None:
    client.delete(f"{_base(surface, name)}:manifest")  # first: no reader takes half a snapshot
    batch: list[bytes] = []
    for key in client.scan_iter(match=f"{_literally(_base(surface, name))}:*", count=_BATCH):
        batch.append(key)
        if len(batch) == _BATCH:
            client.unlink(*batch)
            batch = []
    if batch:
        client.unlink(*batch)
    client.zrem(f"fuserank:{{{surface}}}:snapshots", name)


class _plain_errors:
    """Raise StoreError, in one line, where Redis does not answer."""

    def __init__(self, client: Redis) -> None:
        self._at = client.connection_pool.connection_kwargs

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: BaseException | None, trace: Any) -> None:
        from redis.exceptions import RedisError

        if isinstance(problem, RedisError):
            where = f"{self._at.get('host', self._at.get('path', 'redis'))}:{self._at.get('port', '')}".rstrip(":")
            raise StoreError(f"Redis at {where} does not answer as it should: {problem}") from problem


class RedisStore:
    """A surface's snapshots in Redis.

    :raises StoreError: there is no snapshot that can be served, or Redis does not answer
    """

    def __init__(self, client: Redis, surface: str) -> None:
        self._client, self._surface = client, surface
        self.problem: str | None = None
        self.answers = True
        with _plain_errors(client):
            name = client.get(f"fuserank:{{{surface}}}:current")
        if name is None:
            raise StoreError(f"nothing is in Redis for surface {surface}; run jobs/publish_store.py with store.redis")
        self._take(name.decode())

    def _take(self, name: str) -> None:
        base = _base(self._surface, name)
        with _plain_errors(self._client):
            text, vectors, step, steps = self._client.mget(
                f"{base}:manifest", f"{base}:vectors", f"{base}:step", f"{base}:steps"
            )
        if text is None:
            raise StoreError(f"snapshot {name} of surface {self._surface} has no manifest in Redis; load it again")
        if (contract := r.contract_of(text)) != r.CONTRACT:
            raise StoreError(
                f"snapshot {name} in Redis is of contract {contract}, and this fuserank reads {r.CONTRACT}"
            )
        self._vectors = None if vectors is None else np.load(io.BytesIO(vectors))
        self._step = None if step is None or steps is None else (step, np.load(io.BytesIO(steps)))
        self._manifest, self._base = r.manifest_of(text), base.encode()

    @property
    def manifest(self) -> r.Manifest:
        """See Store."""
        return self._manifest

    def user(self, user_id: str) -> r.UserRecord | None:
        """See Store."""
        key = r.user_key(user_id)
        with _plain_errors(self._client):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.exists(self._base + b":manifest")
            pipeline.sismember(f"fuserank:{{{self._surface}}}:forgotten", key)
            pipeline.get(self._base + b":u:" + key)
            there, gone, data = pipeline.execute()
        self._require(there)
        found = None if gone or data is None else r.user_record(data)
        return found if found is not None and found.user_id == user_id else None

    def item(self, item_id: str) -> r.ItemRecord | None:
        """See Store."""
        (index,) = self._of_items([r.item_key(item_id)])
        (data,) = (None,) if index is None else self._of_items([index])
        found = None if data is None else r.item_record(data)
        return found if found is not None and found.item_id == item_id else None

    def indices(self, item_ids: Sequence[str]) -> list[int | None]:
        """See Store."""
        if not item_ids:
            return []
        found = self._of_items([r.item_key(item_id) for item_id in item_ids])
        return [None if key is None else r.index_of(key) for key in found]

    def items(self, indices: Sequence[int]) -> list[r.ItemRecord | None]:
        """See Store."""
        if not indices:
            return []
        found = self._of_items([r.index_key(index) for index in indices])
        return [None if data is None else r.item_record(data) for data in found]

    def _of_items(self, keys: Sequence[bytes]) -> list[bytes | None]:
        with _plain_errors(self._client):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.exists(self._base + b":manifest")
            pipeline.mget([self._base + b":i:" + key for key in keys])
            there, found = pipeline.execute()
        self._require(there)
        return list(found)

    def _require(self, there: int) -> None:
        """Not one user less in silence: a snapshot that is gone says so."""
        if not there:
            of = f"snapshot {self._manifest.name} of surface {self._surface}"
            raise StoreError(f"{of} is no longer in Redis, and no other was taken")

    def vectors(self) -> npt.NDArray[np.float32] | None:
        """See Store."""
        return self._vectors

    def step(self) -> tuple[bytes, npt.NDArray[np.float32]] | None:
        """See Store."""
        return self._step

    def refresh(self) -> bool:
        """See Store."""
        try:
            with _plain_errors(self._client):
                name = self._client.get(f"fuserank:{{{self._surface}}}:current")
        except StoreError as problem:
            self.answers, self.problem = False, str(problem)
            return False
        self.answers = True
        if name is None or name.decode() == self._manifest.name:
            self.problem = None if name else f"Redis has no current snapshot for surface {self._surface}"
            return False
        try:
            self._take(name.decode())
        except StoreError as problem:
            self.problem = str(problem)
            return False
        self.problem = None
        return True

    def forget(self, user_id: str) -> None:
        """See Store."""
        with _plain_errors(self._client):
            self._client.sadd(f"fuserank:{{{self._surface}}}:forgotten", r.user_key(user_id))

    def close(self) -> None:
        """See Store."""
        self._client.close()
