"""The verb that shows one person: `customer show`.

Rooms are imported inside the verbs, as in `cli`.
"""

from pathlib import Path

import click

from streams.contracts.common import LanguageTag
from streams.verbs.log_option import log_option, place_of
from streams.verbs.terminal import (
    EXIT_FAILED,
    LANGUAGE_NAMES,
    count_from,
    say,
    say_all,
    settings_of,
)

DECISIONS_DEFAULT = 3


@click.group()
def customer() -> None:
    """Show one customer: what is known, and what was and would be decided."""


@customer.command(epilog="Example: offerstream customer show c-1001 --decide home_banner")
@click.argument("customer_id")
@click.option("--decide", "placement", help="A placement: what would be decided there now.")
@log_option
@click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True)
@click.option("--limit", default=DECISIONS_DEFAULT, show_default=True, type=count_from(0))
@click.option("--json", "json_", is_flag=True, help="One JSON document: the worker's answer.")
@click.pass_context
def show(
    ctx: click.Context,
    customer_id: str,
    placement: str | None,
    log: Path | None,
    language: LanguageTag,
    limit: int,
    json_: bool,
) -> None:
    """Ask the worker what it knows of CUSTOMER_ID; nothing is changed and nothing is decided.

    Then the evidence of links and the last decisions are read, from the archive here and the
    topics, or from --log. Exit code 1 where nothing is known under the id.
    """
    import msgspec

    from streams.admin.asking import ask_about
    from streams.admin.customer_log import read_log
    from streams.admin.explained import told
    from streams.admin.explaining import explain
    from streams.gateway.customer_words import words_of

    reply = ask_about(settings_of(ctx), customer_id, placement)
    if json_:
        say(msgspec.json.encode(reply).decode())
    elif reply.customer is not None:
        say_all(words_of(reply.customer))
        place, person = place_of(ctx, log), reply.customer.customer_id
        say_all(read_log(place, person, limit, language).words)
        if reply.would_decide is not None:
            say(f"\nwhat would be decided now in {placement}, and was not:")
            say_all(told(explain(reply.would_decide, None, language), language))
        elif placement is not None:
            say(f"\nnothing would be decided in {placement}: {', '.join(reply.reason_codes)}")
    else:
        say(f"nothing is known under {customer_id}")
    if reply.customer is None:
        ctx.exit(EXIT_FAILED)
