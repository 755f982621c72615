"""The verbs about churn cases: `alerts`.

Rooms are imported inside the verbs, as in `cli`.
"""

from pathlib import Path

import click

from streams.contracts.common import LanguageTag
from streams.verbs.log_option import log_option, place_of
from streams.verbs.terminal import (
    LANGUAGE_NAMES,
    count_from,
    say,
    say_all,
    settings_of,
    show,
    tailing,
)


@click.group()
def alerts() -> None:
    """Watch churn alerts, list cases, tell one."""


@alerts.command("tail", epilog="Example: offerstream alerts tail --all")
@tailing
@click.pass_context
def alerts_tail(ctx: click.Context, all_: bool, language: str, limit: int | None) -> None:
    """Show churn alerts as they are raised."""
    from streams.admin.tail import tail_alerts

    show(tail_alerts(settings_of(ctx), all_=all_, language=language), limit)


@alerts.command("list", epilog="Example: offerstream alerts list --open --band high")
@click.option("--open", "open_", is_flag=True, help="Only cases that are not resolved.")
@click.option("--band", type=click.Choice(["low", "medium", "high"]), help="Only this band.")
@click.option("--customer", default="", help="Only of this customer id.")
@click.option("--limit", default=50, show_default=True, type=count_from(1))
@click.option("--json", "json_", is_flag=True, help="The last alert of each, one JSON a line.")
@log_option
@click.pass_context
def alerts_list(
    ctx: click.Context,
    open_: bool,
    band: str | None,
    customer: str,
    limit: int,
    json_: bool,
    log: Path | None,
) -> None:
    """List churn cases by risk times value at risk, the greatest first.

    Without --log, the archive here and the topics are read.
    """
    from streams.admin import cases as case_room

    cases, damaged = case_room.read_cases(place_of(ctx, log))
    found = case_room.chosen(cases, open_=open_, band=band, customer=customer)
    if found and not json_:
        say(case_room.HEAD)
    for case in found[:limit]:
        say(case_room.in_json(case) if json_ else case_room.in_a_line(case))
    over = case_room.chosen(cases, open_=False, band=band, customer=customer) if open_ else ()
    say_all(case_room.left_out(len(cases), len(found), limit, len(over)), err=True)
    say_all(case_room.told_of_damage(damaged), err=True)


@alerts.command("show", epilog="Example: offerstream alerts show case_FF70RKkFGn40xHMfTS_eig")
@click.argument("case_id")
@click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True)
@log_option
@click.pass_context
def alerts_show(ctx: click.Context, case_id: str, language: LanguageTag, log: Path | None) -> None:
    """Tell one case: every alert, its signals, and the events that show them.

    CASE_ID may be the id of one of its alerts.
    Without --log, the archive here and the topics are read.
    """
    from streams.admin import cases as case_room

    cases, damaged = case_room.read_cases(place_of(ctx, log))
    say_all(case_room.told_of_damage(damaged), err=True)
    say_all(case_room.told(case_room.case_named(cases, case_id), language))
