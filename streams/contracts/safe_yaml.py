"""YAML that people write: safe, and no key twice; where it is said, no alias that swells it."""

from collections.abc import Hashable
from typing import Any, Final

import yaml

from streams.contracts.yaml_faults import (
    BadValueError,
    KeyTwiceError,
    YamlFaultError,
    spot_of,
    told,
)

DEPTH_MAX: Final = 50
_VALUE_ERRORS: Final = (LookupError, AttributeError, ValueError, TypeError, ArithmeticError)


class _Loader(yaml.SafeLoader):
    """Safe YAML that also refuses the same key twice, and says where a value cannot be."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _VALUE_ERRORS as error:  # PyYAML lets through what its constructors raise
            raise BadValueError(
                problem=f"a value cannot be read: {error}", problem_mark=node.start_mark
            ) from error


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, object]:
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = str(key_node.value)
        if key in seen:
            raise KeyTwiceError(key, key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(raw: bytes, *, aliases: bool = True) -> object:
    r"""A YAML document as plain values.

    Raises:
        YamlFaultError: it is none, gives a key twice, holds a value that cannot be (a date that
            there is not, bytes that are not UTF-8), or where `aliases` is false has one, or is
            nested deeper than `DEPTH_MAX`.
        RecursionError: it is nested too deeply.

    >>> load_yaml(b"a: [1, x]")
    {'a': [1, 'x']}
    >>> load_yaml(b"a: 1\nprior")
    Traceback (most recent call last):
        ...
    streams.contracts.yaml_faults.YamlFaultError: line 2, column 6: could not find expected ':'
    """
    try:
        if not aliases:
            _check_events(raw)
        return yaml.load(raw, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise told(error, raw) from error
    except _VALUE_ERRORS as error:  # of a list that PyYAML fills last
        raise YamlFaultError("value", None, f"a value cannot be read: {error}") from error


def _check_events(raw: bytes) -> None:
    """Raises: yaml.YAMLError: an alias, or too deep; before anything is built."""
    depth = 0
    for event in yaml.parse(raw, yaml.SafeLoader):
        spot = spot_of(event.start_mark) if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            raise YamlFaultError("alias", spot, "aliases are not read: write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            raise YamlFaultError("deep", spot, f"it is nested deeper than {DEPTH_MAX}")
