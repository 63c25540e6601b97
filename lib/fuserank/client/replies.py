"""What came back, read: an answer, or an error by status and code."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar

import msgspec

from fuserank.common.errors import FuserankError
from fuserank.serving.requests import Answer, AnswerItem, Collected, Confirmed

T = TypeVar("T", Answer, Confirmed, Collected)
NO_ANSWER, TIMEOUT, UNREADABLE = "no_answer", "timeout", "unreadable"


class ServiceError(FuserankError):
    """A request that was not answered with items.

    :param status: of HTTP; 0: no answer came
    :param code: the service's word (``unknown_item``, ``wrong_value`` …); of the client's own ``no_answer`` (no
        connection, or it broke), ``timeout``, and ``unreadable``: what came is none of the service's answers
    :param field: where in the request it is
    :param request_id: under which the service's log has it
    """

    def __init__(self, status: int, code: str, message: str, field: str | None, request_id: str) -> None:
        super().__init__(status, code, message, field, request_id)
        self.status, self.code, self.message, self.field, self.request_id = status, code, message, field, request_id

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {self.code}: {self.message} (request {self.request_id})"


class Reply(NamedTuple):
    """One try's outcome; ``status`` 0: no answer came, for the reason ``code`` and ``message``."""

    status: int
    body: bytes = b""
    retry_after: str | None = None
    code: str = ""
    message: str = ""


class _Problem(msgspec.Struct):
    code: str
    message: str
    field: str | None = None
    request_id: str | None = None


class _ErrorAnswer(msgspec.Struct):
    error: _Problem


_ERRORS = msgspec.json.Decoder(_ErrorAnswer)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in (Answer, Confirmed, Collected)}


def read(reply: Reply, kind: type[T], request_id: str, key: str | None = None) -> T | ServiceError:
    """The answer of this kind, or what is wrong; the key is in neither, even where something on the way repeats it."""
    if not reply.status or reply.code:
        return ServiceError(reply.status, reply.code, reply.message, None, request_id)
    body = reply.body.replace(key.encode(), b"...") if key else reply.body
    try:
        if reply.status == 200:
            return _DECODERS[kind].decode(body)  # type: ignore[no-any-return, return-value]
        found = _ERRORS.decode(body).error
    except (msgspec.DecodeError, RecursionError):
        message = "what came is no answer of the recommend service; does url lead to it?"
        return ServiceError(reply.status, UNREADABLE, message, None, request_id)
    return ServiceError(reply.status, found.code, found.message, found.field, found.request_id or request_id)


def seconds_to_wait(retry_after: str | None, now: datetime | None = None) -> float:
    """What the header Retry-After says, in seconds or as a date; 0: nothing that can be read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())


class Unseen:
    """Items of pages that were on no page before."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def of(self, answer: Answer) -> Answer:
        """The answer without items that came before."""
        items: list[AnswerItem] = [one for one in answer.items if one.item not in self._seen]
        self._seen.update(one.item for one in items)
        return answer if len(items) == len(answer.items) else msgspec.structs.replace(answer, items=items)
