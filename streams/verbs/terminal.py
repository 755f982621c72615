"""How the verbs speak: lines, progress, and a sentence with an exit code for what went wrong."""

import errno
import math
import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import click

from streams.contracts.common import LANGUAGES
from streams.errors import OfferstreamError, OperatorError
from streams.settings import Settings

EXIT_FAILED = 1
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130
LANGUAGE_NAMES = click.Choice(LANGUAGES)
COUNT_MAX = 1_000_000_000
SEED = click.IntRange(0, 2**32 - 1)  # what every generator takes that a verb draws from
Verb = Callable[..., None]
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def count_from(least: int) -> click.IntRange:
    """The type of a count that an option takes; what is greater fits no index of a list."""
    return click.IntRange(least, COUNT_MAX)


class NumberRange(click.FloatRange):
    """Numbers within bounds; `nan`, which no comparison keeps out, is none of them."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, if it lies within the bounds."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid float.", param, ctx)
        return number


class OutFile(click.ParamType):
    """A file that will be written: refused before the work begins where it cannot be."""

    name = "file"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path, when its folder is there and may be written to."""
        path = Path(str(value))
        if not str(value):
            self.fail("an empty text is no name of a file to write", param, ctx)
        if path.is_dir():
            self.fail(f"{path} is a folder: name a file in it", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"there is no folder {path.parent} to write {path.name} to", param, ctx)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f"{path} may not be written to", param, ctx)
        return path


OUT_FILE = OutFile()


class Verbs(click.Group):
    """A group whose verbs end with a clear sentence and exit code 2 when a person can mend it.

    Its own options that take a value may stand behind the verb as well.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring the group's own options to the front, wherever they stand before a `--`."""
        own = [
            name
            for option in self.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        ]
        return super().parse_args(ctx, _own_first(args, own))

    def main(self, *arguments: Any, **more: Any) -> Any:
        """Run, and say when the output, or a file that is written, takes no more."""
        try:
            return super().main(*arguments, **more)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            click.echo(f"offerstream: what comes out cannot be written: {error.strerror}", err=True)
            _give_up_output()
            sys.exit(EXIT_MISTAKE)

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


def _give_up_output() -> None:
    """What is left in the buffer goes nowhere, or Python would fail at it once more at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _own_first(args: list[str], own: list[str]) -> list[str]:
    """The arguments with those options, and their values, in front of all others.

    >>> _own_first(["doctor", "--config", "a.toml", "-x"], ["--config"])
    ['--config', 'a.toml', 'doctor', '-x']
    """
    first: list[str] = []
    rest: list[str] = []
    left = iter(args)
    for word in left:
        if word == "--":
            return [*first, *rest, word, *left]
        if word in own:
            first += [word, *[value for value in [next(left, None)] if value is not None]]
        elif word.partition("=")[0] in own:
            first.append(word)
        else:
            rest.append(word)
    return [*first, *rest]


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
    """Print lines as they come until enough, or until nobody reads them any more (`| head`).

    `None` among the lines: nothing came for a while.
    """
    shown = 0
    for line in lines:
        if line is None:
            if _nobody_reads():
                return
            continue
        click.echo(line)
        shown += 1
        if shown == limit:
            return


def tailing(verb: Verb) -> Verb:
    """The options of every verb that shows records as they come."""
    for option in (
        click.option("--limit", type=count_from(1), help="End after so many."),
        click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True),
        click.option(
            "--all", "all_", is_flag=True, help="From the beginning, not only what is new."
        ),
    ):
        verb = option(verb)
    return verb


def _nobody_reads() -> bool:
    """Whether the other end of the standard output is closed: a pipe whose reader has ended."""
    try:
        watched = select.poll()
        watched.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(0))
    except (OSError, ValueError):  # no file of the system's, as in a test
        return False


@contextmanager
def progress(unit: str) -> Iterator[Callable[..., None]]:
    """A counter on the error stream of a terminal; silent elsewhere. Called with what is done."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    yield lambda done, *_: click.echo(f"\r{done:>12,} {unit}", nl=False, err=True)
    click.echo(err=True)


def end_at_eof() -> None:
    """Send ourselves SIGTERM when the standard input ends, as it does when who started us dies."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="eof", daemon=True).start()
