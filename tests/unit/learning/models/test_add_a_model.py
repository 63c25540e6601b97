"""docs/add-a-model.md, followed to the letter: its blocks make a model that passes
the battery and that settings know.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fuserank.config.settings import load
from fuserank.registry import models as registry
from fuserank.registry.models import MODELS, Model
from tests.support.models import CHECKS, World
from tests.support.pages import blocks

PAGE = Path(__file__).resolve().parents[4] / "docs" / "add-a-model.md"


@pytest.fixture(scope="module")
def made() -> Iterator[Model]:
    """The model that the page's three blocks make, in the places that the page names."""
    text = PAGE.read_text(encoding="utf-8")
    settings, network, line = blocks(PAGE, "python")
    with pytest.MonkeyPatch.context() as patch:
        for name, block in (("fuserank.config.fm", settings), ("fuserank.learning.models.fm", network)):
            assert f"`lib/{name.replace('.', '/')}.py`" in text
            module = types.ModuleType(name)
            patch.setitem(sys.modules, name, module)
            exec(compile(block, name, "exec"), vars(module))
        model = eval(line, {**vars(registry), "FmConfig": sys.modules["fuserank.config.fm"].FmConfig})
        MODELS.add(model)
        yield model
        MODELS.remove(model.name)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.planted(tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_pages_example(made: Model, check: Callable[[Model, World], None], world: World) -> None:
    check(made, world)


def test_a_run_takes_it_by_the_words_of_the_page(made: Model) -> None:
    words = re.findall(r"--set '?(models[^' `]+)", PAGE.read_text(encoding="utf-8"))
    settings = load("local", words)
    assert settings.models.use == ("fnn", "fm")
    assert settings.settings_of("fm").model_dump()["factors"] == 8
    assert (settings.training_of("fm").epochs, settings.training_of("fm").learning_rate) == (2, 0.02)
    assert settings.training_of("fnn") == settings.train
