"""YAML as data and nothing else: no tags that make objects, no key twice, no anchors that unfold into a flood."""

from __future__ import annotations

from typing import Any

import yaml

_MOST_VALUES = 100_000  # after anchors are unfolded; the demo's mapping has 500


_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with libyaml


class YamlError(ValueError):
    """What is wrong and where, without the line itself, which may be anything."""


def parse(text: str) -> Any:
    """The one document of a text.

    :raises YamlError: it is no YAML, has a tag beyond YAML's own, says a key twice, or anchors unfold without end
    """
    try:
        return _document(_Fast(text))
    except (yaml.YAMLError, ValueError, RecursionError):  # once more, by the loader whose words docs and tests promise
        return _parsed_slowly(text)


def _parsed_slowly(text: str) -> Any:
    try:
        return _document(yaml.SafeLoader(text))
    except yaml.YAMLError as problem:
        raise YamlError(f"not YAML: {_without_text(problem)}") from None
    except RecursionError:
        raise YamlError("not YAML that can be read: it is nested too deeply, or an anchor holds itself") from None
    except YamlError:
        raise
    except ValueError:
        raise YamlError("a value is a date that no calendar has, or a number that is none") from None


def _document(loader: Any) -> Any:
    node = loader.get_single_node()
    if node is None:
        return None
    _refuse_twice(node, set())
    if _values(node, {}) > _MOST_VALUES:
        raise YamlError(f"its anchors unfold to more than {_MOST_VALUES:,} values; write them out, or fewer")
    return loader.construct_document(node)


def _refuse_twice(node: yaml.Node, seen: set[int]) -> None:
    """PyYAML would take the last of two equal keys in silence."""
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    pairs = node.value if isinstance(node, yaml.MappingNode) else [(None, child) for child in node.value]
    lines: dict[tuple[str, str], int] = {}
    for key, child in pairs:
        if isinstance(key, yaml.ScalarNode):
            tagged_key, line = (key.tag, key.value), key.start_mark.line + 1
            if tagged_key in lines:
                raise YamlError(
                    f"the key {key.value!r} is there twice, lines {lines[tagged_key]} and {line}; take one out"
                )
            lines[tagged_key] = line
        _refuse_twice(child, seen)


def _values(node: yaml.Node, known: dict[int, int]) -> int:
    """Scalars below a node, those of an anchor as often as it is named; RecursionError where an anchor holds itself."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        known[id(node)] = -1
        children = [n for pair in node.value for n in pair] if isinstance(node, yaml.MappingNode) else node.value
        known[id(node)] = sum(_values(child, known) for child in children)
    if known[id(node)] < 0:
        raise RecursionError
    return known[id(node)]


def _without_text(problem: yaml.YAMLError) -> str:
    mark = getattr(problem, "problem_mark", None)
    message = str(getattr(problem, "problem", None) or getattr(problem, "reason", None) or type(problem).__name__)
    return f"{message}, line {mark.line + 1}, column {mark.column + 1}" if mark else message
