"""One way to say where the decision log is, for all verbs that ask it."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.verbs.terminal import say, settings_of

if TYPE_CHECKING:
    from streams.admin.log_places import LogPlace

log_option = click.option(
    "--log", type=click.Path(path_type=Path), help="Folder of `replay` or `archive`."
)


def place_of(ctx: click.Context, named: Path | None) -> "LogPlace":
    """The folder that was named, else the archive of this machine and the topics."""
    from streams.admin.log_places import log_place

    return log_place(named, partial(settings_of, ctx), partial(say, err=True))
