"""The verbs of what comes in over HTTP: `gateway`, and `events map`, which shows a mapping."""

import time
from pathlib import Path

import click

from streams.verbs.source_options import source_options, table_of
from streams.verbs.terminal import EXIT_FAILED, end_at_eof, say_all, settings_of


@click.command(epilog="Example: offerstream gateway")
@click.option("--stop-at-eof", is_flag=True, hidden=True)
@click.option("--story-clock", type=click.Path(path_type=Path), hidden=True)  # a demo's own time
@click.pass_context
def gateway(ctx: click.Context, stop_at_eof: bool, story_clock: Path | None) -> None:
    """Take events over HTTP and write them to their topics; Ctrl-C or SIGTERM ends it cleanly.

    Who may send says gateway.write_keys_file or OFFERSTREAM_GATEWAY_WRITE_KEYS (docs/gateway.md).
    """
    from streams.demo.clock import clock_of
    from streams.gateway.server import run_gateway
    from streams.gateway.ways import wall_clock_ms

    if stop_at_eof:
        end_at_eof()
    clock_ms = wall_clock_ms if story_clock is None else clock_of(story_clock)
    ctx.exit(run_gateway(settings_of(ctx), clock_ms))


@click.command("map", epilog="Example: offerstream events map payload.json --source segment")
@click.argument("file", type=click.Path(allow_dash=True))
@source_options
@click.pass_context
def events_map(ctx: click.Context, file: str, source: str, mapping: str) -> None:
    """Show field by field what becomes of another system's messages, and what is dropped.

    FILE is one message, a request of several, an array or JSON lines; nothing is sent, no Kafka is
    needed. Name --source, or a --mapping file of yours, or both. In a shop's webhook write its
    topic as `type`. Exit code 1 where an event would be rejected.
    """
    from streams.contracts.inputs.lines import open_input
    from streams.contracts.inputs.rules import InputRules
    from streams.contracts.sources.messages import WHOLE_BYTES_MAX
    from streams.gateway.explaining import explained, messages_in

    settings = settings_of(ctx)
    table = table_of(settings, source, mapping)
    if table is None:
        raise click.UsageError("name who wrote it: --source NAME, or --mapping FILE of your own")
    now_ms = time.time_ns() // 1_000_000
    rules = InputRules(now_ms=now_ms, occurred_at_min_ms=settings.occurred_at_min_ms)
    with open_input(file) as opened:
        messages = messages_in(table, opened.read(WHOLE_BYTES_MAX))
    failed = False
    for number, message in enumerate(messages):
        told = explained(table, message, rules)
        say_all([f"message {number}: {told.verdict}", *told.lines])
        failed |= told.rejected
    ctx.exit(EXIT_FAILED if failed else 0)
