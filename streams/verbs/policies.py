"""The verbs that judge by a log: `backtest`, `evaluate offers`, `margins`, `alerts`, `uplift`.

Rooms are imported inside the verbs, as in `cli`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Unpack, get_args

import click

from streams.contracts.reference.structs import Chooser
from streams.errors import OperatorError
from streams.verbs.files import PURPOSES, FileOptions, evaluate, file_options, format_of
from streams.verbs.log_option import place_of
from streams.verbs.terminal import EXIT_FAILED, SEED, say, say_all

CHOOSERS = click.Choice(get_args(Chooser))
report_option = click.option(
    "--report", type=click.Path(path_type=Path), help="Write an HTML page with plots."
)


@click.command(
    epilog="Example: offerstream backtest tests/golden/a-day-in-the-shop.jsonl --reference shop/"
)
@click.argument("file", metavar="EVENTS|LOG", required=False, type=click.Path(path_type=Path))
@click.option(
    "--reference",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A new one (repeat it for more candidates).",
)
@click.option("--against", type=click.Path(path_type=Path), help="The old; default example shop.")
@click.option("--grant", multiple=True, type=PURPOSES, help="What everyone agreed to (repeat it).")
@report_option
@click.option("--json", "json_", is_flag=True, help="One JSON document, not tables.")
@file_options
@click.pass_context
def backtest(
    ctx: click.Context,
    /,
    file: Path | None,
    reference: tuple[Path, ...],
    against: Path | None,
    grant: tuple[str, ...],
    report: Path | None,
    json_: bool,
    **given: Unpack[FileOptions],
) -> None:
    """Run a history under several sets of reference data, and show side by side what is decided.

    What people did stays the history's, so uses are not compared. Value and cost are what the
    decisions expect. EVENTS is a file of events; LOG is a folder of `archive --events`; without
    either the archive here and the topics are read. Exit code 1 where every record was rejected.
    """
    import msgspec
    from rich.console import Console

    from streams.admin.log_places import input_records
    from streams.admin.reference import compiled
    from streams.evaluation.backtest import backtest as run
    from streams.evaluation.backtest_table import tables
    from streams.evaluation.inputs import granted, read_records
    from streams.evaluation.judging import check_report, write_whole

    check_report(report, file)
    for candidate in reference:
        _check_sound(candidate)
    folders = (against, *reference)
    policies = [(name, compiled(f)) for name, f in zip(_names(folders), folders, strict=True)]
    records = (
        input_records(place_of(ctx, file))
        if file is None or file.is_dir()
        else read_records(str(file), format_of(**given))
    )
    found = run(granted(records, grant) if grant else records, policies)
    if not found.records:
        raise OperatorError(
            f"there is no event in {_source(ctx, file)}, so nothing can be compared"
        )
    if json_:
        say(msgspec.json.encode(found).decode())
    else:
        say(f"read {found.records:,} records, {found.rejected:,} of them rejected")
    if found.rejected == found.records:
        say(f"offerstream: every record was rejected; the first: {found.first_rejected}", err=True)
        ctx.exit(EXIT_FAILED)
    if not json_:
        for table in tables(found):
            Console().print(table)
    if report is not None:
        from streams.evaluation.policy_report import backtest_report

        write_whole(report, backtest_report(found, _source(ctx, file)).encode())


def _check_sound(folder: Path) -> None:
    """Raises: OperatorError: `offers validate` calls something in it an error; all are told."""
    from streams.admin.reference import load_validated, whole_of
    from streams.admin.soundness import findings

    found = findings(load_validated(folder), whole_of(folder), datetime.now(UTC))
    if errors := [str(one) for one in found if one.level == "error"]:
        say_all(errors, err=True)
        raise OperatorError(
            f"{folder}: mend the errors first ({len(errors)}), as `offers validate` tells them"
        )


def _names(folders: Sequence[Path | None]) -> list[str]:
    """What folders of reference data are called: by their own names where these differ."""
    own = ["example shop" if f is None else f.resolve().name for f in folders]
    return own if len(set(own)) == len(own) else [str(f or "example shop") for f in folders]


@evaluate.command("offers", epilog="Example: offerstream evaluate offers out/ --policy shop/")
@click.argument("log", required=False, type=click.Path(path_type=Path))
@click.option(
    "--log", "named", type=click.Path(path_type=Path), help="The same as the argument LOG."
)
@click.option("--policy", type=click.Path(path_type=Path), help="Reference data to judge.")
@click.option(
    "--model",
    "who",
    type=click.Choice(["champion", "challenger"]),
    help="Instead: the response model (champion), or the challenger.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Of the log; else what was archived, else each arm alone, margins of the example shop.",
)
@click.option("--reward", type=click.Choice(["used", "margin"]), default="used", show_default=True)
@click.option("--seed", default=1, show_default=True, type=SEED, help="Of the intervals.")
@report_option
@click.option("--json", "json_", is_flag=True, help="One JSON document, not a table.")
@click.pass_context
def evaluate_offers(
    ctx: click.Context,
    log: Path | None,
    named: Path | None,
    policy: Path | None,
    who: Literal["champion", "challenger"] | None,
    reference: Path | None,
    reward: Literal["used", "margin"],
    seed: int,
    report: Path | None,
    json_: bool,
) -> None:
    """Estimate what another policy would have brought, from decisions with known probabilities.

    LOG is a folder of `replay` or `archive`; without it the archive here and the topics are read.
    It may be a table of the Open Bandit Dataset, too. Without --policy a uniform choice is judged.
    Exit code 1 where the log does not carry a conclusion.
    """
    from streams.admin.offers_judged import Asked, judge_log, told
    from streams.evaluation.judging import check_report, write_whole

    if log is not None and named is not None:
        raise click.UsageError("name the log once: as the argument or by --log")
    log = log or named
    check_report(report, log)
    if policy is not None and who is not None:
        raise click.UsageError("judge either --policy or --model")
    asked = Asked(policy=policy, reference=reference, reward=reward, seed=seed, who=who)
    found = judge_log(place_of(ctx, log), asked)
    say_all(told(found, json_=json_))
    if report is not None:
        from streams.evaluation.policy_report import offers_report

        write_whole(report, offers_report(found, _source(ctx, log)).encode())
    if found.refused:
        ctx.exit(EXIT_FAILED)


@evaluate.command("margins", epilog="Example: offerstream evaluate margins out/")
@click.argument("log", required=False, type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="One JSON document, not lines.")
@click.pass_context
def evaluate_margins(ctx: click.Context, log: Path | None, json_: bool) -> None:
    """Say what deciding brought a head: arm against arm, each offer against its own holdout.

    LOG is a folder of `replay` or `archive`; without it the archive here and the topics are read.
    The intervals hold at every look, so you may look daily and stop when you like. How often
    offers were used stands below, for each offer sent and for each person.
    """
    import msgspec

    from streams.admin.margins_judged import judge_margins, told_of_margins

    found = judge_margins(place_of(ctx, log))
    say_all([msgspec.json.encode(found).decode()] if json_ else told_of_margins(found))


@evaluate.command("alerts", epilog="Example: offerstream evaluate alerts kept/")
@click.argument("log", required=False, type=click.Path(path_type=Path))
@click.option("--json", "json_", is_flag=True, help="One JSON document, not tables.")
@click.pass_context
def evaluate_alerts(ctx: click.Context, log: Path | None, json_: bool) -> None:
    """Judge the churn alerts that were sent, by what became of their cases.

    LOG is a folder of `replay` or `archive`; without it the archive here and the topics are read.
    Precision by band and arm and of the first of each week's cases, recall, lead time, and the
    risk of every look beside what came; all of it is known a horizon later.
    """
    import msgspec

    from streams.admin.alerts_judged import judge_alerts, told_of_alerts

    found = judge_alerts(place_of(ctx, log))
    say_all([msgspec.json.encode(found).decode()] if json_ else told_of_alerts(found))


@evaluate.command("uplift", epilog="Example: offerstream evaluate uplift campaign.csv")
@click.argument("source", required=False, metavar="FILE|LOG", type=click.Path(path_type=Path))
@click.option("--arm", type=CHOOSERS, default="policy", show_default=True, help="Of a log.")
@click.option("--against", type=CHOOSERS, default="holdout", show_default=True, help="Of a log.")
@click.option(
    "--seed", default=1, show_default=True, type=SEED, help="Of the halves and the intervals."
)
@report_option
@click.option("--json", "json_", is_flag=True, help="One JSON document, not lines.")
@click.pass_context
def evaluate_uplift(
    ctx: click.Context,
    source: Path | None,
    arm: Chooser,
    against: Chooser,
    seed: int,
    report: Path | None,
    json_: bool,
) -> None:
    """Judge who gains most by an action: the DR-learner beside a T-learner.

    FILE is a randomized CSV with treatment (0 or 1), outcome, features as numbers, and perhaps
    treatment_probability, or offer and used (0 or 1): then it says of each offer how many of its
    uses are by people who would have bought anyway. LOG is a folder of `replay` or `archive`;
    without it the archive here and the topics are read: treated are the people of one arm, the
    others those of another, the outcome is the margin of their window.
    """
    import msgspec

    from streams.admin.arms_judged import judge_own, told_of_arms
    from streams.evaluation.judging import check_report, write_whole
    from streams.evaluation.trials import read_trial
    from streams.evaluation.uplift import judge_uplift, told_of_uplift

    check_report(report, source)
    if source is None or source.is_dir():
        own = judge_own(place_of(ctx, source), (arm, against), seed)
        found, judged, said = own.uplift, own.judged, msgspec.json.encode(own)
    else:
        found, judged = judge_uplift(read_trial(source), seed), None
        said = msgspec.json.encode(found)
    if report is not None:
        from streams.evaluation.policy_report import uplift_report

        page = uplift_report(found, judged, seed, _source(ctx, source))
        write_whole(report, page.encode())
    if json_:
        say(said.decode())
        return
    say_all(() if judged is None else told_of_arms(judged))
    say_all(told_of_uplift(found))
    say(f"learned on one half of the people, judged on the other; seed {seed}")


def _source(ctx: click.Context, named: Path | None) -> str:
    """What a report calls the data that it is of."""
    return str(place_of(ctx, None)) if named is None else named.name
