"""The verbs that read a file: `events`, `replay` and `evaluate`, with one set of options.

Rooms are imported inside the verbs, as in `cli`.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from streams.contracts.common import Purpose
from streams.contracts.times import from_ms
from streams.errors import OperatorError
from streams.verbs.source_options import source_options, table_of
from streams.verbs.terminal import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_MISTAKE,
    OUT_FILE,
    count_from,
    progress,
    say,
    say_all,
    settings_of,
)

if TYPE_CHECKING:
    from streams.contracts.inputs.rules import InputRules
    from streams.evaluation.inputs import FileFormat
    from streams.settings import Settings

PAST_MS = 3_600_000  # older events are none that come in as they happen
PURPOSES = click.Choice(get_args(Purpose))


class FileOptions(TypedDict):
    """What `file_options` gives a verb."""

    timezone: str
    decimal: Literal[".", ","]
    column: tuple[str, ...]
    encoding: str


def file_options(verb: Callable[..., None]) -> Callable[..., None]:
    """What a file does not say of itself (docs/files.md)."""
    for option in (
        click.option("--timezone", default="UTC", show_default=True, help="Of times without one."),
        click.option("--decimal", type=click.Choice([".", ","]), default=".", show_default=True),
        click.option("--column", multiple=True, help="OURS=THEIRS, as ts=InvoiceDate (repeat it)."),
        click.option("--encoding", default="", help="As latin-1; found, if not given."),
    ):
        verb = option(verb)
    return verb


def _checked_currency(_: click.Context, __: click.Parameter, value: str) -> str:
    if not re.fullmatch("[A-Z]{3}", value):
        raise click.BadParameter(f"{value!r} is no currency of three capital letters, as EUR")
    return value


def format_of(currency: str = "EUR", **given: Unpack[FileOptions]) -> "FileFormat":
    """The options of `file_options` as one struct."""
    from streams.contracts.inputs.purchase_rows import TableFormat
    from streams.evaluation.inputs import FileFormat

    table = TableFormat(
        columns=_columns(given["column"]), decimal=given["decimal"], zone=_zone(given["timezone"])
    )
    return FileFormat(encoding=given["encoding"], table=table, currency=currency)


def _of_messages(
    ctx: click.Context, format_: "FileFormat", source: str, mapping: str
) -> "FileFormat":
    """The format with the table that `source_options` name.

    Raises:
        OperatorError: there is no such source, or the mapping file is wrong.
    """
    from msgspec.structs import replace

    return replace(format_, source=table_of(settings_of(ctx), source, mapping))


def _say_skipped(format_: "FileFormat") -> None:
    if format_.skipped.count:
        say(f"passed over {format_.skipped.count:,} messages that are no events of ours")


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    if bad := next(
        (
            whole
            for whole, (_, sign, theirs) in zip(pairs, split, strict=True)
            if not (sign and theirs.strip())
        ),
        None,
    ):
        raise click.UsageError(f"--column {bad}: write OURS=THEIRS, as --column ts=InvoiceDate")
    return {ours.strip(): theirs for ours, _, theirs in split}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.UsageError(
            f"--timezone {name}: there is no such time zone; write one as Europe/Berlin"
        ) from error


@click.group()
def events() -> None:
    """Send events, or only check them."""


def _rules(settings: "Settings") -> "InputRules":
    """What the worker takes now."""
    from streams.contracts.inputs.rules import InputRules

    now_ms = time.time_ns() // 1_000_000
    return InputRules(now_ms=now_ms, occurred_at_min_ms=settings.occurred_at_min_ms)


@events.command(
    "check", epilog="Example: offerstream events check tests/golden/a-day-in-the-shop.jsonl"
)
@click.argument("file", type=click.Path(allow_dash=True))
@source_options
@file_options
@click.pass_context
def events_check(
    ctx: click.Context, /, file: str, source: str, mapping: str, **given: Unpack[FileOptions]
) -> None:
    """Say what the worker would reject of a file, and why, without sending; needs no Kafka.

    Exit code 1 where it would reject something.
    """
    from streams.admin.refusals import check_events
    from streams.evaluation.inputs import read_records

    rules = _rules(settings_of(ctx))
    format_ = _of_messages(ctx, format_of(**given), source, mapping)
    count, refusals = check_events(read_records(file, format_), rules)
    say(f"checked {count:,} events: {count - refusals.count:,} good, {refusals.count:,} rejected")
    _say_skipped(format_)
    say_all(refusals.told())
    ctx.exit(EXIT_FAILED if refusals.count else 0)


@events.command(
    "send", epilog="Example: offerstream events send tests/golden/a-day-in-the-shop.jsonl"
)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--check/--no-check", default=True, show_default=True, help="Send what is good only.")
@click.option("--from-line", type=count_from(1), default=1, help="Go on with this line.")
@source_options
@file_options
@click.pass_context
def events_send(
    ctx: click.Context,
    /,
    file: str,
    check: bool,
    from_line: int,
    source: str,
    mapping: str,
    **given: Unpack[FileOptions],
) -> None:
    """Send JSON lines to their topics, in the order of their times; `-` is standard input.

    A line is {"topic", "key"?, "value"}, or an event alone, which goes by its event_name; with
    --source or --mapping it is what another system wrote, and a request of several too. Lines
    that the worker would reject, or that Kafka refuses, are named; all others are sent. Exit code
    1 where some were refused, 130 after Ctrl-C.
    """
    from streams.admin.events import send_events
    from streams.evaluation.inputs import begun, read_records

    settings = settings_of(ctx)
    format_ = _of_messages(ctx, format_of(**given), source, mapping)
    records = read_records(file, format_)
    records = records if file == "-" else begun(records)
    rules = _rules(settings)
    with progress("sent") as tick:
        done = send_events(
            settings,
            records,
            rules,
            tick,
            check=check,
            from_line=from_line,
            in_order=file != "-",
            on_first=lambda at_ms: _announce_past(at_ms, rules.now_ms),
        )
    say(f"sent {done.sent:,} events, refused {done.refusals.count:,}")
    _say_skipped(format_)
    if done.disordered:
        say(
            f"out of order: {done.disordered:,} events went out after later ones; "
            + ("standard input is sent as it comes" if file == "-" else "sort the file by time")
        )
    say_all(done.refusals.told(), err=True)
    if done.stopped:
        say(f"offerstream: {done.stopped}; go on with --from-line {done.from_line}", err=True)
    if done.stopped == "interrupted":
        ctx.exit(EXIT_INTERRUPTED)
    ctx.exit(EXIT_FAILED if done.refusals.count or done.stopped else 0)


def _announce_past(first_ms: int, now_ms: int) -> None:
    if first_ms < now_ms - PAST_MS:
        say(
            f"these are events of the past (the first of {from_ms(first_ms):%Y-%m-%d}): workers "
            "need OFFERSTREAM_CLOCK=event_time for them. Let the workers run while you send: "
            "Kafka's retention counts from the time of the event, so it soon deletes old ones",
            err=True,
        )


@click.command(epilog="Example: offerstream replay tests/golden/a-day-in-the-shop.jsonl --out out/")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder; default example shop.")
@click.option("--grant", multiple=True, type=PURPOSES, help="What everyone agreed to (repeat it).")
@click.option(
    "--currency",
    default="EUR",
    show_default=True,
    callback=_checked_currency,
    help="Of a CSV that names none.",
)
@click.option("--overwrite", is_flag=True, help="Replace the results that the folder holds.")
@source_options
@file_options
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    file: str,
    out: Path,
    reference: Path | None,
    grant: tuple[str, ...],
    currency: str,
    overwrite: bool,
    source: str,
    mapping: str,
    **given: Unpack[FileOptions],
) -> None:
    """Run a file of events through the whole way, without a broker; twice gives the same bytes.

    A CSV of purchases says nothing of consent, and unknown means denied: --grant says it. Exit
    code 1 where every record was rejected.
    """
    from streams.admin.reference import compiled
    from streams.evaluation.inputs import granted, read_records
    from streams.evaluation.replay import replay as run
    from streams.evaluation.replay_summary import told

    policy = compiled(reference)
    format_ = _of_messages(ctx, format_of(currency, **given), source, mapping)
    done, records = count(1), read_records(file, format_)
    first = list(islice(records, 1))
    if not first and not format_.skipped.count:
        raise OperatorError(f"there is no event in {file}, so nothing can be replayed")
    with progress("records") as tick:
        records = chain(first, records)
        records = granted(records, grant) if grant else records
        ran = run(records, policy, out, overwrite=overwrite, on_record=lambda: tick(next(done)))
    say_all(told(ran))
    _say_skipped(format_)
    say(f"the results are in {out}")
    if ran.records and ran.rejected == ran.records:
        say("offerstream: every record was rejected", err=True)
        ctx.exit(EXIT_FAILED)


@click.group()
def evaluate() -> None:
    """Judge the models on a file."""


@evaluate.command(
    "churn",
    epilog="Example: offerstream evaluate churn shop.csv --horizon-days 91 --report churn.html",
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="Score at this date; else at all.")
@click.option("--horizon-days", default=273, show_default=True, type=click.IntRange(1, 730))
@click.option("--tick", type=click.Choice(["week", "day"]), default="week", show_default=True)
@click.option("--scores", type=OUT_FILE, help="Write customer_id, risk here.")
@click.option("--report", type=OUT_FILE, help="Write an HTML page with plots.")
@click.option("--json", "json_file", type=OUT_FILE, help="Write all figures.")
@file_options
@click.pass_context
def evaluate_churn(
    ctx: click.Context,
    /,
    file: Path,
    at: datetime | None,
    horizon_days: int,
    tick: Literal["week", "day"],
    scores: Path | None,
    report: Path | None,
    json_file: Path | None,
    **given: Unpack[FileOptions],
) -> None:
    """Judge scores and alerts. FILE: events, or a CSV with customer_id, ts, amount.

    Scores stand next to BG/NBD and Pareto/NBD, alerts (without --at) next to rules of thumb.
    Without figures (the file ends before the horizon does, or nobody can be judged) the exit code
    is 2, unless only --scores is given.
    """
    from streams.contracts.times import DAY_MS, WEEK_MS, to_ms
    from streams.evaluation import judging
    from streams.evaluation.churn import evaluate_at, evaluate_prequential
    from streams.evaluation.churn_table import no_figures, render_churn, told, write_scores
    from streams.evaluation.figures_table import render_figures
    from streams.evaluation.purchases import read_purchases

    wanted = judging.Wanted(report, json_file)
    judging.check_wanted(wanted, file)
    read = read_purchases(file, format_of(**given))
    say_all(told(read))
    if read.bad_count and not read.purchases and not read.skipped_count:
        say("offerstream: every line was rejected", err=True)
        ctx.exit(EXIT_FAILED)
    horizon_ms, tick_ms = horizon_days * DAY_MS, WEEK_MS if tick == "week" else DAY_MS
    with progress("% of the purchases scored") as done:
        if at is None:
            found = evaluate_prequential(read.purchases, horizon_ms, tick_ms, in_percent(done))
        else:
            at_ms = to_ms(at.replace(tzinfo=UTC))
            found = evaluate_at(read.purchases, at_ms, horizon_ms, tick_ms, in_percent(done))
    if scores is not None:
        write_scores(found, scores)
    if no_figures(found):
        click.echo(render_churn(found), nl=False)
        ctx.exit(0 if scores is not None and wanted == judging.Wanted() else EXIT_MISTAKE)
    with progress("% of the purchases played") as done:
        figures = judging.judge(read.purchases, found, tick, in_percent(done))
    judging.write_wanted(figures, wanted, file)
    click.echo(render_churn(found, figures.qualities) + "\n" + render_figures(figures), nl=False)


def in_percent(done: Callable[..., None]) -> Callable[[float], None]:
    """A counter of percent, called with shares of 1."""
    return lambda share: done(round(100.0 * share))
