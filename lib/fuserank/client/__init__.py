"""Ask the recommend service from Python: ``Client`` waits for its answers, ``AsyncClient`` is awaited."""

from __future__ import annotations

from fuserank.client.awaiting import AsyncClient
from fuserank.client.blocking import Client
from fuserank.client.replies import ServiceError
from fuserank.client.spool import Spool, SpoolError
from fuserank.serving.requests import Answer, AnswerItem, Collected, Confirmed, EventRefused, SessionEvent

__all__ = [
    "Answer",
    "AnswerItem",
    "AsyncClient",
    "Client",
    "Collected",
    "Confirmed",
    "EventRefused",
    "ServiceError",
    "SessionEvent",
    "Spool",
    "SpoolError",
]
