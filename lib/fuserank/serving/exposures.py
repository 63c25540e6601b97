"""Which answers were seen: each answer leaves a line in the inbox, and a client may say later what was looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from fuserank.serving.inbox.lines import ANSWER, SHOWN, By, Line
from fuserank.serving.inbox.writer import Inbox, InboxFull
from fuserank.serving.problems import refused
from fuserank.serving.requests import Confirmed

if TYPE_CHECKING:
    from fuserank.serving.requests import Answer, ConfirmRequest, Exposure


class Exposures:
    """What the service keeps of its answers.

    :param inbox: None: nothing is kept
    :param shown_by: whether an answer counts as seen by itself, or once a client says so
    """

    def __init__(self, inbox: Inbox | None, shown_by: By) -> None:
        self.inbox = inbox
        self._shown_by, self._as = shown_by, _STATES[shown_by]

    def answered(self, answer: Answer, route: str) -> Answer:
        """The answer, with what became of its exposure; its line is written before it goes out."""
        if self.inbox is None or answer.exposure == "dry_run":
            return answer
        state: Exposure = self._as
        try:
            self.inbox.append(self._line(answer, route))
        except InboxFull:  # the inbox has said why; the answer goes out all the same
            state = "unwritten"
        return msgspec.structs.replace(answer, exposure=state)

    async def confirmed(self, request: ConfirmRequest) -> Confirmed:
        """Keep what a client saw; it is on disk when this returns.

        :raises Refused: nothing is kept here, or it could not be brought to disk
        """
        if self.inbox is None:
            raise refused("no_inbox", "this service keeps no exposures: it was started without an inbox")
        line = Line(kind=SHOWN, at=_now(), answer_id=request.answer_id, items=request.items or [])
        try:
            await self.inbox.durable(self.inbox.append(line))
        except InboxFull as full:
            raise refused("inbox_full", f"the exposure is not kept: {full}; send it again later") from None
        return Confirmed(request.answer_id, None if request.items is None else len(request.items))

    def close(self) -> None:
        """Bring to disk what was appended."""
        if self.inbox is not None:
            self.inbox.close()

    def _line(self, answer: Answer, route: str) -> Line:
        versions, items = answer.versions, answer.items
        return Line(
            kind=ANSWER,
            at=_now(),
            answer_id=answer.answer_id,
            user=answer.user,
            surface=answer.surface,
            route=route,
            served_from=answer.served_from,
            policy_id=answer.policy_id,
            shown_by=self._shown_by,
            ranking_run_id=versions.ranking_run_id,
            ranking_version=versions.ranking_version,
            as_of=versions.as_of,
            snapshot=versions.snapshot,
            first_position=items[0].rank if items else None,
            items=[one.item for one in items],
            scores=[one.score for one in items],
            reason_codes=[one.reason_code for one in items],
        )


_STATES: dict[By, Exposure] = {"answer": "shown", "client": "awaited"}


def _now() -> int:
    return time.time_ns() // 1000
