"""One battery for the declarations of all candidate sources, and how settings name them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from string import Formatter
from typing import Any

import pytest
from pydantic import ValidationError

from fuserank.config.candidates import CandidatesConfig, SourceSection
from fuserank.evaluation.tracks import TRACKS
from fuserank.history.words import FIELDS
from fuserank.learning.recommenders.settings import IalsConfig
from fuserank.registry import loaded
from fuserank.registry.sources import REASONS, SOURCES, Source, floor, members, recommenders, sampled, speaking
from fuserank.stages.samples import user_facts
from fuserank.tables import ALL
from fuserank.tables.features import ATTRIBUTES

each = pytest.mark.parametrize("source", SOURCES, ids=SOURCES.names)


@each
def test_it_is_seen_apart_from_all_others(source: Source) -> None:
    others = [s for s in SOURCES if s is not source]
    assert source.label
    assert re.fullmatch(r"#[0-9a-f]{6}", source.colour)
    for of in ("number", "label", "colour", "config"):  # of one module may be several, by their settings
        assert getattr(source, of) not in [getattr(s, of) for s in others]


@each
def test_its_settings_are_right_by_default_and_stand_where_it_says(source: Source) -> None:
    cfg = CandidatesConfig()
    assert source.settings.model_validate({}) == source.settings()
    assert cfg.of_source(source.name) == source.settings()
    assert cfg.quota(source.name) >= 1
    assert cfg.with_quotas({source.name: 7}).quota(source.name) == 7
    assert issubclass(source.settings, SourceSection) == source.section
    assert (source.name in members()) != source.section


@each
def test_what_it_names_is_there(source: Source) -> None:
    module = importlib.import_module(source.module)
    assert source.section or source.family
    assert callable(getattr(module, "lists", None)) == source.section
    for name in ("learn", "Scorer", "USERS_AT_ONCE"):
        assert hasattr(module, name) == source.family
    assert not source.distributed or callable(loaded(source.distributed))
    assert source.writes in {None, *(t.name for t in ALL)}
    assert source.section or source.writes == "candidates.learned"


@each
def test_its_reason_is_a_known_one_with_a_sentence_that_can_be_filled(source: Source) -> None:
    named = {name for _, name, _, _ in Formatter().parse(source.text) if name}
    once = {name for _, name, _, _ in Formatter().parse(source.text_once) if name}
    assert (named | once) - set(FIELDS) <= REASONS[source.reason]
    assert bool(source.text) == (source.reason != "none")
    assert bool(source.text_once) == (source.reason == "own history")
    assert bool(source.walk) == (source.reason == "walk")
    assert not source.walk or callable(loaded(source.walk))


ROOMS = ("fuserank.learning.recommenders", "fuserank.learning.sequences", "fuserank.stages.candidates")


def _own_code(path: str) -> list[ast.AST]:
    """All nodes of a module and of the modules of these rooms that it imports, near and far."""
    found: list[ast.AST] = []
    seen, left = set(), [path]
    while left:
        if (name := left.pop()) in seen or not name.startswith(tuple(f"{r}." for r in ROOMS)):
            continue
        seen.add(name)
        nodes = list(ast.walk(ast.parse(inspect.getsource(importlib.import_module(name)))))
        found += nodes
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module in ROOMS:
                left += [f"{node.module}.{a.name}" for a in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                left.append(node.module)
    return found


@each
def test_it_needs_torch_the_catalogue_and_baskets_exactly_where_its_code_does(source: Source) -> None:
    code = _own_code(source.module)
    imported = {a.name for n in code if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module or "" for n in code if isinstance(n, ast.ImportFrom)}
    assert any(name.split(".")[0] == "torch" for name in imported) == source.torch
    assert any(isinstance(n, ast.Attribute) and n.attr == "content" for n in code) == (
        source.reads_content or source.social
    )
    of = {
        n.value.id
        for n in code
        if isinstance(n, ast.Attribute) and n.attr == "baskets" and isinstance(n.value, ast.Name)
    }
    assert bool(of & {"pairs", "histories"}) == source.baskets


def test_the_sources_as_a_whole() -> None:
    assert [s.name for s in SOURCES if s.fills] == [floor()] == [floor("new")] == ["popular"]
    assert floor("next-basket") == "personal_top"
    assert {s.floor_of for s in SOURCES} - {""} <= set(TRACKS)
    assert CandidatesConfig().sources == ("als", "co_purchase", "repeat", "popular")
    assert [s.name for s in sampled()] == ["als", "co_purchase", "repeat", "popular", "trending"]
    assert [s.number for s in sampled()] == list(range(5))  # the columns of the samples and their rows' order
    assert recommenders().names[:2] == ("popular", "item_cf")


def test_among_equal_parts_the_more_telling_source_speaks() -> None:
    found = [s.name for s in speaking(("popular", "kg", "repeat", "item_cf"))]
    assert found[:5] == ["repeat", "co_purchase", "als", "kg", "item_cf"]
    assert found[-2:] == ["trending", "popular"]
    assert sorted(found) == sorted(SOURCES.names)


def test_any_number_of_sources_have_rows_of_their_own_in_the_samples() -> None:
    others = {
        user_facts.KEY,
        user_facts.OWN,
        user_facts.USER,
        user_facts.FACTOR,
        *user_facts.ATTRIBUTE_NUMBERS.values(),
    }
    assert len(others) == 4 + len(ATTRIBUTES)
    assert not others & {user_facts.FIRST_SOURCE + number for number in range(10_000)}
    with pytest.raises(Exception, match="rows of the_21st and of brand have the same number 30"):
        user_facts._distinct({"brand": 30}, {"the_21st": 10 + 20})


@pytest.mark.parametrize(
    ("wrong", "path", "words"),
    [
        (
            {"sources": ("als", "als2")},
            "sources",
            r"no source 'als2'; did you mean 'als'\? there are: als, co_purchase",
        ),
        ({"sources": ("popularity",)}, "sources", r"source 'popularity' is now 'popular'"),
        (
            {"segments": {"quotas": {"new": {"popula": 1}}}},
            "segments.quotas",
            r"no source 'popula'; did you mean 'popular'",
        ),
        ({"members": {"als": {}}}, "members", r"no member 'als'.* there are: item_cf, user_cf"),
        ({"members": {"popularity": {}}}, "members", r"'popularity' is now 'popular'"),
        (
            {"members": {"ials": {"settings": {"factor": 8}}}},
            "members.ials.settings.factor",
            r"ials has no such setting; there are: factors, iterations",
        ),
        (
            {"members": {"ials": {"settings": {"factors": 0}}}},
            "members.ials.settings.factors",
            r"greater than or equal to 1",
        ),
        ({"members": {"ials": {"settings": 3}}}, "members.ials.settings", r"dictionary"),
        ({"members": {"ials": {"quotas": 3}}}, "members.ials.quotas", r"not permitted"),
        ({"members": {"ials": 3}}, "members.ials", r"dictionary"),
    ],
)
def test_sources_and_settings_that_there_are_not_are_refused_as_they_are_read(
    wrong: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        CandidatesConfig.model_validate(wrong)
    (error,) = refused.value.errors()
    assert ".".join(map(str, error["loc"])) == path
    assert re.search(words, error["msg"])


def test_settings_of_a_member_have_its_class_and_survive_being_written() -> None:
    declared = {"members": {"ials": {"quota": 7, "settings": {"factors": 8}}}, "sources": ["ials", "kg"]}
    cfg = CandidatesConfig.model_validate(declared)
    assert cfg.of_source("ials") == IalsConfig(factors=8)
    assert CandidatesConfig.model_validate(cfg.model_dump()) == cfg
    assert CandidatesConfig.model_validate_json(cfg.model_dump_json()) == cfg
    assert cfg.model_dump(exclude_defaults=True) == {**declared, "sources": ("ials", "kg")}
