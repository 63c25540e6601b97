"""docs/commands.md, written from the commands' own arguments and options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

_HEAD = """# Commands
Generated from the commands in `lib/fuserank/cli/` by `make docs`; `make lint` fails when it is out of date. `fuserank
COMMAND --help` says the same.

    fuserank refresh --dataset myshop --lake myshop-lake --report
    fuserank recommend 900 --lake myshop-lake --k 5

What a person can fix is told in one line on stderr, with exit code 2; a run that Ctrl-C ended, with 130. With `--json`
stdout is one JSON object. Keys of `--set`: [settings.md](settings.md).
"""


def markdown(root: Any) -> str:
    """The whole page, of the command below which all others stand."""
    return "\n".join([_HEAD, *(_section(words, command) for words, command in _below(root))])


def _below(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of every command and group below one, and what it is."""
    for name, each in getattr(command, "commands", {}).items():  # typer may bring a click of its own
        yield (*words, name), each
        yield from _below(each, *words, name)


def _section(words: tuple[str, ...], command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join(
        ["fuserank", *words, *(_named(p) if p.required else f"[{_named(p)}]" for p in arguments)]
        + ["[options]"] * bool(options)
        + (["[COMMAND]" if command.invoke_without_command else "COMMAND"] if hasattr(command, "commands") else [])
    )
    lines = [f"## fuserank {' '.join(words)}", *_prose(command.help or ""), f"\n    {usage}\n"]
    if rows := [_row(p) for p in (*arguments, *options)]:
        lines += ["| | default, range | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _prose(text: str) -> list[str]:
    """Paragraphs as they are; one that \\b keeps from being filled is shown as it stands."""
    lines: list[str] = []  # each paragraph behind an empty line
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        verbatim = paragraph.startswith("\b")
        rows = paragraph.removeprefix("\b\n").splitlines()
        lines += ["", *(f"    {row}" for row in rows)] if verbatim else ["", _text(" ".join(rows))]
    return lines[1:]


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("*", "\\*")


def _named(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _row(param: Any) -> str:
    if param.param_type_name == "argument":
        name = _named(param)
    else:
        value = "" if param.is_flag else f" {_named(param)}"
        name = "/".join([*param.opts, *param.secondary_opts]) + value
    default = param.default
    empty = default is None or default is False or callable(default) or param.required
    remarks = [] if empty else [f"`{default}`"]
    remarks += [
        f"{sign} {m}"
        for sign, m in (("≥", getattr(param, "min", None)), ("≤", getattr(param, "max", None)))
        if m is not None
    ]
    remarks += ["must be told"] if param.required else []
    again = " (may be given again)" if getattr(param, "multiple", False) and "again" not in (param.help or "") else ""
    return f"| `{name}` | {', '.join(remarks)} | {_text(param.help or '')}{again} |"
