"""How the verbs speak: lines, progress, and a sentence with an exit code for what went wrong."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import click

from streams.errors import OfferstreamError, OperatorError
from streams.settings import Settings

EXIT_FAILED = 1
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130


class Verbs(click.Group):
    """A group whose verbs end with a clear sentence and exit code 2 when a person can mend it."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb."""
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            click.echo(f"offerstream: {error}", err=True)
            ctx.exit(EXIT_MISTAKE)
        except OfferstreamError as error:
            click.echo(f"offerstream: {error}", err=True)
            ctx.exit(EXIT_FAILED)
        except KeyboardInterrupt:
            click.echo("offerstream: interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(0)
        except OSError as error:
            if error.filename is None:  # no file that somebody named
                raise
            click.echo(f"offerstream: {error.filename}: {error.strerror}", err=True)
            ctx.exit(EXIT_MISTAKE)


def settings_of(ctx: click.Context) -> Settings:
    """The settings of a verb, whose log is set up by them."""
    settings: Settings = ctx.obj()
    from streams.worker.logs import configure_logs

    configure_logs(settings.log_level)
    return settings


def say(text: str, *, err: bool = False) -> None:
    """Print a line."""
    click.echo(text, err=err)


def say_all(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line, err=err)


def show(lines: Iterable[str | None], limit: int | None) -> None:
    """Print lines as they come until enough, or until somebody has seen enough."""
    shown = 0
    try:
        for line in lines:
            if line is None:
                continue
            click.echo(line)
            shown += 1
            if shown == limit:
                return
    except KeyboardInterrupt:
        return


@contextmanager
def progress(unit: str) -> Iterator[Callable[..., None]]:
    """A counter on the error stream of a terminal; silent elsewhere. Called with what is done."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    yield lambda done, *_: click.echo(f"\r{done:>12,} {unit}", nl=False, err=True)
    click.echo(err=True)
