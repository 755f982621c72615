"""YAML that people write: safe, and no key twice; where it is said, no alias that swells it."""

from collections.abc import Hashable

import yaml


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
    """A YAML document as plain values.

    Raises:
        yaml.YAMLError: it is none, gives a key twice, or has an alias where `aliases` is false.
        ValueError: a date that there is not, or bytes that are not UTF-8.
        RecursionError: it is nested too deeply.

    >>> load_yaml(b"a: [1, x]")
    {'a': [1, 'x']}
    """
    if not aliases:
        for event in yaml.parse(raw, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise yaml.YAMLError(f"aliases are not read: line {line}")
    return yaml.load(raw, _Loader)  # noqa: S506 - a subclass of SafeLoader
