"""The verbs that check and change what is published: `offers`; its `tail` stands in `cli`.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.errors import OperatorError
from streams.verbs.terminal import COUNT_MAX, EXIT_MISTAKE, say, say_all, settings_of

if TYPE_CHECKING:
    from streams.admin.catalogue import Change, Version
    from streams.contracts.reference.structs import Reference

SHOWN_MAX = 40


class _Version(click.IntRange):
    """The number of a version."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The number; of anything else it is said where they are listed."""
        if not str(value).lstrip("-").isdecimal():
            self.fail(f"{value!r} is no number: see `offerstream offers versions`", param, ctx)
        number: int = super().convert(value, param, ctx)
        return number


VERSION = _Version(0, COUNT_MAX)


@click.group()
def offers() -> None:
    """Check, publish and watch offers and the rest of the reference data."""


@offers.command("validate", epilog="Example: offerstream offers validate shop/")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@click.pass_context
def offers_validate(ctx: click.Context, path: Path, strict: bool) -> None:
    """Check a folder of reference data, or one file of it, also for what can never work.

    Exit code 2 where there are errors, with --strict also where there are warnings.
    """
    from streams.admin.reference import load_validated

    reference = load_validated(path)
    errors, warnings = _say_findings(path, reference)
    if errors or (strict and warnings):
        say(f"offerstream: errors: {errors}, warnings: {warnings}", err=True)
        ctx.exit(EXIT_MISTAKE)
    offers, rules = len(reference.offers), len(reference.policies.triggers)
    counted = f"{_counted(offers, 'offer')}, {_counted(rules, 'trigger rule')}"
    say(f"good: {counted}" + (f"; warnings: {warnings}" if warnings else ""))


def _counted(many: int, name: str) -> str:
    return f"{many} {name}" if many == 1 else f"{many} {name}s"


def _say_findings(path: Path, reference: "Reference") -> tuple[int, int]:
    """Say what can never work and what is unknown there; how many errors and warnings."""
    from streams.admin.reference import whole_of
    from streams.admin.soundness import findings, unread_files

    found = [*findings(reference, whole_of(path), datetime.now(UTC)), *unread_files(path)]
    say_all((str(one) for one in found[:SHOWN_MAX]), err=True)
    if len(found) > SHOWN_MAX:
        say(f"and {len(found) - SHOWN_MAX:,} more", err=True)
    levels = [one.level for one in found]
    return levels.count("error"), levels.count("warning")


@offers.command("publish", epilog="Example: offerstream offers publish shop/ --dry-run")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--example-shop", is_flag=True, help="Publish the shop that ships with offerstream.")
@click.option("--replace", is_flag=True, help="Withdraw what is published and in no file.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_context
def offers_publish(
    ctx: click.Context, path: Path | None, example_shop: bool, replace: bool, dry_run: bool
) -> None:
    """Check and publish reference data; workers apply it without a restart.

    What `offers validate` calls an error is refused (exit code 2); its warnings are shown.
    Shows what is added (+), changed (~) and withdrawn (-). Only --replace withdraws.
    """
    from streams.admin import reference as room
    from streams.admin.catalogue import commit

    if (path is None) == (not example_shop):
        raise click.UsageError("name a file or folder, or say --example-shop")
    path = path or room.example_shop()
    settings, reference = settings_of(ctx), room.load_validated(path)
    errors, _ = _say_findings(path, reference)
    if errors:
        raise OperatorError(f"nothing was published: mend the errors first ({errors})")
    plan = room.plan_of(settings, reference, replace=replace)
    if example_shop and plan.kept:
        raise OperatorError(
            f"another catalogue is published here: {len(plan.kept)} of its records are not of the "
            "example shop. Nothing was changed. To put the example shop in its place, say --replace"
        )
    _show(plan.changes)
    if plan.kept:
        say(f"in no file, and left as they are: {len(plan.kept)} (--replace withdraws them)")
    if dry_run:
        say("nothing was published (--dry-run)")
        return
    number = commit(
        settings, plan.changes, f"published {'the example shop' if example_shop else path}"
    )
    say(f"this is version {number}" if number else "nothing has changed")


@offers.command("versions", epilog="Example: offerstream offers versions")
@click.pass_context
def offers_versions(ctx: click.Context) -> None:
    """List the versions of what was published, the newest first (50 are kept)."""
    from streams.admin.catalogue import versions
    from streams.contracts.times import from_ms

    for one in versions(settings_of(ctx)):
        at = f"{from_ms(one.at_ms):%Y-%m-%d %H:%M:%S}"
        say(f"{one.number:>6}  {at}  {len(one.undo):>6} records  {one.why}")


@offers.command("rollback", epilog="Example: offerstream offers rollback 3")
@click.argument("version", type=VERSION, required=False)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_context
def offers_rollback(ctx: click.Context, version: int | None, dry_run: bool) -> None:
    """Publish again what stood at VERSION (else before the newest); this is a version of its own.

    VERSION 0 is what stood before the first.
    """
    from streams.admin import catalogue as room

    settings = settings_of(ctx)
    kept = room.versions(settings)
    target = _target(kept, version)
    current = room.published(settings)
    plan = room.changes(current, room.before_version(current, kept, target + 1))
    _show(plan)
    if dry_run:
        say("nothing was published (--dry-run)")
        return
    number = room.commit(settings, plan, f"back to version {target}")
    say(f"this is version {number}" if number else "nothing has changed")


@offers.command(epilog="Example: offerstream offers budgets")
@click.pass_context
def budgets(ctx: click.Context) -> None:
    """Show what of each offer's budget is used, reserved and free, in the shop's currency."""
    from streams.admin.budgets import told_budgets

    say_all(told_budgets(settings_of(ctx)))


def _target(kept: Sequence["Version"], wanted: int | None) -> int:
    """The version to go back to.

    Raises:
        OperatorError: there is none, or it is not kept.
    """
    if not kept:
        raise OperatorError("nothing was published yet that could be taken back")
    newest, oldest = kept[0].number, kept[-1].number - 1
    target = newest - 1 if wanted is None else wanted
    if not oldest <= target < newest:
        raise OperatorError(
            f"version {target} cannot be had: name one from {oldest} to {newest - 1}. "
            "See `offerstream offers versions`"
        )
    return target


def _show(changes: Sequence["Change"]) -> None:
    say_all(str(change) for change in changes[:SHOWN_MAX])
    if len(changes) > SHOWN_MAX:
        say(f"and {len(changes) - SHOWN_MAX:,} more")
    kinds = Counter(change.kind for change in changes)
    say(", ".join(f"{kind} {kinds[kind]}" for kind in ("added", "changed", "withdrawn")))
