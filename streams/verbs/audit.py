"""The verb `audit`: prove what went out, from files or from the topics."""

from datetime import UTC, datetime
from pathlib import Path

import click

from streams.errors import OperatorError
from streams.settings import Settings
from streams.verbs.terminal import EXIT_FAILED, say

MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


@click.command(epilog="Example: offerstream audit tests/golden/a-day-in-the-shop.jsonl out/")
@click.argument("inputs", type=click.Path(allow_dash=True), required=False)
@click.argument("outputs", type=click.Path(path_type=Path), required=False)
@click.option("--topics", "from_topics", is_flag=True, help="Read the topics, not files.")
@click.option("--reference", type=click.Path(path_type=Path), help="Folder; default example shop.")
@click.option("--from", "since", type=MOMENT, help="Judge what went out from then on (UTC).")
@click.option("--until", type=MOMENT, help="Judge what went out before then (UTC).")
@click.option("--json", "as_json", is_flag=True, help="One JSON document, not a table.")
@click.pass_context
def audit(
    ctx: click.Context,
    inputs: str | None,
    outputs: Path | None,
    from_topics: bool,
    reference: Path | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Prove what went out: was every offer and alert allowed and true at its time?

    INPUTS is a file of events as `replay` reads it, OUTPUTS the folder that `replay` wrote. Exit
    code 1 where a rule was broken, 2 where something cannot be read (docs/audit.md).
    """
    from streams import audit as room
    from streams.admin.reference import example_shop
    from streams.contracts.reference.files import load_reference

    if from_topics == (inputs is not None) or (inputs is None) != (outputs is None):
        raise click.UsageError("name INPUTS and OUTPUTS, or say --topics")
    leap_max_ms = room.LEAP_MAX_MS
    try:
        if inputs is not None and outputs is not None:
            came, went = room.read_inputs(inputs), room.read_outputs(outputs)
            data = load_reference(reference or example_shop())
        else:
            from streams.admin.auditing import ANY_LEAP_MS, read_reference, read_topics

            settings: Settings = ctx.obj()
            read, leap_max_ms = read_topics(settings), ANY_LEAP_MS
            came, went = read.inputs, read.outputs
            data = load_reference(reference) if reference else read_reference(settings)
        report = room.audit(
            came,
            went,
            data,
            since=_utc(since),
            until=_utc(until),
            leap_max_ms=leap_max_ms,
            ordered=inputs is not None,
        )
    except room.UnreadableError as error:
        raise OperatorError(str(error)) from error
    if as_json:
        say(room.as_json(report).decode())
    else:
        from rich.console import Console

        Console().print(room.as_table(report))
    ctx.exit(EXIT_FAILED if report.violations else 0)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
