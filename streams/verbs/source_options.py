"""`--source` and `--mapping`: who wrote a file's messages, for every verb that reads one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from streams.contracts.sources.mapping import SourceMapping
    from streams.settings import Settings


def source_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Whose messages a file holds (docs/sources.md)."""
    for option in (
        click.option("--mapping", default="", help="A mapping file of your own, in YAML."),
        click.option("--source", default="", help="Who wrote the messages, as segment."),
    ):
        verb = option(verb)
    return verb


def table_of(settings: "Settings", source: str, mapping: str) -> "SourceMapping | None":
    """The table that the options name; None where neither is given: the events are ours.

    Raises:
        OperatorError: there is no such source, or the mapping file is wrong.
    """
    if not source and not mapping:
        return None
    from streams.contracts.inputs.allowed import guess
    from streams.contracts.sources.own import load_own, read_own
    from streams.errors import OperatorError

    sources = read_own([Path(mapping)]) if mapping else load_own(settings.mappings_dir)
    name = source or next(iter(sources.own))
    table = sources.find(name)
    if table is None:
        names = ", ".join(sources.names)
        raise OperatorError(
            f"--source {name}: there is no such source{guess(sources.names, name)}; there are "
            f"{names}, and those of your mapping files: --mapping FILE, or mappings_dir"
        )
    return table
