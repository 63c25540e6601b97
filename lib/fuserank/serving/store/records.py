"""What the online store holds, and the bytes of it.

Records are MessagePack arrays (msgspec): a field's place is its meaning, so a change of one is a new CONTRACT.
They hold no circles (``gc=False``): a process that holds many spends no time on looking for some.
"""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

CONTRACT = 2
_MOST_KEY = 480  # LMDB's keys hold 511 bytes


class ListRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One row of a user's list; ``parts``: place of the source in ``Manifest.sources``, its part in the score."""

    item_index: int
    score: float
    probability: float
    parts: list[tuple[int, float]]
    reason_code: str
    reason: str
    evidence: list[str]


class UserRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A user's published list, best first, and the user's declared features as of its day; without a list what is
    declared of the user alone.

    ``features``: by the names of ``Manifest.features``, or empty where nothing is known. ``history``: item_index, the
    most recent first.
    """

    user_id: str
    rows: list[ListRow]
    features: list[float | int | str | None] = []
    history: list[int] = []


class ItemRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An item of the catalogue: ``fields`` by column, ``similar``: item_index and similarity, the most alike first."""

    item_index: int
    item_id: str
    name: str | None
    fields: dict[str, str | float | int]
    similar: list[tuple[int, float]] = []


class File(msgspec.Struct, frozen=True):
    """A file of a snapshot, as it was when written."""

    name: str
    bytes: int
    sha256: str
    records: int


class Segment(msgspec.Struct, frozen=True):
    """What the users of one value of a declared field take most: ``items``: item_index, best first."""

    field: str
    value: str
    users: int  # whose takings the list is made of
    items: list[int]


class SessionFit(msgspec.Struct, frozen=True):
    """Weights of a session that baskets of ``since`` to ``until`` (days, without the last) ask for, and their NDCG@10
    on those baskets with its interval of 95 %, beside that of the built-in weights.
    """

    co_purchase: float
    als: float
    baskets: int
    since: str
    until: str
    ndcg: float
    low: float
    high: float
    default_ndcg: float


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself."""

    contract: int
    surface: str
    name: str  # of the snapshot
    number: int  # of the publication
    ranking_run_id: str
    ranking_version: int
    as_of_date: str
    sources: list[str]
    features: list[str]
    users: int  # with a record
    items: int
    popular: list[int]  # item_index, best first: for whom nothing is known
    shards: list[File]
    catalogue: File
    vectors: File | None  # float32 [items, factors]; a row of zeros: none
    table_versions: dict[str, int]
    segments: list[Segment] = []  # by field, that which is looked at first before the others
    session: SessionFit | None = None  # None: the built-in weights


_USER, _ITEM = msgspec.msgpack.Decoder(UserRecord), msgspec.msgpack.Decoder(ItemRecord)
_MANIFEST = msgspec.json.Decoder(Manifest)
_ENCODER = msgspec.msgpack.Encoder()


def encoded(record: UserRecord | ItemRecord) -> bytes:
    """The bytes of a record."""
    return _ENCODER.encode(record)


def user_record(data: bytes | memoryview) -> UserRecord:
    """The record of these bytes; raises msgspec.DecodeError where they are none."""
    return _USER.decode(data)


def item_record(data: bytes | memoryview) -> ItemRecord:
    """The record of these bytes; raises msgspec.DecodeError where they are none."""
    return _ITEM.decode(data)


def manifest_text(manifest: Manifest) -> bytes:
    """The manifest as JSON with a line a field."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def manifest_of(text: bytes) -> Manifest:
    """The manifest; raises msgspec.DecodeError where the text is none."""
    return _MANIFEST.decode(text)


def contract_of(text: bytes) -> Any:
    """Only the number of the contract, which any manifest has, also one of another fuserank."""
    found = msgspec.json.decode(text)
    return found.get("contract") if isinstance(found, dict) else None


def user_key(user_id: str) -> bytes:
    """The key of a user: the id itself in UTF-8, or where that is too long for LMDB its digest, behind all others."""
    return _key(user_id.encode())


def item_key(item_id: str) -> bytes:
    """The key under which an item's index stands."""
    return b"i" + _key(item_id.encode())


def index_key(item_index: int) -> bytes:
    """The key of an item's record."""
    return b"#" + item_index.to_bytes(4, "big")


def index_of(key: bytes | memoryview) -> int:
    """The index of an item's key."""
    return int.from_bytes(key[1:], "big")


def shard_of(user_id: str, shards: int) -> int:
    """CRC-32 of the id in UTF-8, as Spark's crc32, modulo the number of shards."""
    return zlib.crc32(user_id.encode()) % shards


def _key(name: bytes) -> bytes:
    if 0 < len(name) <= _MOST_KEY:
        return name
    import hashlib

    return b"\xff" + hashlib.blake2b(name, digest_size=32).digest()
