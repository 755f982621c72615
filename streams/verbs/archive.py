"""The verb `archive`: what the topics hold, kept as Parquet files."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from streams.verbs.terminal import NumberRange, say, settings_of

KEEP_DAYS_DEFAULT = 400
FLUSH_S_DEFAULT = 60.0


@click.command(epilog="Example: offerstream archive --once")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--events", is_flag=True, help="Keep input events as well.")
@click.option(
    "--keep-days",
    default=KEEP_DAYS_DEFAULT,
    show_default=True,
    type=click.IntRange(1, 36_500),
    help="Delete older days.",
)
@click.option(
    "--flush-s",
    default=FLUSH_S_DEFAULT,
    show_default=True,
    type=NumberRange(0.1, 3_600),
    help="So long records may wait in memory.",
)
@click.option("--once", is_flag=True, help="End when all that is there now is archived.")
@click.pass_context
def archive(
    ctx: click.Context,
    folder: Path | None,
    events: bool,
    keep_days: int,
    flush_s: float,
    once: bool,
) -> None:
    """Keep decisions, offers, alerts, labels, snapshots and reference data as Parquet files.

    FOLDER (else the setting archive_dir) is made where it is not there. Each record is kept once,
    whatever is killed; SIGTERM and Ctrl-C write what is in memory and end with 0. Whoever asks to
    be erased is taken out.
    """
    from streams.archive import Wish, run_archive

    settings = settings_of(ctx)
    folder = folder or Path(settings.archive_dir)
    wish = Wish(root=folder, events=events, keep_days=keep_days, flush_s=flush_s, once=once)
    with _asked_to_stop() as stopped:
        done = run_archive(settings, wish, stopped)
    say(f"archived {done.written:,} records into {folder}")
    if done.deleted:
        say(
            f"{done.deleted:,} offsets were deleted by Kafka before they were archived: "
            f"`missing` in {folder / 'positions.json'} says which"
        )


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM or SIGINT came; they do nothing else meanwhile."""
    told: list[int] = []
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda came, _: told.append(came)) for number in numbers]
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
