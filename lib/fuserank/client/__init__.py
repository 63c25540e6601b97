"""Ask the recommend service from Python: ``Client`` waits for its answers, ``AsyncClient`` is awaited."""

from __future__ import annotations

from fuserank.client.awaiting import AsyncClient
from fuserank.client.blocking import Client
from fuserank.client.replies import ServiceError
from fuserank.serving.requests import Answer, AnswerItem, Confirmed, SessionEvent

__all__ = ["Answer", "AnswerItem", "AsyncClient", "Client", "Confirmed", "ServiceError", "SessionEvent"]
