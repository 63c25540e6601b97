"""Pseudonyms of ids: HMAC-SHA256 (RFC 2104) under a key that stands in no file, table, plan or log."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id

SHORTEST, FEWEST = 32, 8  # signs of a key, and different signs in it: `openssl rand -hex 32` gives 64 of 16
# "p", the version of how they are made, 128 bits in hex. No id looks so by chance, so what does was replaced before.
_FORM = re.compile(r"p1_[0-9a-f]{32}")
_SHORT = 128  # characters: longer ids are not remembered, so that the memory stays within some 50 MB
_ID, _CHECK = b"\x01", b"\x00"  # first byte of what is hashed: an id by version 1, or the key's own check


class KeyProblem(FuserankError):
    """The key is missing, too weak, or another than before; the message never repeats it."""


class RowProblem(FuserankError):
    """A row's id cannot be replaced; the message names the field, not the id."""


def is_pseudonym(text: str) -> bool:
    """Whether the text is one already: it is left as it is, so nothing is hashed twice."""
    return _FORM.fullmatch(text) is not None


@dataclass(frozen=True)
class Key:
    """The secret, its bytes; never shown."""

    secret: bytes = field(repr=False)

    @classmethod
    def of_text(cls, text: str, name: str) -> Key:
        """The key that the variable ``name`` holds; white space around it counts for nothing.

        :raises KeyProblem: it is empty, short or monotonous
        """
        text, cure = text.strip(), "make one by `openssl rand -hex 32` and keep it where you keep secrets"
        if not text:
            raise KeyProblem(
                f"the key of the pseudonyms is read from the environment variable {name}, which is not set here; "
                f"export it, or {cure}"
            )
        if len(text) < SHORTEST or len(set(text)) < FEWEST:
            raise KeyProblem(
                f"the key of the pseudonyms in {name} is too weak: at least {SHORTEST} signs, {FEWEST} of them "
                f"different; {cure}"
            )
        return cls(text.encode())

    @property
    def fingerprint(self) -> str:
        """Tells this key from another without telling it: 32 bits in hex."""
        return hmac.digest(self.secret, _CHECK + b"fuserank key check", "sha256").hex()[:8]

    def of(self, text: str | None) -> str | None:
        """The id's pseudonym; None where nothing is left of it after NFC and trim."""
        if text is None:
            return None
        return _pseudonym(self.secret, text) if len(text) <= _SHORT else _hashed(self.secret, text)

    def row(self, row: Mapping[str, Any], replaced: Collection[str], fields: Collection[str]) -> dict[str, Any]:
        """A JSON row cut to ``fields``, ids in ``replaced`` by their pseudonyms; numbers as JSON writes them.

        :raises RowProblem: an id is an object or a list
        """
        cut = {name: value for name, value in row.items() if name in fields}
        for name in replaced:
            value = cut.get(name)
            if isinstance(value, dict | list):
                raise RowProblem(f"field {name} is no id but holds others; pseudonyms are made of plain values")
            if value is not None:
                cut[name] = self.of(value if isinstance(value, str) else json.dumps(value))
        return cut


def _hashed(secret: bytes, text: str) -> str | None:
    normal = normal_id(text)
    if normal is None or is_pseudonym(normal):
        return normal
    return f"p1_{hmac.digest(secret, _ID + normal.encode(), 'sha256').hex()[:32]}"


_pseudonym = lru_cache(maxsize=1 << 17)(_hashed)  # an id comes in many rows, and a hash costs nine times a look-up
