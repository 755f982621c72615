"""The verbs that ask the decision log: `explain` and `redecide`.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.contracts.common import LanguageTag
from streams.verbs.log_option import log_option, place_of
from streams.verbs.terminal import EXIT_FAILED, LANGUAGE_NAMES, count_from, say, say_all

if TYPE_CHECKING:
    from streams.admin.catalogue import Records
    from streams.admin.deciding_again import NamedPolicy
    from streams.admin.kept_decisions import Kept
    from streams.admin.log_places import LogPlace
    from streams.decisions import Policy
    from streams.settings import Settings

LIMIT_DEFAULT = 5


@click.command(epilog="Example: offerstream explain --customer mia --log out/")
@click.argument("decision_id", required=False)
@click.option("--customer", help="The last decisions about this customer id.")
@log_option
@click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True)
@click.option("--limit", default=LIMIT_DEFAULT, show_default=True, type=count_from(1))
@click.option("--json", "json_", is_flag=True, help="One JSON document a line.")
@click.pass_context
def explain(
    ctx: click.Context,
    decision_id: str | None,
    customer: str | None,
    log: Path | None,
    language: LanguageTag,
    limit: int,
    json_: bool,
) -> None:
    """Explain a decision: what happened, what was possible and worth, and why not the rest.

    A decision that had to wait has an entry each time; --limit counts entries, the newest last.
    Without --log, the archive here and the topics are read.
    """
    import msgspec

    from streams.admin.explained import told
    from streams.admin.explaining import explain as explained
    from streams.admin.kept_decisions import Wanted, kept_at

    if decision_id is None and customer is None:
        raise click.UsageError("name a decision, or a person with --customer")
    if decision_id is not None and customer is not None:
        raise click.UsageError("name a decision or a person with --customer, not both")
    wanted = Wanted(decision_id or "", customer or "")
    kept = kept_at(place_of(ctx, log), wanted, None if decision_id else limit)
    for entry in kept.entries:
        one = explained(entry, kept.models.get(entry.model.version), language)
        if json_:
            say(msgspec.json.encode(one).decode())
        else:
            say_all(told(one, language))


@click.command(epilog="Example: offerstream redecide d_FF70RKkFGn40xHMfTS_eig --log out/")
@click.argument("decision_id")
@log_option
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Folder; else what was archived or published, or with a replay the example shop.",
)
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
@click.pass_context
def redecide(
    ctx: click.Context, decision_id: str, log: Path | None, reference: Path | None, json_: bool
) -> None:
    """Take a decision again from its record, its snapshot and its reference data.

    Says that every byte is equal, or what differs (exit code 1). Exit code 2 where the snapshot or
    the reference data are not kept any more. Without --log, the archive here and the topics are
    read.
    """
    from streams.admin.deciding_again import decide_again, told_again
    from streams.admin.kept_decisions import Wanted, kept_at

    place = place_of(ctx, log)
    kept = kept_at(place, Wanted(decision_id))
    again = decide_again(kept, _policies(place, kept, reference))
    say_all(told_again(again, json_=json_))
    if again.differences:
        ctx.exit(EXIT_FAILED)


def _policies(place: "LogPlace", kept: "Kept", reference: Path | None) -> "Iterator[NamedPolicy]":
    """The folder that is named; else what was archived and published; of a replay the example."""
    from streams.admin.deciding_again import NamedPolicy
    from streams.admin.reference import compiled, example_shop

    if reference is not None or (place.folder is not None and not place.archived):
        name = "the example shop" if reference is None else str(reference)
        yield NamedPolicy(name, partial(compiled, reference or example_shop()))
        return
    if place.folder is not None:
        yield from _archived(place.folder, kept)
    if place.settings is not None:
        yield from _published(place.settings)


def _archived(root: Path, kept: "Kept") -> "Iterator[NamedPolicy]":
    """What stood when it was decided, and around then."""
    from streams.admin.deciding_again import NamedPolicy
    from streams.admin.log_places import archived_references
    from streams.contracts.times import to_ms

    for name, there in archived_references(root, to_ms(kept.entries[-1].decided_at)):
        yield NamedPolicy(name, partial(_compiled, there))


def _compiled(there: "Records") -> "Policy":
    from streams.admin.auditing import reference_of
    from streams.decisions import compile_policy

    return compile_policy(reference_of(there))


def _published(settings: "Settings") -> "Iterator[NamedPolicy]":
    """What is published now, and before each change that is kept."""
    from streams.admin import catalogue
    from streams.admin.deciding_again import NamedPolicy

    current, kept = catalogue.published(settings), catalogue.versions(settings)
    newest = kept[0].number if kept else 0
    stood: list[tuple[int, catalogue.Records]] = [(newest, current)]
    stood += [(v.number - 1, catalogue.before_version(current, kept, v.number)) for v in kept]
    for number, records in stood:
        name = f"version {number} of what was published"
        yield NamedPolicy(name, partial(_compiled, records))
