"""Markdown pages: their links, anchors, toctrees and console blocks, as repository browsers and the site read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
_FENCE = re.compile(r"^(```+|~~~+)(.*)$")


def prose(text: str) -> Iterator[str]:
    """Lines that are no block of code, neither fenced nor indented."""
    fence, before = "", ""
    for line in text.splitlines():
        found = _FENCE.match(line.strip())
        if fence:
            fence = "" if found and found[1].startswith(fence) and not found[2] else fence
        elif found:
            fence = found[1]
        elif not (line.startswith("    ") and (not before.strip() or before.startswith("    "))):
            yield line
        before = line


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Targets of links and pictures, code left out."""
    words = re.sub(r"`+[^`]*`+", "`code`", "\n".join(prose(text)))
    return [found.strip("<>") for found in re.findall(r"\]\(\s*([^)\s]+)(?:\s+\"[^\"]*\")?\s*\)", words)]


def anchors(text: str) -> set[str]:
    """The anchor of each heading: lower case, without punctuation, blanks as hyphens, repeated ones numbered."""
    found: dict[str, int] = {}
    for line in prose(text):
        if heading := re.match(r"#{1,6} (.*)", line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("\\", "").strip().lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
            if found[slug]:
                found[f"{slug}-{found[slug]}"] = 0
    return set(found)


def dead(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere, and anchors that are not there."""
    wrong = []
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if (
            not file.exists()
            or not file.is_relative_to(ROOT)
            or (anchor and (file.suffix != ".md" or anchor not in anchors(file.read_text(encoding="utf-8"))))
        ):
            wrong.append(target)
    return wrong


def toctrees(page: Path) -> list[Path]:
    """Pages that the toctrees of a page name, each as often as it is named."""
    named = []
    for block in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        for line in block.splitlines():
            entry = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
            if entry and not entry.startswith(":"):
                here = page.parent / f"{entry}.md"
                named += sorted(here.parent.resolve().glob(here.name)) if "*" in entry else [here.resolve()]
    return named
