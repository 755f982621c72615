"""The verb `deliver`: webhooks to a CRM and others, and what could not be delivered."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from streams.errors import OperatorError
from streams.settings import Settings
from streams.verbs.terminal import count_from, end_at_eof, progress, say, say_all, settings_of


@click.group(invoke_without_command=True, epilog="Example: offerstream deliver -f crm.yaml")
@click.option(
    "--destinations",
    "-f",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of destinations (delivery.destinations_file).",
)
@click.option("--stop-at-eof", is_flag=True, hidden=True)
@click.pass_context
def deliver(ctx: click.Context, file: Path | None, stop_at_eof: bool) -> None:
    """Send offers, alerts and changes as signed webhooks; Ctrl-C or SIGTERM ends it cleanly.

    Where to, which and how says a file (docs/webhooks.md).
    """
    if file is not None:
        of_root = ctx.obj
        ctx.obj = lambda: _with_file(of_root(), file)
    if ctx.invoked_subcommand is None:
        from streams.delivery.server import run_delivery

        if stop_at_eof:
            end_at_eof()
        ctx.exit(run_delivery(settings_of(ctx)))


@deliver.command("check", epilog="Example: offerstream deliver check crm.yaml")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def deliver_check(file: Path) -> None:
    """Read a file of destinations and its secrets; nothing is sent, no Kafka is needed."""
    from streams.delivery.destinations import load_targets

    for target in load_targets(file):
        wanted = target.destination
        signed = len(target.signing_secrets)
        say(f"{target.name}: {', '.join(wanted.topics)} to {wanted.url}, signatures: {signed}")


@deliver.command("try", epilog="Example: offerstream deliver try crm alert.json")
@click.argument("destination")
@click.argument("event", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--topic", default="", help="Of the record; else the destination's first.")
@click.pass_context
def deliver_try(ctx: click.Context, destination: str, event: Path, topic: str) -> None:
    """Show the request that a record would become; nothing is sent, no Kafka is needed.

    EVENT is a file with the JSON value of a record of the topic.
    """
    from streams.contracts.inputs.allowed import what_is_allowed
    from streams.delivery.server import targets_of
    from streams.delivery.trying import tried

    targets = {target.name: target for target in targets_of(settings_of(ctx))}
    if destination not in targets:
        raise OperatorError(f"{destination}: {what_is_allowed(targets, destination)}")
    allowed = targets[destination].destination.topics
    if topic and topic not in allowed:
        raise OperatorError(f"--topic {topic}: {what_is_allowed(allowed, topic)}")
    with click.open_file(str(event), "rb") as opened:
        value = opened.read()
    say_all(tried(targets[destination], topic or allowed[0], value))


@deliver.command("failures", epilog="Example: offerstream deliver failures --destination crm")
@click.option("--destination", default="", help="Only of this destination.")
@click.option("--reason", default="", help="Only this reason.")
@click.option("--limit", default=20, show_default=True, type=count_from(0))
@click.pass_context
def deliver_failures(ctx: click.Context, destination: str, reason: str, limit: int) -> None:
    """Count what could not be delivered by destination and reason, and list the newest."""
    from streams.delivery import failures as room

    waiting = room.list_parked(settings_of(ctx), room.choice_of((), destination, reason))
    counted = Counter((one.facts.destination, one.facts.reason) for one in waiting)
    for (name, why), many in sorted(counted.items()):
        say(f"{many:>8}  {name}  {why}")
    for one in waiting[-limit:] if limit else ():
        at = datetime.fromtimestamp(one.at_ms / 1000, UTC)
        facts = one.facts
        told = f"{facts.destination}  {facts.reason}  {facts.status}  {facts.webhook_id}"
        say(f"{one.id:>10}  {at:%Y-%m-%d %H:%M:%S}  {told}")
    if not waiting:
        say("nothing waits")


@deliver.command("redrive", epilog="Example: offerstream deliver redrive --destination crm")
@click.argument("ids", nargs=-1)
@click.option("--destination", default="", help="Only of this destination.")
@click.option("--reason", default="", help="Only this reason.")
@click.option("--all", "all_", is_flag=True, help="All that wait.")
@click.pass_context
def deliver_redrive(
    ctx: click.Context, ids: tuple[str, ...], destination: str, reason: str, all_: bool
) -> None:
    """Have what could not be delivered sent again, each at most once, under the same webhook id."""
    from streams.delivery import failures as room

    if not (ids or destination or reason or all_):
        raise click.UsageError("name failures, or --destination, --reason, or --all")
    choice = room.choice_of(ids, destination, reason)
    with progress("driven again") as tick:
        driven = room.redrive(settings_of(ctx), choice, tick)
    say(f"driven again: {driven}")


def _with_file(settings: Settings, file: Path) -> Settings:
    return replace(settings, delivery=replace(settings.delivery, destinations_file=str(file)))
