"""The verbs that read a file: `events`, `replay` and `evaluate`, with one set of options.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from streams.contracts.common import Purpose
from streams.errors import OperatorError
from streams.terminal import EXIT_FAILED, EXIT_MISTAKE, progress, say, say_all, settings_of

if TYPE_CHECKING:
    from streams.evaluation.inputs import FileFormat

PURPOSES = click.Choice(get_args(Purpose))


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


def format_of(currency: str = "EUR", **given: Any) -> "FileFormat":
    """The options of `file_options` as one struct."""
    from streams.contracts.inputs.purchase_rows import TableFormat
    from streams.evaluation.inputs import FileFormat

    table = TableFormat(
        columns=_columns(given["column"]), decimal=given["decimal"], zone=_zone(given["timezone"])
    )
    return FileFormat(encoding=given["encoding"], table=table, currency=currency)


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
    """Send events."""


@events.command(
    "send", epilog="Example: offerstream events send tests/golden/a-day-in-the-shop.jsonl"
)
@click.argument("file", type=click.Path(allow_dash=True))
@file_options
@click.pass_context
def events_send(ctx: click.Context, /, file: str, **given: Any) -> None:
    """Send JSON lines to their topics; `-` is standard input.

    A line is {"topic", "key"?, "value"}, or an event alone, which goes by its event_name.
    """
    from streams.admin.sending import send_events
    from streams.evaluation.inputs import read_records

    settings = settings_of(ctx)
    with progress("sent") as tick:
        done = send_events(settings, read_records(file, format_of(**given)), tick)
    say(f"sent {done.sent} events")
    if done.bad:
        say_all(done.bad_lines, err=True)
        raise OperatorError(f"{done.bad} lines could not be sent; the rest was")


@click.command(epilog="Example: offerstream replay tests/golden/a-day-in-the-shop.jsonl --out out/")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder; default example shop.")
@click.option("--grant", multiple=True, type=PURPOSES, help="What everyone agreed to (repeat it).")
@click.option("--currency", default="EUR", show_default=True, help="Of a CSV that names none.")
@click.option("--overwrite", is_flag=True, help="Replace the results that the folder holds.")
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
    **given: Any,
) -> None:
    """Run a file of events through the whole way, without a broker; twice gives the same bytes.

    A CSV of purchases says nothing of consent, and unknown means denied: --grant says it. Exit
    code 1 where every record was rejected.
    """
    from streams.admin.reference import example_shop, load_validated
    from streams.decisions import compile_policy
    from streams.evaluation.inputs import granted, read_records
    from streams.evaluation.replay import replay as run
    from streams.evaluation.replay_summary import told

    policy = compile_policy(load_validated(reference or example_shop()))
    done = count(1)
    with progress("records") as tick:
        records = read_records(file, format_of(currency, **given))
        records = granted(records, grant) if grant else records
        ran = run(records, policy, out, overwrite=overwrite, on_record=lambda: tick(next(done)))
    say_all(told(ran))
    say(f"the results are in {out}")
    if ran.records and ran.rejected == ran.records:
        say("offerstream: every record was rejected", err=True)
        ctx.exit(EXIT_FAILED)


@click.group()
def evaluate() -> None:
    """Judge the models on a file."""


@evaluate.command(
    "churn",
    epilog="Example: offerstream evaluate churn cdnow.csv --at 1997-10-01 --horizon-days 273",
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="Score at this date; else at all.")
@click.option("--horizon-days", default=273, show_default=True, type=click.IntRange(1, 730))
@click.option("--tick", type=click.Choice(["week", "day"]), default="week", show_default=True)
@click.option("--scores", type=click.Path(path_type=Path), help="Write customer_id, risk here.")
@file_options
@click.pass_context
def evaluate_churn(
    ctx: click.Context,
    /,
    file: Path,
    at: datetime | None,
    horizon_days: int,
    tick: str,
    scores: Path | None,
    **given: Any,
) -> None:
    """Score who leaves, next to BG/NBD. FILE: events, or a CSV with customer_id, ts, amount.

    Without figures (the file ends before the horizon does, or nobody can be judged) the exit code
    is 2, unless --scores is given.
    """
    from streams.contracts.times import DAY_MS, WEEK_MS, to_ms
    from streams.evaluation.churn import evaluate_at, evaluate_prequential
    from streams.evaluation.churn_table import no_figures, render_churn, told, write_scores
    from streams.evaluation.purchases import read_purchases

    read = read_purchases(file, format_of(**given))
    say_all(told(read))
    if read.bad_count and not read.purchases and not read.skipped_count:
        say("offerstream: every line was rejected", err=True)
        ctx.exit(EXIT_FAILED)
    horizon_ms, tick_ms = horizon_days * DAY_MS, WEEK_MS if tick == "week" else DAY_MS
    with progress("purchases") as done:
        if at is None:
            report = evaluate_prequential(read.purchases, horizon_ms, tick_ms, done)
        else:
            at_ms = to_ms(at.replace(tzinfo=UTC))
            report = evaluate_at(read.purchases, at_ms, horizon_ms, tick_ms, done)
    if scores is not None:
        write_scores(report, scores)
    click.echo(render_churn(report), nl=False)
    if no_figures(report) and scores is None:
        ctx.exit(EXIT_MISTAKE)
