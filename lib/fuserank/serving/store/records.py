"""What the online store holds, and the bytes of it.

Records are MessagePack arrays (msgspec): a field's place is its meaning, so a change of one is a new CONTRACT (one more
at the end, which readers pass over, is none). A list is held by column, as bytes that numpy reads where they lie: of a
list only the rows that go out become Python objects.
Records hold no circles (``gc=False``): a process that holds many spends no time on looking for some.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct, unpack, unpack_from
from typing import Any

import msgspec

CONTRACT = 2
_MOST_KEY = 480  # LMDB's keys hold 511 bytes
_OF_FIVE, _NOTHING_KNOWN, _NIL = b"\x95", b"\x90\x90", b"\xc0"  # MessagePack: five values begin; two empty arrays
_ONE, _TWO = Struct("<I"), Struct("<II")


class ListRow(msgspec.Struct, frozen=True, gc=False):
    """One row of a user's list; ``parts``: source → its part in the score."""

    item_index: int
    score: float
    probability: float
    parts: dict[str, float]
    reason_code: str
    reason: str
    evidence: list[str]


class Rows(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Rows of a list by column, best first; numbers are little-endian, texts UTF-8.

    Where a cell has several values (parts of a row, bytes of a text), ``…_end`` says where those of each cell end.
    """

    item_index: bytes  # int32 [rows]
    score: bytes  # float64 [rows]
    probability: bytes  # float64 [rows]
    sources: list[str]
    part_end: bytes  # uint32 [rows]
    part_source: bytes  # uint16 [parts]: place in ``sources``
    part: bytes  # float64 [parts]
    codes: list[str]
    code: bytes  # uint16 [rows]: place in ``codes``
    reason_end: bytes  # uint32 [rows]
    reason: bytes
    evidence_end: bytes  # uint32 [rows]
    evidence_text_end: bytes  # uint32 [evidence]
    evidence_text: bytes

    def __len__(self) -> int:
        return len(self.item_index) // 4

    def __iter__(self) -> Iterator[ListRow]:
        """All rows; a row costs a third of what it does by its place."""
        count, parts = len(self), len(self.part_source) // 2
        names = [self.sources[at] for at in unpack(f"<{parts}H", self.part_source)]
        values = unpack(f"<{parts}d", self.part)
        evidence = _texts(self.evidence_text_end, self.evidence_text)
        return map(
            ListRow,
            unpack(f"<{count}i", self.item_index),
            unpack(f"<{count}d", self.score),
            unpack(f"<{count}d", self.probability),
            [dict(zip(names[begin:end], values[begin:end], strict=True)) for begin, end in _spans(self.part_end)],
            [self.codes[at] for at in unpack(f"<{count}H", self.code)],
            _texts(self.reason_end, self.reason),
            [evidence[begin:end] for begin, end in _spans(self.evidence_end)],
        )

    def __getitem__(self, n: int) -> ListRow:
        """The row at a place from 0."""
        item_index, score = unpack_from("<i", self.item_index, 4 * n)[0], unpack_from("<d", self.score, 8 * n)[0]
        probability, code, reason = self.reason_of(n)
        return ListRow(item_index, score, probability, self.parts_of(n), code, reason, self.evidence_of(n))

    def reason_of(self, n: int) -> tuple[float, str, str]:
        """Of a row its probability, code and reason."""
        begin, end = _span(self.reason_end, n)
        code = self.codes[unpack_from("<H", self.code, 2 * n)[0]]
        return unpack_from("<d", self.probability, 8 * n)[0], code, self.reason[begin:end].decode()

    def parts_of(self, n: int) -> dict[str, float]:
        """Of a row its parts by source."""
        begin, end = _span(self.part_end, n)
        at, sources = unpack_from(f"<{end - begin}H", self.part_source, 2 * begin), self.sources
        return {sources[of]: part for of, part in zip(at, self._parts(begin, end), strict=True)}

    def strongest_of(self, n: int) -> float:
        """Of a row its largest part; 0 where it has none."""
        return max(self._parts(*_span(self.part_end, n)), default=0.0)

    def evidence_of(self, n: int) -> list[str]:
        """Of a row its evidence."""
        cells = [_span(self.evidence_text_end, at) for at in range(*_span(self.evidence_end, n))]
        return [self.evidence_text[begin:end].decode() for begin, end in cells]

    def _parts(self, begin: int, end: int) -> tuple[float, ...]:
        return unpack_from(f"<{end - begin}d", self.part, 8 * begin)


def _span(ends: bytes, n: int) -> tuple[int, int]:
    """Where the values of the n-th cell begin and end."""
    if n:
        begin, end = _TWO.unpack_from(ends, 4 * n - 4)
        return begin, end
    return 0, _ONE.unpack_from(ends, 0)[0]


def _spans(ends: bytes) -> Iterator[tuple[int, int]]:
    """Where the values of each cell begin and end."""
    return pairwise((0, *unpack(f"<{len(ends) // 4}I", ends)))


def _texts(ends: bytes, data: bytes) -> list[str]:
    return [data[begin:end].decode() for begin, end in _spans(ends)]


class UserRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A user's published list, best first, and the user's declared features as of its day; without a list what is
    declared of the user alone.

    ``features``: by the names of ``Manifest.features``, or empty where nothing is known. ``history``: item_index, the
    most recent first. ``until``: of a record that was made anew since the snapshot the day (ISO) before which what it
    knows of the user happened; None: as of the snapshot's day.
    """

    user_id: str
    rows: Rows
    features: list[float | int | str | None] = []
    history: list[int] = []
    until: str | None = None


class ItemRecord(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An item of the catalogue: ``fields`` by column, and its neighbours, the most alike first."""

    item_index: int
    item_id: str
    name: str | None
    fields: dict[str, str | float | int]
    neighbours: bytes = b""  # item_index, int32 little-endian
    similarities: bytes = b""  # float64 little-endian

    @property
    def similar(self) -> list[tuple[int, float]]:
        """Neighbours and similarities."""
        count = len(self.neighbours) // 4
        pairs = unpack_from(f"<{count}i", self.neighbours), unpack_from(f"<{count}d", self.similarities)
        return list(zip(*pairs, strict=True))


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
    sequence: float = 0.0  # where the snapshot has a step


class Step(msgspec.Struct, frozen=True):
    """What a sequence model needs to say what comes next after some items.

    ``model``: ONNX (``learning.sequences.step``). ``items``: float32 [items, D + 1]: the item's vector, of length 1,
    and by how many cosines it is less popular than the most popular one (0 at most); a row of zeros: none. Where the
    model reads prices, the class of the item's price (``learning.sequences.windows.price_class``) stands behind.
    """

    source: str
    model: File
    items: File
    length: int  # items that it looks at, the last ones
    at_once: int  # gap class of what follows within a day


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
    step: Step | None = None  # None: the ranking has no part of a sequence model

    @property
    def files(self) -> list[File]:
        """All that the snapshot holds beside its manifest."""
        step = [] if self.step is None else [self.step.model, self.step.items]
        return [*self.shards, self.catalogue, *([self.vectors] if self.vectors else []), *step]


_USER, _ITEM = msgspec.msgpack.Decoder(UserRecord), msgspec.msgpack.Decoder(ItemRecord)
_ROWS = msgspec.msgpack.Decoder(Rows)
_MANIFEST = msgspec.json.Decoder(Manifest)
_ENCODER = msgspec.msgpack.Encoder()


def by_column(rows: Sequence[ListRow]) -> Rows:
    """These rows, best first, as a record holds them."""
    sources = {source: n for n, source in enumerate(dict.fromkeys(s for row in rows for s in row.parts))}
    codes = {code: n for n, code in enumerate(dict.fromkeys(row.reason_code for row in rows))}
    reasons, evidence = [row.reason.encode() for row in rows], [e.encode() for row in rows for e in row.evidence]
    return Rows(
        _numbers("i", (row.item_index for row in rows)),
        _numbers("d", (row.score for row in rows)),
        _numbers("d", (row.probability for row in rows)),
        list(sources),
        _ends(len(row.parts) for row in rows),
        _numbers("H", (sources[source] for row in rows for source in row.parts)),
        _numbers("d", (part for row in rows for part in row.parts.values())),
        list(codes),
        _numbers("H", (codes[row.reason_code] for row in rows)),
        _ends(map(len, reasons)),
        b"".join(reasons),
        _ends(len(row.evidence) for row in rows),
        _ends(map(len, evidence)),
        b"".join(evidence),
    )


def user_of(
    user_id: str,
    rows: Sequence[ListRow],
    features: Sequence[float | int | str | None] = (),
    history: Sequence[int] = (),
    until: str | None = None,
) -> UserRecord:
    """The record of a user with this list, best first."""
    return UserRecord(user_id, by_column(rows), list(features), list(history), until)


def item_of(
    item_index: int,
    item_id: str,
    name: str | None,
    fields: dict[str, str | float | int],
    similar: Sequence[tuple[int, float]] = (),
) -> ItemRecord:
    """The record of an item; ``similar``: item_index and similarity, the most alike first."""
    neighbours, similarities = _numbers("i", (n for n, _ in similar)), _numbers("d", (s for _, s in similar))
    return ItemRecord(item_index, item_id, name, fields, neighbours, similarities)


def _numbers(kind: str, values: Iterable[float]) -> bytes:
    found = array(kind, values)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def _ends(lengths: Iterable[int]) -> bytes:
    return _numbers("I", accumulate(lengths))


_NO_ROWS = _ENCODER.encode(by_column([]))


def encoded(record: UserRecord | ItemRecord) -> bytes:
    """The bytes of a record."""
    return _ENCODER.encode(record)


def joined(user_id: str, pieces: Sequence[bytes | memoryview], state: bytes | memoryview | None) -> bytes:
    """The bytes of a user's record from those of its parts.

    :param pieces: ``Rows``, to be read one behind the other; none where there is no list
    :param state: features and history; None: nothing is known
    """
    rows = pieces[0] if pieces else _NO_ROWS
    if len(pieces) > 1:
        rows = _ENCODER.encode(by_column([row for piece in pieces for row in _ROWS.decode(piece)]))
    return b"".join((_OF_FIVE, _ENCODER.encode(user_id), rows, state or _NOTHING_KNOWN, _NIL))


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
