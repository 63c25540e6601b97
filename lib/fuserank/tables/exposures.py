"""Exposures: what the service answered and what was seen of it, as its inbox has it and as one row an item."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.bronze import ENVELOPE
from fuserank.tables.contract import Column, Person, Table


def _text(name: str, unit: str, doc: str, nullable: bool = True, person: Person = "none") -> Column:
    return Column(name, "string", unit, doc, nullable, person=person)


_FILE = Column("_file", "string", "path", "the segment's name", person="none")
LINES = Table(
    name="bronze.exposures",
    grain="one row per line of the service's inbox: an answer, or what a client saw of one",
    keys=("_file", "row"),
    writer="bronze",
    doc="Lines of the inbox as they came, append-only; a segment that is in is not read again.",
    partition_by=("_day",),
    columns=(
        Column("row", "long", "row_from_0", "the line's number in its segment; null: it cannot be read", True),
        _text("kind", "name", "answer, or shown: a client says what was seen"),
        Column("at", "long", "count", "when, in microseconds since 1970, by the service's clock", True),
        _text("answer_id", "id", "the answer", person="quasi"),
        _text("user", "id", "whom it was for, as the service was asked", person="id"),
        _text("surface", "name", "where lists are shown"),
        _text("route", "name", "what was asked: recommendations, rank, similar, basket, session"),
        _text("served_from", "name", "personal, session, segment, trending or popular"),
        _text("policy_id", "id", "how the list was made"),
        _text("shown_by", "name", "answer: it counts as seen by itself; client: once a client says so"),
        _text("ranking_run_id", "id", "the run whose ranking answered"),
        Column("ranking_version", "long", "version", "Delta version of ranking.ranking that answered", True),
        _text("as_of", "text", "its day"),
        _text("snapshot", "name", "the store's snapshot"),
        Column("first_position", "int", "rank_from_1", "place of the first item; the others follow it", True),
        Column("items", "array<string>", "id", "in the order of their places", True, person="quasi"),
        Column("scores", "array<float>", "score", "of each item", True),
        Column("reason_codes", "array<string>", "code", "of each item", True),
        Column("propensities", "array<float>", "probability", "of each item; null: the list is deterministic", True),
        _FILE,
        Column("_day", "date", "utc_date", "day on which the segment was begun, by its name"),
        Column("_batch", "long", "count", "1, 2, …: the run of bronze that brought it", person="none"),
        next(column for column in ENVELOPE if column.name == "_corrupt"),
        c.run_id(),
    ),
)

EXPOSURES = Table(
    name="silver.exposures",
    grain="one row per answer of the service and item in it",
    keys=("answer_id", "item_id"),
    writer="silver",
    doc="What was offered to whom, at which place, by which policy, and when it was seen; events name answer_id as"
    " request_id.",
    partition_by=("event_date",),
    change_feed=True,
    columns=(
        _text("answer_id", "id", "the answer; comes back as request_id of silver.events", False, person="quasi"),
        _text("item_id", "id", "business id, after NFC and outer trim", False, person="quasi"),
        _text("user_id", "id", "business id, after NFC and outer trim; null: nobody known", person="id"),
        _text("surface", "name", "where it was offered", False),
        _text("route", "name", "what was asked: recommendations, rank, similar, basket, session", False),
        Column("position", "int", "rank_from_1", "place in the list that the user sees", check="position >= 1"),
        Column("propensity", "double", "probability", "of this place by the policy; null: deterministic", True),
        Column("score", "double", "score", "of the answer"),
        _text("reason_code", "code", "of the answer", False),
        _text("served_from", "name", "personal, session, segment, trending or popular", False),
        _text("policy_id", "id", "how the list was made", False),
        _text("ranking_run_id", "id", "the run whose ranking answered", False),
        Column("ranking_version", "long", "version", "Delta version of ranking.ranking that answered"),
        c.as_of_date(),
        _text("snapshot", "name", "the store's snapshot", False),
        Column("answered_at", "timestamp", "utc_timestamp", "when the answer went out"),
        Column("event_date", "date", "utc_date", "UTC day of answered_at"),
        _text("shown_by", "name", "answer: it counts as seen by itself; client: once a client says so", False),
        Column("shown_at", "timestamp", "utc_timestamp", "when it was seen; null: no client has said so", True),
        c.known_at(),
        _text("dataset", "name", "the mapping of the run that took it in", False),
        Column("row_hash", "long", "hash", "xxhash64 of the row's content: a MERGE updates only what differs"),
        c.run_id(),
    ),
)

TABLES = (LINES, EXPOSURES)
