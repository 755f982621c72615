"""The verb that shows one person: `customer show`.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.contracts.common import LanguageTag
from streams.log_option import log_option, place_of
from streams.terminal import EXIT_FAILED, LANGUAGE_NAMES, say, say_all, settings_of

if TYPE_CHECKING:
    from streams.admin.log_places import LogPlace

DECISIONS_DEFAULT = 3


@click.group()
def customer() -> None:
    """Show one customer: what is known, and what was and would be decided."""


@customer.command(epilog="Example: offerstream customer show c-1001 --decide home_banner")
@click.argument("customer_id")
@click.option("--decide", "placement", help="A placement: what would be decided there now.")
@log_option
@click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True)
@click.option("--limit", default=DECISIONS_DEFAULT, show_default=True, type=click.IntRange(0))
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
    from streams.admin.explained import told
    from streams.admin.explaining import explain
    from streams.gateway.customer_words import words_of

    reply = ask_about(settings_of(ctx), customer_id, placement)
    if json_:
        say(msgspec.json.encode(reply).decode())
    elif reply.customer is not None:
        say_all(words_of(reply.customer))
        say_all(_evidence(place_of(ctx, log), reply.customer.customer_id))
        say_all(_decisions(place_of(ctx, log), reply.customer.customer_id, language, limit))
        if reply.would_decide is not None:
            say(f"\nwhat would be decided now in {placement}, and was not:")
            say_all(told(explain(reply.would_decide, None, language), language))
        elif placement is not None:
            say(f"\nnothing would be decided in {placement}: {', '.join(reply.reason_codes)}")
    else:
        say(f"nothing is known under {customer_id}")
    if reply.customer is None:
        ctx.exit(EXIT_FAILED)


def _evidence(place: "LogPlace", person: str) -> Iterator[str]:
    """What linked and unlinked ids with this one, the oldest first."""
    import msgspec

    from streams import topics
    from streams.admin.log_places import records
    from streams.contracts.outputs.payloads import IdentityChange

    for _, value in records(place, topics.IDENTITY_CHANGES, person_id=person):
        change = msgspec.json.decode(value, type=IdentityChange)
        if person in (change.customer_id, change.other_id):
            at = change.changed_at.strftime("%Y-%m-%d %H:%M UTC")
            evidence = change.evidence_event_id or "none"
            what = f"{change.kind}: {change.customer_id} and {change.other_id}"
            yield f"{what}, {at}, by {change.method}, evidence {evidence}"


def _decisions(place: "LogPlace", person: str, language: LanguageTag, limit: int) -> Iterator[str]:
    """The last decisions, each with why and why not."""
    from streams.admin.explained import told
    from streams.admin.explaining import explain
    from streams.admin.kept_decisions import Wanted, kept_at
    from streams.errors import OperatorError

    if not limit:
        return
    try:
        kept = kept_at(place, Wanted(customer_id=person))
    except OperatorError as error:
        yield f"\nno decisions: {error}"
        return
    yield "\nthe last decisions:"
    for entry in kept.entries[-limit:]:
        yield from told(explain(entry, kept.models.get(entry.model.version), language), language)
