"""docs/settings.md and docs/commands.md say what the classes of the settings and the commands say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from fuserank.cli import api_page
from fuserank.cli import docs as commands
from fuserank.cli.main import app
from fuserank.common.errors import FuserankError
from fuserank.config import docs as settings
from fuserank.config.settings import load
from tests.support.cli import ran

ROOT = Path(__file__).resolve().parents[3]
PAGES = {
    "settings": settings.markdown,
    "commands": lambda: commands.markdown(typer.main.get_command(app)),
    "api": api_page.markdown,
}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_the_command_prints(page: str) -> None:
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == PAGES[page](), "run `make docs`"
    assert ran(page).output == PAGES[page]()
    assert ran(page, "--check", str(ROOT / "docs" / f"{page}.md")).output == ""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_out_of_date_or_not_there_is_refused(page: str, tmp_path: Path) -> None:
    for file in (tmp_path / "none.md", tmp_path / "old.md"):
        (tmp_path / "old.md").write_text("old", encoding="utf-8")
        with pytest.raises(FuserankError, match="out of date; run `make docs`"):
            ran(page, "--check", str(file))


def keys(page: str) -> set[str]:
    """Every ``section.key`` of the settings' page."""
    found, path = set(), ""
    for line in page.partition("## Settings of members")[0].splitlines():
        if line.startswith("## "):
            path = "" if line == "## The run as a whole" else line.removeprefix("## ") + "."
        elif (cell := re.match(r"\| (\w+) \|", line)) and cell[1] != "key":
            found.add(path + cell[1])
    return found


def test_every_key_of_the_settings_stands_on_the_page_and_no_other() -> None:
    def paths(values: dict[str, object], known: set[str], path: str = "") -> set[str]:
        found = set()
        for key, value in values.items():
            whole = path + key
            is_section = isinstance(value, dict) and whole not in known
            found |= paths(value, known, whole + ".") if is_section else {whole}
        return found

    on_page = keys(settings.markdown())
    assert paths(load("local").model_dump(), on_page) == on_page
    assert {"seed", "candidates.als.factors", "quality.freshness", "deploy.kubernetes.namespace"} <= on_page


def test_every_setting_has_a_meaning_and_ranges_are_told() -> None:
    page = settings.markdown()
    assert not re.findall(r"^\| \w+ \| .* \|  \|$", page, re.M)
    assert "| factors | int | `128` | ≥ 1 | length of a factor (count) |" in page
    assert (
        "| freshness | [Limits](#limits) | `{warning: 7}` |  | the last event is more days before as_of (days) |"
        in page
    )
    assert "| dropout | float | `0.1` | ≥ 0, < 1 |" in page
    assert "conf/datasets/\\<name>.yaml" in page  # or a browser takes it for a tag


def test_every_command_and_option_stands_on_the_page() -> None:
    def below(command: object, *words: str) -> dict[tuple[str, ...], object]:
        found = {}
        for name, each in getattr(command, "commands", {}).items():
            found |= {(*words, name): each, **below(each, *words, name)}
        return found

    sections = dict(re.findall(r"^## (fuserank .*)\n((?:(?!## ).*\n)*)", PAGES["commands"](), re.M))
    there = below(typer.main.get_command(app))
    assert list(sections) == [f"fuserank {' '.join(words)}" for words in there]
    for words, command in there.items():
        section = sections[f"fuserank {' '.join(words)}"]
        for param in command.params:  # type: ignore[attr-defined]
            assert (
                param.opts[0] if param.param_type_name == "option" else f"`{(param.metavar or param.name.upper())}`"
            ) in section
    assert "| `--rows ROWS` | `10000`, ≥ 1 |" in sections["fuserank check"]
    assert "      fuserank leaderboard --data gowalla" in sections["fuserank leaderboard"]
