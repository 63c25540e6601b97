"""What users did is said by the types of events that count as taken."""

from __future__ import annotations

from typing import Any

import pytest

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import parse_dataset
from fuserank.history.words import BOUGHT, FIELDS, LIKED, TOOK, Words, words_of
from fuserank.registry.sources import SOURCES


def mapping(**event: Any) -> DatasetConfig:
    columns = {"u": "string", "i": "string", "t": "timestamp", "kind": "string", "r": "double"}
    raw = {
        "name": "x",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": "/x"},
        "files": {"e": {"path": "e.csv", "format": "csv", "columns": columns}},
        "events": [{"from": "e", "user": "u", "item": "i", "time": "t", "key": ["u", "i", "t"], **event}],
    }
    return parse_dataset(raw, "x.yaml")


def kinds(**roles: str) -> DatasetConfig:
    return mapping(type_column="kind", types={name: {"type": name, "role": role} for name, role in roles.items()})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (mapping(type="purchase", role="feedback"), BOUGHT),
        (mapping(type="rating", role="feedback", value="r", reward={"column": "r", "offset": -3}), LIKED),
        (mapping(type="interaction", role="feedback"), TOOK),
        (kinds(view="exposure", add_to_cart="feedback", order="feedback"), BOUGHT),
        (kinds(view="exposure", review="feedback"), LIKED),
        (kinds(play="feedback", rating="feedback"), TOOK),
    ],
)
def test_the_words_are_those_of_what_counts(found: DatasetConfig, words: Words) -> None:
    assert words_of(found) == words


def test_a_dislike_is_no_word_of_what_users_took() -> None:
    types = {
        "u": {"type": "rating", "role": "feedback"},
        "d": {"type": "complaint", "role": "feedback", "reward": {"value": -1.0}},
    }
    assert words_of(mapping(type_column="kind", types=types)) == LIKED


@pytest.mark.parametrize("words", [BOUGHT, LIKED, TOOK])
def test_every_sentence_of_a_source_has_the_words(words: Words) -> None:
    for source in SOURCES:
        for text in (source.text, source.text_once):
            assert not any(f"{{{field}}}" in words.say(text) for field in FIELDS)
    assert words.say("You {past} it {times} times") == f"You {words.past} it {{times}} times"
