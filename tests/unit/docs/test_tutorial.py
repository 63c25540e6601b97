"""docs/tutorial.md, typed to the letter in an empty folder; and its shop, which is the same files everywhere."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from tests.support.console import Example, Shell, agrees, commands, plain
from tests.support.pages import DOCS, ROOT

PAGE = DOCS / "tutorial.md"
FILES = {
    "orders": "5df1f1a811b7e4959b112ee63358622094d6a5c29df762e4ae77f78865e365c4",
    "products": "0dc071ed9f7103593adb8335fb2b29dec9feb13135baf04ae285fa85567ffdd8",
}


@pytest.mark.proof
def test_every_command_of_the_tutorial_prints_what_the_page_shows(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("FUSERANK_") and k != "COLUMNS"}
    env |= {
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "lib"),
        "PYSPARK_PYTHON": sys.executable,
        "LC_ALL": "C.UTF-8",
    }
    shell = Shell(ROOT, env)
    try:
        for example in commands(PAGE.read_text(encoding="utf-8")):
            code, printed = shell.run(example.command)
            assert code == 0, f"$ {example.command}\n" + "\n".join(printed)
            assert agrees(example.lines, printed), (
                f"$ {example.command}\non the page:\n"
                + "\n".join(plain(example.lines))
                + "\nprinted:\n"
                + "\n".join(printed)
            )
    finally:
        shell.close()
    assert (tmp_path / "first-shop" / "out" / "report.html").is_file()


def test_the_shop_of_the_tutorial_is_the_same_bytes_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = DOCS / "tutorial" / "make_shop.py"
    spec = importlib.util.spec_from_file_location("make_shop", file)
    assert spec is not None
    assert spec.loader is not None
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)
    shop.main(tmp_path / "shop")
    assert capsys.readouterr().out == "shop/orders.csv: 3,418 lines\nshop/products.csv: 48 lines\n"
    made = {name: hashlib.sha256((tmp_path / "shop" / f"{name}.csv").read_bytes()).hexdigest() for name in FILES}
    assert made == FILES, "the tutorial's outputs are of other files; run `make proofs` and fix the page"


def test_the_page_has_commands_and_outputs() -> None:
    found = list(commands(PAGE.read_text(encoding="utf-8")))
    words = " ".join(example.command for example in found)
    for command in (
        "init",
        "check",
        "refresh",
        "recommend",
        "evaluate",
        "quarantine list",
        "quarantine retry",
        "digest",
    ):
        assert f"fuserank {command}" in words
    assert sum(bool(example.lines) for example in found) > 10


def test_a_block_is_commands_behind_a_dollar_and_what_they_print() -> None:
    text = "x\n```console\n$ one \\\n  more\na\nb\n$ two\n```\n```\n$ no\n```\n```console\n$ three\n…\n```\n"
    assert list(commands(text)) == [Example("one \\\n  more", ("a", "b")), Example("two", ()), Example("three", ("…",))]


def test_only_what_differs_from_run_to_run_is_not_compared() -> None:
    expected = (
        "rows in /home/you/first-shop/lake, run 20240101T010101-0123abcd",
        "12 s in all; longest: a 9 s",
        "1  2025-01-01 10:00",
        "",
    )
    printed = [
        "rows in /tmp/x/first-shop/lake, run 20261129T160749-c04c494d",
        "1149 s in all; longest: b 1 s",
        "1     2026-11-29 16:07   ",
    ]
    assert agrees(expected, printed)
    assert not agrees(expected, ["1,601 " + printed[0], *printed[1:]])
    assert not agrees(("2024-05-13 10:00",), ["2024-05-13 10:01"])  # the shop's own time
    assert not agrees(("a",), ["a", "b"])
    assert agrees(("a", "…", "d"), ["a", "b", "c", "d"])


def test_the_shell_keeps_folder_and_variables_and_gives_exit_codes(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {**os.environ})
    assert shell.run("mkdir deep && cd deep && export WORD=kept") == (0, [])
    assert shell.run('basename "$PWD"; printf "$WORD"') == (0, ["deep", "kept"])
    assert shell.run("echo wrong >&2; false") == (1, ["wrong"])
    assert shell.run("printf 'b\\na\\n' | sort") == (0, ["a", "b"])
    shell.close()
