"""The verbs that ask the decision log: `explain` and `redecide`.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.contracts.common import LanguageTag
from streams.terminal import EXIT_FAILED, LANGUAGE_NAMES, say, say_all, settings_of

if TYPE_CHECKING:
    from streams.admin.deciding_again import NamedPolicy
    from streams.admin.kept_decisions import Kept, Wanted

LIMIT_DEFAULT = 5


def _outputs(verb: Callable[..., None]) -> Callable[..., None]:
    """Where the log is read from."""
    return click.option(
        "--outputs",
        type=click.Path(path_type=Path),
        help="What `replay` or `archive` wrote; else the topics.",
    )(verb)


@click.command(epilog="Example: offerstream explain --customer mia --outputs out/")
@click.argument("decision_id", required=False)
@click.option("--customer", help="The last decisions about this customer id.")
@_outputs
@click.option("--language", type=LANGUAGE_NAMES, default="en", show_default=True)
@click.option("--limit", default=LIMIT_DEFAULT, show_default=True, type=click.IntRange(1))
@click.option("--json", "json_", is_flag=True, help="One JSON document a line.")
@click.pass_context
def explain(
    ctx: click.Context,
    decision_id: str | None,
    customer: str | None,
    outputs: Path | None,
    language: LanguageTag,
    limit: int,
    json_: bool,
) -> None:
    """Explain a decision: what happened, what was possible and worth, and why not the rest.

    A decision that had to wait has an entry each time; --limit counts entries, the newest last.
    """
    import msgspec

    from streams.admin.explained import told
    from streams.admin.explaining import explain as explained
    from streams.admin.kept_decisions import Wanted

    if (decision_id is None) == (customer is None):
        raise click.UsageError("name a decision, or a person with --customer")
    kept = _read(ctx, outputs, Wanted(decision_id or "", customer or ""))
    entries = kept.entries if decision_id else kept.entries[-limit:]
    for entry in entries:
        one = explained(entry, kept.models.get(entry.model.version), language)
        if json_:
            say(msgspec.json.encode(one).decode())
        else:
            say_all(told(one, language))


@click.command(epilog="Example: offerstream redecide d_FF70RKkFGn40xHMfTS_eig --outputs out/")
@click.argument("decision_id")
@_outputs
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Folder; else what was published, or with --outputs the example shop.",
)
@click.pass_context
def redecide(
    ctx: click.Context, decision_id: str, outputs: Path | None, reference: Path | None
) -> None:
    """Take a decision again from its record, its snapshot and its reference data.

    Says that every byte is equal, or what differs (exit code 1). Exit code 2 where the snapshot or
    the reference data are not kept any more.
    """
    from streams.admin.deciding_again import DIFFERENCES_MAX, decide_again
    from streams.admin.kept_decisions import Wanted

    kept = _read(ctx, outputs, Wanted(decision_id))
    again = decide_again(kept, _policies(ctx, outputs, reference))
    entry = again.entry
    if not again.scored:
        say(f"{decision_id}: {entry.verdict}; nothing was scored, so there is no more")
        return
    say(
        f"{decision_id}: {entry.verdict} {entry.chosen_offer_id or ''}, model "
        f"{entry.model.version}, policy {entry.policy.version} ({again.reference})"
    )
    if not again.differences:
        say("decided again: every byte is equal")
        return
    say(f"decided again: {len(again.differences)} values differ")
    say_all(f"  {one}" for one in again.differences[:DIFFERENCES_MAX])
    if len(again.differences) > DIFFERENCES_MAX:
        say(f"  and {len(again.differences) - DIFFERENCES_MAX} more")
    ctx.exit(EXIT_FAILED)


def _read(ctx: click.Context, outputs: Path | None, wanted: "Wanted") -> "Kept":
    from streams.admin.kept_decisions import kept_in_archive, kept_in_folder, kept_on_topics
    from streams.archive import is_archive

    if outputs is not None:
        return (
            kept_in_archive(outputs, wanted)
            if is_archive(outputs)
            else kept_in_folder(outputs, wanted)
        )
    return kept_on_topics(settings_of(ctx), wanted)


def _policies(
    ctx: click.Context, outputs: Path | None, reference: Path | None
) -> "Iterator[NamedPolicy]":
    """The folder; else what is published now, and before each change that is kept."""
    from streams.admin import catalogue
    from streams.admin.auditing import reference_of
    from streams.admin.deciding_again import NamedPolicy
    from streams.admin.reference import compiled, example_shop
    from streams.decisions import compile_policy

    if reference is not None or outputs is not None:
        folder = reference or example_shop()
        yield NamedPolicy(folder.name, partial(compiled, folder))
        return
    settings = settings_of(ctx)
    current, kept = catalogue.published(settings), catalogue.versions(settings)
    newest = kept[0].number if kept else 0
    stood: list[tuple[int, catalogue.Records]] = [(newest, current)]
    stood += [(v.number - 1, catalogue.before_version(current, kept, v.number)) for v in kept]
    for number, records in stood:
        made = partial(compile_policy, reference_of(records))
        yield NamedPolicy(f"version {number} of what was published", made)
