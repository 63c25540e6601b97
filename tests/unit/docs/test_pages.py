"""Pages lead somewhere: links, anchors and toctrees of README and docs/, without the site's generator."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from fuserank.cli.main import app
from tests.support.pages import DOCS, PAGES, ROOT, anchors, dead, links, toctrees


@pytest.mark.parametrize(
    "page", [*(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *PAGES], ids=lambda p: p.name
)
def test_links_and_anchors_of_a_page_are_there(page: Path) -> None:
    assert dead(page) == []


def test_every_page_is_in_one_toctree() -> None:
    named = [page for index in PAGES for page in toctrees(index)]
    assert sorted(named) == [page for page in PAGES if page != DOCS / "index.md"]


def test_pages_of_an_index_are_linked_in_words_too() -> None:
    """A toctree is a block of code in a repository browser."""
    for index in PAGES:
        linked = {
            (index.parent / target.partition("#")[0]).resolve() for target in links(index.read_text(encoding="utf-8"))
        }
        missing = [page for page in toctrees(index) if page not in linked and page.parent.name != "adr"]
        assert not missing, index


def test_dead_links_and_anchors_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.pages.ROOT", tmp_path)
    (tmp_path / "there.md").write_text(
        "# Of `it`, and more\n## Twice\n## Twice\n```\n# no heading\n```\n", encoding="utf-8"
    )
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#of-it-and-more) [c](there.md#twice-1) [d](https://x.example/y) `[e](code.md)`\n\n"
        "    [f](indented.md)\n\n[g](gone.md) ![h](gone.png) [i](there.md#thrice) [j](#nowhere) [k](../outside.md)\n",
        encoding="utf-8",
    )
    assert dead(page) == ["gone.md", "gone.png", "there.md#thrice", "#nowhere", "../outside.md"]
    assert anchors((tmp_path / "there.md").read_text(encoding="utf-8")) == {"of-it-and-more", "twice", "twice-1"}


def written() -> list[tuple[str, list[str]]]:
    """Page and words of every `fuserank …` line in the blocks of all pages, comments left out."""
    found = []
    for page in (ROOT / "README.md", *PAGES):
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^(?: {4}|\$ )\s*(?:\$ )?(?:\.venv/bin/)?(fuserank .*)$", text, re.M):
            words = shlex.split(re.split(r" 2?>|[|]|&&", line)[0], comments=True)
            found.append((str(page.relative_to(ROOT)), words[1:]))
    return found


def test_every_command_that_a_page_types_is_there_with_its_options() -> None:
    wrong, every = [], typer.main.get_command(app)
    for page, words in written():
        command: Any = every
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {"--help", *(o for p in command.params for o in (*p.opts, *p.secondary_opts))}
        unknown = [w for w in words if w.startswith("--") and w.partition("=")[0] not in known]
        is_group = bool(getattr(command, "commands", None)) and not command.invoke_without_command
        bare = is_group and not {"--help", "COMMAND"} & set(words)
        wrong += [f"{page}: {command.name} {' '.join(words)}"] if unknown or bare else []
    assert not wrong
    assert len(written()) > 60
