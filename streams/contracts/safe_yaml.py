"""YAML that people write: safe, and no key twice; where it is said, no alias that swells it."""

from collections.abc import Hashable
from typing import Final

import yaml

DEPTH_MAX: Final = 50
_VALUE_ERRORS: Final = (LookupError, AttributeError, ValueError, TypeError, ArithmeticError)


class _Loader(yaml.SafeLoader):
    """Safe YAML that also refuses the same key twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, object]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = str(key_node.value)
        if key in seen:
            raise yaml.MarkedYAMLError(
                problem=f"`{key}` is given twice", problem_mark=key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(raw: bytes, *, aliases: bool = True) -> object:
    r"""A YAML document as plain values.

    Raises:
        yaml.YAMLError: it is none, gives a key twice, holds a value that cannot be (a date that
            there is not, bytes that are not UTF-8), or where `aliases` is false has one, or is
            nested deeper than `DEPTH_MAX`.
        RecursionError: it is nested too deeply.

    >>> load_yaml(b"a: [1, x]")
    {'a': [1, 'x']}
    >>> load_yaml(b"a: 1\nprior")
    Traceback (most recent call last):
        ...
    yaml.error.YAMLError: line 2, column 6: could not find expected ':'
    """
    try:
        if not aliases:
            _check_events(raw)
        return yaml.load(raw, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise yaml.YAMLError(_told(error)) from error
    except _VALUE_ERRORS as error:  # PyYAML lets through what its constructors raise
        raise yaml.YAMLError(f"a value cannot be read: {error}") from error


def _told(error: yaml.YAMLError) -> str:
    """What is wrong, and where; PyYAML calls bytes a file of a name that nobody knows."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).replace(' in "<byte string>",', " at").split())


def _check_events(raw: bytes) -> None:
    """Raises: yaml.YAMLError: an alias, or too deep; before anything is built."""
    depth = 0
    for event in yaml.parse(raw, yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"aliases are not read: line {line}")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            raise yaml.YAMLError(f"it is nested deeper than {DEPTH_MAX}: line {line}")
