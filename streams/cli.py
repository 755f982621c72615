"""The command `offerstream`: every verb with an example; a mistake is a sentence, not a traceback.

Rooms are imported inside the verbs, so that `--help` is quick and `replay` needs no Kafka.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec.structs import replace

from streams import __version__
from streams.errors import OperatorError
from streams.settings import load_settings
from streams.verbs.alerts import alerts
from streams.verbs.archive import archive
from streams.verbs.audit import audit
from streams.verbs.customers import customer
from streams.verbs.decisions import explain, redecide
from streams.verbs.deliver import deliver
from streams.verbs.files import evaluate, events, replay
from streams.verbs.gateway import events_map, gateway
from streams.verbs.models import models
from streams.verbs.offers import offers
from streams.verbs.policies import backtest
from streams.verbs.terminal import (
    EXIT_MISTAKE,
    OUT_FILE,
    SEED,
    NumberRange,
    Verbs,
    count_from,
    progress,
    say,
    say_all,
    settings_of,
    show,
    tailing,
)

if TYPE_CHECKING:
    from streams.admin.dead_letters import Choice
    from streams.worker.roles import Role

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
STORIES = click.Choice(["shoppers", "complete-journey"])
ACCEPT_BAD_MINUTES_MAX = 24 * 60


@click.group(
    cls=Verbs,
    context_settings=CONTEXT,
    epilog="Example: offerstream demo --duration 60",
)
@click.version_option(__version__)
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file of settings.")
@click.option("--bootstrap", help="Kafka's address, host:port (OFFERSTREAM_BOOTSTRAP).")
@click.pass_context
def main(ctx: click.Context, config: Path | None, bootstrap: str | None) -> None:
    """Next best offers and churn alerts from a stream of what customers do.

    Settings come from a TOML file and from OFFERSTREAM_* variables (docs/run.md). The options of
    this page may stand before or after the verb.
    """
    ctx.obj = lambda **more: load_settings(config, overrides={"bootstrap": bootstrap, **more})


main.add_command(events)
main.add_command(replay)
main.add_command(backtest)
main.add_command(evaluate)
main.add_command(audit)
main.add_command(offers)
main.add_command(alerts)
main.add_command(archive)
main.add_command(customer)
main.add_command(explain)
main.add_command(redecide)
main.add_command(models)
main.add_command(gateway)
main.add_command(deliver)
events.add_command(events_map)


@main.group("topics")
def topics_() -> None:
    """Create and check the topics on the broker."""


@topics_.command("apply", epilog="Example: offerstream topics apply")
@click.pass_context
def topics_apply(ctx: click.Context) -> None:
    """Create missing topics and set what differs; nothing is ever deleted."""
    from streams.admin.topics import apply_topics

    done = apply_topics(settings_of(ctx))
    say(f"created {len(done.created)}, configured {len(done.configured)}")
    say_all(f"  + {name}" for name in done.created)
    say_all(f"  ~ {name}" for name in done.configured)


@topics_.command("verify", epilog="Example: offerstream topics verify")
@click.pass_context
def topics_verify(ctx: click.Context) -> None:
    """Compare the broker with the catalogue; exit code 2 where something is wrong."""
    from streams.admin.topics import verify_topics

    problems = verify_topics(settings_of(ctx))
    if problems:
        say_all(str(problem) for problem in problems)
        ctx.exit(EXIT_MISTAKE)
    say("every topic is as the catalogue says")


@main.command(epilog="Example: offerstream worker --workers 2")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(0, 64))
@click.option("--learner/--no-learner", default=True, show_default=True, help="Learn here, too.")
@click.option(
    "--treasury/--no-treasury",
    default=True,
    show_default=True,
    help="Keep the offers' budgets here, too.",
)
@click.option(
    "--accept-bad",
    type=click.IntRange(1, ACCEPT_BAD_MINUTES_MAX),
    metavar="MINUTES",
    help="For so long, let bad records pass to the dead letters, however many they are.",
)
@click.option("--stop-at-eof", is_flag=True, hidden=True)
@click.pass_context
def worker(
    ctx: click.Context,
    workers: int,
    learner: bool,
    treasury: bool,
    accept_bad: int | None,
    stop_at_eof: bool,
) -> None:
    """Run workers (each one core), the learner and the treasury; Ctrl-C or SIGTERM ends them."""
    from streams.worker.processes import run_processes

    settings = settings_of(ctx)
    if accept_bad is not None:
        until = datetime.now(UTC) + timedelta(minutes=accept_bad)
        breaker = replace(settings.breaker, accept_bad_until=until)
        settings = replace(settings, breaker=breaker)
    ctx.exit(
        run_processes(
            settings,
            workers=workers,
            learner=learner,
            treasury=treasury,
            stop_at_eof=stop_at_eof,
        )
    )


@main.command("worker-slot", hidden=True, epilog="Example: offerstream worker-slot worker 0")
@click.argument("role", type=click.Choice(["worker", "learner", "treasury"]))
@click.argument("number", type=click.IntRange(0, 64))
@click.option("--parent", type=int, hidden=True)
@click.pass_context
def worker_slot(ctx: click.Context, role: "Role", number: int, parent: int | None) -> None:
    """Be one of the processes that `worker` starts; settings come from the environment."""
    from streams.runtime.faults import EXIT_OPERATOR
    from streams.worker.processes import run_slot

    try:
        ctx.exit(run_slot(settings_of(ctx), role, number, parent))
    except OperatorError as error:  # the launcher knows that a restart would not help
        click.echo(f"offerstream: {error}", err=True)
        ctx.exit(EXIT_OPERATOR)


@offers.command("tail", epilog="Example: offerstream offers tail --all --language ja")
@tailing
@click.pass_context
def offers_tail(ctx: click.Context, all_: bool, language: str, limit: int | None) -> None:
    """Show offers as they are decided."""
    from streams.admin.tail import tail_offers

    show(tail_offers(settings_of(ctx), all_=all_, language=language), limit)


@main.group("dead-letters")
def dead_letters() -> None:
    """List, explain and drive again what could not be read."""


def _choice(ids: tuple[str, ...], reason: str, topic: str) -> "Choice":
    from streams.admin.dead_letters import choice_of

    return choice_of(ids, reason, topic)


@dead_letters.command(
    "list", epilog="Example: offerstream dead-letters list --reason missing_field"
)
@click.option("--reason", default="", help="Only this reason.")
@click.option("--topic", default="", help="Only from this source topic.")
@click.option("--limit", default=20, show_default=True, type=count_from(0))
@click.pass_context
def dead_letters_list(ctx: click.Context, reason: str, topic: str, limit: int) -> None:
    """Count by topic and reason, and list the newest."""
    from streams.admin import dead_letters as room

    letters = room.list_letters(settings_of(ctx), _choice((), reason, topic))
    for (source, why), many in sorted(room.count_by_reason(letters).items()):
        say(f"{many:>8}  {source}  {why}")
    for letter in letters[-limit:] if limit else ():
        at = datetime.fromtimestamp(letter.at_ms / 1000, UTC)
        facts = letter.facts
        say(f"{letter.letter_id:>10}  {at:%Y-%m-%d %H:%M:%S}  {facts.reason}  {facts.path}")
    if not letters:
        say("no dead letters")


@dead_letters.command("show", epilog="Example: offerstream dead-letters show 2@17")
@click.argument("letter_id")
@click.option("--raw", type=OUT_FILE, help="Write the raw bytes to this file.")
@click.pass_context
def dead_letters_show(ctx: click.Context, letter_id: str, raw: Path | None) -> None:
    """Explain one letter without showing what it holds (it may be personal data)."""
    from streams.admin import dead_letters as room

    letters = room.find_letters(settings_of(ctx), _choice((letter_id,), "", ""))
    say_all(room.explain(letters[0]))
    if raw is not None:
        raw.write_bytes(letters[0].value or b"")


@dead_letters.command(
    "redrive", epilog="Example: offerstream dead-letters redrive --reason in_the_future"
)
@click.argument("letter_ids", nargs=-1)
@click.option("--reason", default="", help="Only this reason.")
@click.option("--topic", default="", help="Only from this source topic.")
@click.option("--all", "all_", is_flag=True, help="All that wait.")
@click.pass_context
def dead_letters_redrive(
    ctx: click.Context, letter_ids: tuple[str, ...], reason: str, topic: str, all_: bool
) -> None:
    """Send letters back to their source topics, each at most once."""
    from streams.admin import dead_letters as room

    if not (letter_ids or reason or topic or all_):
        raise click.UsageError("name letters, or --reason, --topic, or --all")
    choice = _choice(letter_ids, reason, topic)
    with progress("driven again") as tick:
        driven = room.redrive(settings_of(ctx), choice, tick)
    say(f"driven again: {driven}")


@main.command(epilog="Example: offerstream doctor")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look at everything that a person can mend; exit code 2 where something fails."""
    from streams.admin.doctor import examine

    failed = False
    for finding in examine(settings_of(ctx)):
        say(str(finding))
        failed |= finding.level == "fail"
    ctx.exit(EXIT_MISTAKE if failed else 0)


@main.command(epilog="Example: offerstream demo --duration 60")
@click.option(
    "--duration",
    default=60.0,
    show_default=True,
    type=NumberRange(5, 604_800),
    help="Seconds.",
)
@click.option("--data", default="shoppers", show_default=True, type=STORIES)
@click.option("--seed", default=1, show_default=True, type=SEED, help="Of the shoppers.")
@click.option("--shoppers", default=300, show_default=True, type=click.IntRange(10, 100_000))
@click.option("--plain", is_flag=True, help="Lines, not a live screen.")
@click.option(
    "--browser/--no-browser", default=True, show_default=True, help="Open the page in a browser."
)
@click.option("--picture", type=OUT_FILE, help="Save the last screen as SVG.")
@click.option("--prefix", help="Of the topics there; else the setting topic_prefix, else demo.")
@click.pass_context
def demo(
    ctx: click.Context,
    /,
    duration: float,
    data: Literal["shoppers", "complete-journey"],
    seed: int,
    shoppers: int,
    plain: bool,
    browser: bool,
    picture: Path | None,
    prefix: str | None,
) -> None:
    """Shoppers, offers and alerts on the screen, with nothing installed.

    It prints the address of a page: a shop, a phone and a store to try. As long as somebody has the
    page open, the demo goes on; Ctrl-C ends it.

    With --bootstrap it plays to the workers on that Kafka, and nothing is started here; there is no
    page then, nor with --data complete-journey.

    Ends by itself; exit code 0 if offers and alerts were really produced.
    """
    from streams.demo.run import Wish, run_demo
    from streams.demo.stage import OWN_PREFIX

    foreign = None
    if ctx.find_root().params["bootstrap"] is not None:
        foreign = ctx.obj(topic_prefix=prefix)
        if prefix is None and not foreign.topic_prefix:
            foreign = replace(foreign, topic_prefix=OWN_PREFIX)
    elif prefix is not None:
        raise click.UsageError("--prefix is for the topics of a Kafka: name it with --bootstrap")
    wish = Wish(
        seconds=duration,
        data=data,
        seed=seed,
        shoppers=shoppers,
        plain=plain,
        browser=browser,
        picture=picture,
        foreign=foreign,
    )
    ctx.exit(run_demo(wish))
