"""The console blocks of a page: commands behind ``$``, and what they print; run in one shell, in reading order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_DONE = "__done__"
# What differs between two runs of the same commands on the same files; the page's own comment says the same.
_DIFFERS = (
    (re.compile(r"\d+ s in all; longest: .*"), "T in all"),
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{8}\b"), "RUN"),
    (re.compile(r"\b20(?:2[5-9]|[3-9]\d)-\d\d-\d\d \d\d:\d\d(?::\d\d)?"), "NOW"),  # the shop's own times end in 2024
    (re.compile(r"(?:/[^\s/]+)*/first-shop\b"), "FOLDER"),
    (re.compile(r"[\s ]+$"), ""),
    (re.compile(r"(?<=\S) {2,}"), " "),
)


@dataclass(frozen=True)
class Example:
    """One command of a page and the output lines that the page shows below it."""

    command: str
    lines: tuple[str, ...]


def commands(text: str) -> Iterator[Example]:
    """Every command of the blocks ```` ```console ````; a line that ends in a backslash goes on in the next."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            rows = part.rstrip("\n").splitlines()
            length = next(n for n, row in enumerate(rows, 1) if not row.endswith("\\"))
            yield Example("\n".join(rows[:length]), tuple(rows[length:]))


def plain(lines: tuple[str, ...] | list[str]) -> list[str]:
    """Lines without what differs from run to run."""
    found = []
    for line in lines:
        for pattern, word in _DIFFERS:
            line = pattern.sub(word, line)
        found.append(line)
    while found and not found[-1]:
        found.pop()
    return found


def agrees(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Whether a page shows what was printed; a line ``…`` stands for any lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line) + r"\n" for line in plain(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(printed))) is not None


class Shell:
    """One bash that keeps its folder and variables from command to command."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(env),
            text=True,
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str) -> tuple[int, list[str]]:
        """The exit code and the lines of both streams, as a terminal shows them."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{{ {command}\n}} < /dev/null\ncode=$?; echo; echo {_DONE} $code\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.startswith(_DONE):
                return int(line.split()[1]), lines[:-1] if lines and not lines[-1] else lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"the shell ended in {command!r}: {lines}")

    def close(self) -> None:
        """End it."""
        self._bash.communicate()
