"""Where settings are: the project's conf/ over the defaults that ride in the package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.config import yaml_text

_PACKAGE = Path(__file__).resolve().parents[1]
_BESIDE = ("jobs", "notebooks")  # folders of a project whose conf/ is beside them: Jupyter starts in the notebook's


class SettingsError(FuserankError):
    """The settings cannot be read; names the file or key and the cure."""


def defaults() -> Path:
    """The folder of what ships: conf/, jobs/, notebooks/, requirements/. In a checkout that is the checkout.

    :raises SettingsError: the package has lost them
    """
    places = (_PACKAGE / "defaults", _PACKAGE.parents[1])  # in an installed package, in a checkout
    for place in places:
        if (place / "conf" / "base.yaml").is_file():
            return place
    raise SettingsError(f"no conf/base.yaml in {' or '.join(map(str, places))}; install fuserank again")


def is_installed() -> bool:
    """Whether the package runs from a wheel, not from a checkout."""
    return defaults().is_relative_to(_PACKAGE)


def is_project(conf: Path) -> bool:
    """Whether a folder is a project's conf/: it has a base.yaml, or one of the folders of settings."""
    return (conf / "base.yaml").is_file() or any((conf / name).is_dir() for name in ("env", "datasets", "tuned"))


def conf_dir() -> Path:
    """The project's conf/: $FUSERANK_CONF, else ./conf (from jobs/ and notebooks/ ../conf), else what ships.

    :raises SettingsError: $FUSERANK_CONF names no conf/
    """
    named = os.environ.get("FUSERANK_CONF")
    if named:
        if is_project(Path(named)):
            return Path(named)
        raise SettingsError(
            f"FUSERANK_CONF={named} holds no base.yaml, env/ or datasets/; name the conf folder of a project, or"
            " unset it"
        )
    here = Path.cwd()
    places = [here / "conf", *([here.parent / "conf"] if here.name in _BESIDE else [])]
    return next((place for place in places if is_project(place)), defaults() / "conf")


def own_conf() -> Path:
    """The conf/ that commands write to: the project's, or ./conf where there is none; never the installed package."""
    conf = conf_dir()
    return Path.cwd() / "conf" if is_installed() and conf == defaults() / "conf" else conf


def layers(env: str) -> list[Path]:
    """The files of an environment's settings, the lowest first: base and env of what ships, then the project's.

    :raises SettingsError: neither has the environment
    """
    places = _places()
    if not any((conf / "env" / f"{env}.yaml").is_file() for conf in places):
        raise SettingsError(_not_there(f"env/{env}.yaml", places))
    files = [file for conf in places for file in (conf / "base.yaml", conf / "env" / f"{env}.yaml")]
    return [file for file in files if file.is_file()]


def mapping_file(dataset: str) -> Path | None:
    """The file of a data set's mapping: the project's, else what ships; None where neither has one."""
    files = [conf / "datasets" / f"{dataset}.yaml" for conf in reversed(_places())]
    return next((file for file in files if file.is_file()), None)


def no_mapping(dataset: str) -> SettingsError:
    """What is said of a data set without a mapping: where it was looked for, and what there is."""
    return SettingsError(f"{_not_there(f'datasets/{dataset}.yaml', _places())}; `fuserank init FOLDER` makes one")


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping of plain values; anything else is refused with the file's name."""
    if not path.is_file():
        raise SettingsError(_not_there(path.name, [path.parent]))
    try:
        loaded = yaml_text.parse(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: its characters are not UTF-8; save it as UTF-8") from None
    except yaml_text.YamlError as problem:
        raise SettingsError(f"{path}: {problem}") from None
    if not isinstance(loaded, dict):
        raise SettingsError(f"{path}: a mapping of keys is expected at the top, found {type(loaded).__name__}")
    return loaded


def _places() -> list[Path]:
    """The folders that are looked into, the lowest first: what ships, then the project's."""
    shipped, own = defaults() / "conf", conf_dir()
    return [shipped] if own.resolve() == shipped.resolve() else [shipped, own]


def _not_there(name: str, places: list[Path]) -> str:
    """One line: a file that is in none of these folders, and those beside which it would be."""
    beside = {file.name for place in places for file in (place / name).parent.glob("*.yaml")}
    where = " nor in ".join(str(place) for place in reversed(places))
    return f"{name} is not in {where}; there are: {', '.join(sorted(beside)) or 'none'}"
