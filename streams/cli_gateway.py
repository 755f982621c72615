"""The verbs of what comes in over HTTP: `gateway`, and `events map`, which shows a mapping."""

import time

import click

from streams.contracts.sources import SOURCES
from streams.terminal import EXIT_FAILED, say_all, settings_of


@click.command(epilog="Example: offerstream gateway")
@click.pass_context
def gateway(ctx: click.Context) -> None:
    """Take events over HTTP and write them to their topics; Ctrl-C or SIGTERM ends it cleanly.

    Who may send says gateway.write_keys_file or OFFERSTREAM_GATEWAY_WRITE_KEYS (docs/gateway.md).
    """
    from streams.gateway.server import run_gateway

    ctx.exit(run_gateway(settings_of(ctx)))


@click.command("map", epilog="Example: offerstream events map payload.json --source segment")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--source", required=True, type=click.Choice(SOURCES), help="Who wrote it.")
@click.pass_context
def events_map(ctx: click.Context, file: str, source: str) -> None:
    """Show field by field what becomes of another system's messages, and what is dropped.

    FILE is one message, a request of several, an array or JSON lines; nothing is sent, no Kafka is
    needed. In a shop's webhook write its topic as `type`. Exit code 1 where an event would be
    rejected.
    """
    from streams.contracts.inputs.lines import open_input
    from streams.contracts.inputs.rules import InputRules
    from streams.errors import OperatorError
    from streams.gateway.explaining import explained, messages_in
    from streams.gateway.refusals import RequestRefusedError

    settings = settings_of(ctx)
    now_ms = time.time_ns() // 1_000_000
    rules = InputRules(now_ms=now_ms, occurred_at_min_ms=settings.occurred_at_min_ms)
    with open_input(file) as opened:
        try:
            messages = messages_in(opened.read())
        except RequestRefusedError as error:
            raise OperatorError(f"{file}: {error.detail}") from error
    failed = False
    for number, message in enumerate(messages):
        told = explained(source, message, rules)
        say_all([f"message {number}: {told.verdict}", *told.lines])
        failed |= told.rejected
    ctx.exit(EXIT_FAILED if failed else 0)
