"""The verbs for what was learned: `models list`, `show`, `rollback` and `promote`.

Rooms are imported inside the verbs, as in `cli`.
"""

import getpass
from pathlib import Path

import click

from streams.errors import OperatorError
from streams.verbs.log_option import log_option, place_of
from streams.verbs.terminal import count_from, say, say_all, settings_of

LIMIT_DEFAULT = 10


def _reason(_ctx: click.Context, _param: click.Parameter, said: str) -> str:
    """Refused before Kafka is asked: who asks later would find nothing."""
    if not said.strip():
        raise click.BadParameter("say why in a few words, for those who ask later")
    return said


why_option = click.option("--why", required=True, callback=_reason, help="For those who ask later.")


@click.group()
def models() -> None:
    """List snapshots of the models, tell one, go back to an older one, promote the challenger."""


@models.command("list", epilog="Example: offerstream models list --model response")
@click.option("--model", help="Only of this model.")
@log_option
@click.option("--limit", default=LIMIT_DEFAULT, show_default=True, type=count_from(1))
@click.option("--json", "json_", is_flag=True, help="One JSON document a line.")
@click.pass_context
def models_list(
    ctx: click.Context, model: str | None, log: Path | None, limit: int, json_: bool
) -> None:
    """List the snapshots that are kept, the newest of each model first, and which decides.

    Without --log, the archive here and the topics are read.
    """
    import msgspec

    from streams.admin.snapshot_words import HEAD, in_a_line, nothing_kept
    from streams.admin.snapshots import kept_models, of_model

    place = place_of(ctx, log)
    kept = of_model(kept_models(place), model)
    if not json_:
        say(HEAD if kept else nothing_kept(place, model))
    for found in kept.values():
        for one in found.snapshots[:limit]:
            say(msgspec.json.encode(one).decode() if json_ else in_a_line(one, found))


@models.command("show", epilog="Example: offerstream models show response")
@click.argument("version")
@log_option
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Of the log: value in margin, from all arms.",
)
@click.pass_context
def models_show(ctx: click.Context, version: str, log: Path | None, reference: Path | None) -> None:
    """Tell one snapshot in words; a model's name instead of VERSION means the one that decides.

    Of the challenger it is said what it would have brought, from the log of decisions, beside what
    the model brings that decides: in uses, or with --reference in margin.
    """
    from streams.admin.challenger_value import value_told
    from streams.admin.snapshot_words import told
    from streams.admin.snapshots import kept_models, named
    from streams.contracts.internal.learning import CHALLENGER

    place = place_of(ctx, log)
    kept = kept_models(place)
    one = named(kept, version)
    say_all(told(one, kept[one.model]))
    if one.model == CHALLENGER:
        say_all(value_told(place, reference))


@models.command(
    "rollback", epilog="Example: offerstream models rollback response-4000 --why 'labels were lost'"
)
@click.argument("version")
@click.option("--latest", is_flag=True, help="Take a rollback of the model VERSION back.")
@why_option
@click.option("--by", help="Who asks; else the user of this machine.")
@click.pass_context
def models_rollback(
    ctx: click.Context, version: str, latest: bool, why: str, by: str | None
) -> None:
    """Make all workers decide with an older snapshot, until this is taken back.

    It survives restarts, and learning goes on meanwhile. VERSION is one of `models list`, from the
    topics or the archive here; with --latest it is a model's name: its newest good snapshot decides
    again.
    """
    from streams.admin.rollback import publish, roll_back, take_back
    from streams.admin.snapshot_words import going_back_told
    from streams.admin.snapshots import kept_models

    place, who = place_of(ctx, None), by or _user()
    asked = take_back(place, version, who, why) if latest else roll_back(place, version, who, why)
    publish(settings_of(ctx), asked)
    say_all(going_back_told(asked, kept_models(place)[asked.model]))


@models.command("promote", epilog="Example: offerstream models promote --why 'it uses more'")
@click.option("--back", is_flag=True, help="Let the response model decide again.")
@why_option
@click.option("--by", help="Who asks; else the user of this machine.")
@click.pass_context
def models_promote(ctx: click.Context, back: bool, why: str, by: str | None) -> None:
    """Let the challenger decide, and score the response model beside it, until this is taken back.

    It survives restarts; both go on learning, and workers follow the newest snapshots of both.
    """
    from streams.admin.promotion import demote, promote
    from streams.admin.rollback import publish

    place, who = place_of(ctx, None), by or _user()
    publish(settings_of(ctx), (demote if back else promote)(place, who, why))
    if back:
        say("workers decide with the newest good snapshot of the response model again")
    else:
        say("workers decide with the newest good snapshot of the challenger, until:")
        say("  offerstream models promote --back --why ...")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container whose user has no name
        raise OperatorError("who asks? Name them with --by") from error
