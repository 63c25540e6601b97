"""Where the next page begins: what a client sends back, without looking into it.

A cursor holds the request's hash and the items that came before, by index: an index is an item's for good, so that
items do not come again after another snapshot. It is no secret and not signed: what is forged can only leave items out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from itertools import accumulate, pairwise

import msgspec

from fuserank.serving.requests import Options, RankRequest, RecommendRequest, Refused

LONGEST = 20_000  # of Options.cursor
_FIRST_FORM, _MOST_INDEX = 1, 2**31


class _Cursor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """``steps``: the indices in order, each as its distance to the one before."""

    form: int
    snapshot: str
    request: bytes
    steps: list[int]


_DECODER, _ENCODER = msgspec.msgpack.Decoder(_Cursor), msgspec.msgpack.Encoder()


def request_hash(kind: str, request: Options, item: str = "") -> bytes:
    """Of what makes a list: not its length, nor how it is sent, nor the session, which may grow from page to page."""
    parts: list[object] = [kind, item, request.surface, request.filter, sorted(request.exclude), request.fill]
    if isinstance(request, RecommendRequest):
        parts += [request.user, sorted(request.basket)]
    if isinstance(request, RankRequest):
        parts.append(sorted(request.candidates))
    if request.context:
        parts.append(sorted(request.context.items()))
    return hashlib.blake2b(_ENCODER.encode(parts), digest_size=12).digest()


def cursor_of(snapshot: str, request: bytes, before: Iterable[int]) -> str | None:
    """The cursor behind these items; None: it would be too long to be sent."""
    indices = sorted(before)
    steps = [b - a for a, b in pairwise([0, *indices])]
    packed = _ENCODER.encode(_Cursor(_FIRST_FORM, snapshot, request, steps))
    text = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    return text if len(text) <= LONGEST else None


def items_before(cursor: str, request: bytes) -> list[int]:
    """Items that came on the pages before, in order of their indices.

    :raises Refused: it is no cursor, or that of another request
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = _DECODER.decode(packed)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _refused("is none of this service") from None
    if found.form != _FIRST_FORM:
        raise _refused("is of another version of this service")
    if found.request != request:
        raise _refused("is that of another request")
    indices = list(accumulate(found.steps))
    if any(step < 0 for step in found.steps) or (indices and indices[-1] >= _MOST_INDEX):
        raise _refused("is none of this service")
    return indices


def _refused(why: str) -> Refused:
    cure = "send the cursor of the answer before with the same request, or none for the first page"
    return Refused(422, "cursor", f"the cursor {why}; {cure}", "cursor")
