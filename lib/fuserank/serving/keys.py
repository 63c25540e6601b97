"""API keys: what a file holds of them, and who sent a request.

A key is ``fr_<id>_<secret>``: the id finds its row, the secret is 256 random bits. The file holds only a salt and the
SHA-256 of salt and key. A slow hash (scrypt) would protect secrets that people choose, which can be guessed; 2^256
cannot, and tens of milliseconds a request would let anybody who sends wrong keys stop the service.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec

from fuserank.common.errors import FuserankError
from fuserank.serving.problems import refused

Scope = Literal["recommend", "admin", "events:write"]
SCOPES: tuple[Scope, ...] = ("recommend", "admin", "events:write")
_FORM = re.compile(rb"fr_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?")
_LOOK_SECONDS = 1.0  # how old what is known of the file may be


class KeysError(FuserankError):
    """The file of keys cannot be read, or has no such key."""


class KeyRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the file holds of a key; times are ISO 8601 in UTC.

    With ``origins`` it is public: it stands in pages of these origins, comes in a body, and writes events alone.
    """

    name: str
    id: str
    scopes: list[Scope]
    salt: str
    sha256: str
    created: dt.datetime
    expires: dt.datetime | None = None
    revoked: dt.datetime | None = None
    origins: list[str] = []

    def state(self, now: dt.datetime) -> Literal["valid", "expired", "revoked"]:
        """Whether it opens anything now."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    keys: list[KeyRow] = []


def read(path: Path) -> list[KeyRow]:
    """The keys of a file.

    :raises KeysError: it is not there, or no file of keys
    """
    from fuserank.config import yaml_text

    try:
        parsed: Any = yaml_text.parse(path.read_text(encoding="utf-8"))  # JSON is YAML
        return msgspec.convert(_dated(parsed or {}), _File).keys
    except FileNotFoundError:
        raise KeysError(f"there is no file of keys {path}; make a key: fuserank serve-key new --keys {path}") from None
    except (OSError, UnicodeDecodeError, yaml_text.YamlError, msgspec.ValidationError) as problem:
        raise KeysError(f"file of keys {path} cannot be read: {problem}") from None


def _dated(parsed: Any) -> Any:
    """YAML's own times as text again, which one rule reads for both forms of the file."""
    if isinstance(parsed, dict):
        return {name: _dated(value) for name, value in parsed.items()}
    if isinstance(parsed, list):
        return [_dated(value) for value in parsed]
    return parsed.isoformat() if isinstance(parsed, dt.datetime) else parsed


def made(
    path: Path, name: str | None, scopes: list[Scope], days: int | None, origins: Sequence[str] = ()
) -> tuple[str, KeyRow]:
    """A new key, its row added to the file; the key itself is nowhere but in what comes back.

    :param origins: of pages that it stands in, as https://shop.example
    :raises KeysError: the name is taken by a key that is not revoked, or is none; an origin is none
    """
    if origins and scopes != ["events:write"]:
        raise KeysError("a key that stands in pages can be read by everybody: its one scope is events:write")
    if wrong := [one for one in origins if not _ORIGIN.fullmatch(one)]:
        raise KeysError(f"{wrong[0][:80]!r} is no origin such as https://shop.example (no path, small letters)")
    key_id = secrets.token_hex(6)
    name = name or f"{scopes[0]}-{key_id[:6]}"
    if not _NAME.fullmatch(name):
        raise KeysError(f"a key's name has letters, digits, . _ and - (64 at most), not {name[:80]!r}")
    key = f"fr_{key_id}_{secrets.token_urlsafe(32)}"
    salt, now = os.urandom(16), dt.datetime.now(dt.UTC).replace(microsecond=0)
    expires = None if days is None else now + dt.timedelta(days=days)
    row = KeyRow(
        name=name,
        id=key_id,
        scopes=scopes,
        salt=salt.hex(),
        sha256=_hash(salt, key.encode()).hex(),
        created=now,
        expires=expires,
        origins=list(origins),
    )
    with _changing(path):
        rows = read(path) if path.exists() else []
        if any(r.name == name and r.revoked is None for r in rows):
            raise KeysError(f"{path} has a key {name!r} already; a rotation gives the new one another name")
        _write(path, [*rows, row])
    return key, row


def revoked(path: Path, name: str) -> KeyRow:
    """Take a key's power away; running services follow within seconds.

    :raises KeysError: no key of this name is left to revoke
    """
    with _changing(path):
        rows = read(path)
        at = next((n for n, r in enumerate(rows) if r.name == name and r.revoked is None), None)
        if at is None:
            raise KeysError(f"{path} has no key {name!r} that is not revoked; fuserank serve-key list --keys {path}")
        rows[at] = msgspec.structs.replace(rows[at], revoked=dt.datetime.now(dt.UTC).replace(microsecond=0))
        _write(path, rows)
    return rows[at]


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """One writer at a time."""
    if not path.parent.is_dir():
        raise KeysError(f"there is no folder {path.parent}")
    with path.with_name(f".{path.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, rows: list[KeyRow]) -> None:
    import yaml

    plain = msgspec.to_builtins(_File(rows))
    text = (
        msgspec.json.format(msgspec.json.encode(plain), indent=1).decode() + "\n"
        if path.suffix == ".json"
        else yaml.safe_dump(plain, sort_keys=False)
    )
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _hash(salt: bytes, key: bytes) -> bytes:
    return hashlib.sha256(salt + key).digest()


class Keys:
    """The keys of a file, which is read again when it changes; a broken file leaves those before in force.

    :param problem: is called with what is wrong with the file, once a change
    :raises KeysError: at the start there is no file, or no key in it is valid
    """

    def __init__(self, path: Path, problem: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._problem, self._clock = path, problem, clock
        self._mark, self._looked = self._now_on_disk(), clock()
        self._rows = {row.id.encode(): row for row in read(path)}
        if not any(row.state(dt.datetime.now(dt.UTC)) == "valid" for row in self._rows.values()):
            raise KeysError(f"no key in {path} is valid; make one: fuserank serve-key new --keys {path}")

    def of(self, authorization: bytes | None) -> KeyRow | None:
        """The row of the key that came as ``Bearer KEY``; None: it opens nothing. A public one comes by no header."""
        scheme, _, key = (authorization or b"").partition(b" ")
        row = self._found(key.strip()) if scheme.lower() == b"bearer" else None
        return None if row is None or row.origins else row

    def public(self, key: str | None, origin: bytes | None) -> KeyRow | None:
        """The row of a public key that came in a body; None: it opens nothing.

        :raises Refused: it is one, and not of this origin
        """
        row = None if key is None or not key.isascii() else self._found(key.encode())
        if row is None or not row.origins:
            return None
        if origin is None or origin.decode("latin-1") not in row.origins:
            raise refused("wrong_origin", f"the key {row.name} is of other origins than this page's")
        return row

    def _found(self, key: bytes) -> KeyRow | None:
        self._follow()
        found = _FORM.fullmatch(key)
        if found is None:
            return None
        row = self._rows.get(found[1])
        salt, expected = (bytes(16), bytes(32)) if row is None else (bytes.fromhex(row.salt), bytes.fromhex(row.sha256))
        same = hmac.compare_digest(_hash(salt, found[0]), expected)
        return row if row is not None and same and row.state(dt.datetime.now(dt.UTC)) == "valid" else None

    def _now_on_disk(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _follow(self) -> None:
        now = self._clock()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked, mark = now, self._now_on_disk()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._rows = {row.id.encode(): row for row in read(self._path)}
        except KeysError as problem:
            self._problem(str(problem))
