"""The demo's last word: what was decided, how good it was, how fast."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from streams.demo.drawing import MODEL_TITLES, Scene
from streams.demo.results import length_said, percentiles_ms
from streams.demo.scoreboard import Learned
from streams.models.incremental_margin import CHOOSERS, MARGIN_MODEL
from streams.models.offer_margin import OFFER_MARGIN_MODEL
from streams.simulator.scoring import ArmResult, averaged, difference

NOBODY = ArmResult("", 0, 0)
NOBODY_YET = "too few people: nobody has had a whole window since the first draw"


def print_summary(
    console: Console, scene: Scene, churn: tuple[float, int] | None, audited: str | None
) -> None:
    """The summary of a finished play.

    Args:
        console: where it goes.
        scene: the last one.
        churn: AUC of the churn score against the truth and how many people were scored, where
            there is a truth.
        audited: what the auditor found, where it could see everything.
    """
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(scene, churn):
        table.add_row(name, text)
    if audited is not None:
        table.add_row("audit", audited)
    console.print(table)


def _lines(scene: Scene, churn: tuple[float, int] | None) -> Iterator[tuple[str, str]]:
    board = scene.board
    yield "events", f"{board.sent:,} in {scene.elapsed_s:.0f} s ({scene.day:.1f} days of the story)"
    if board.from_others:
        yield "over HTTP", f"{board.from_others:,} of them, by visitors, their till and the CRM"
    yield "decisions", _counted(board.triggers)
    yield "verdicts", _counted(board.verdicts)
    results = {line.arm: line.result for line in scene.arms}
    yield "offers used", "; ".join(map(_rate, results.values())) or "not known here"
    policy, uniform = results.get("policy", NOBODY), results.get("uniform", NOBODY)
    if policy.offers and uniform.offers:
        gap = difference(policy, uniform)
        yield (
            "policy - uniform",
            f"{gap.value * 100:+.1f} points, 95 % interval {gap.low * 100:+.1f} to "
            f"{gap.high * 100:+.1f}",
        )
    if board.policy_rates:
        late = averaged(board.policy_rates[len(board.policy_rates) // 2 :])
        yield (
            "by the truth",
            f"second half: policy {late.chosen:.1%}, uniform {late.uniform:.1%}, best possible "
            f"{late.best:.1%}",
        )
    if board.offers:
        of_arms = board.models.get(MARGIN_MODEL)
        yield "margin a head", brought({} if of_arms is None else of_arms.quality)
        of_offers = board.models.get(OFFER_MARGIN_MODEL)
        yield "of each offer", brought_each({} if of_offers is None else of_offers.quality)
    yield "churn alerts", f"{_counted(board.transitions)}; reasons {_counted(board.reasons)}"
    if churn is not None:
        yield "churn score", f"AUC {churn[0]:.3f} against the truth, {churn[1]} people scored"
    judged = [(name, told) for name, told in board.models.items() if name in MODEL_TITLES]
    yield "models learned", "; ".join(map(_learned, judged)) or "nothing"
    latency = percentiles_ms(board.latencies_s)
    if latency is not None:
        yield "event to offer", f"p50 {length_said(latency[0])}, p99 {length_said(latency[1])}"
    if board.dead_letters:
        yield "dead letters", f"{board.dead_letters}"


def brought(quality: Mapping[str, float]) -> str:
    """What the shop earned of each person's first window, by arm, and what deciding brings.

    >>> brought({"people_policy": 240.0, "margin_policy": 31.2, "people_uniform": 58.0,
    ...          "margin_uniform": 29.0})
    'policy 31.20 (240 people), uniform 29.00 (58 people); too few people to compare'
    >>> effect = {"value": 2.5, "low": -1.0, "high": 6.0}
    >>> brought({f"policy_uniform_{name}": value for name, value in effect.items()})
    'more than uniform +2.50, at every look within -1.00 to +6.00'
    >>> brought({})
    'too few people: nobody has had a whole window since the first draw'
    """
    arms = ", ".join(
        f"{arm} {quality[f'margin_{arm}']:.2f} ({quality[f'people_{arm}']:,.0f} people)"
        for arm in CHOOSERS
        if f"people_{arm}" in quality
    )
    more = [
        f"more than {other} {quality[f'policy_{other}_value']:+.2f}, at every look within "
        f"{quality[f'policy_{other}_low']:+.2f} to {quality[f'policy_{other}_high']:+.2f}"
        for other in CHOOSERS
        if f"policy_{other}_value" in quality
    ]
    if not arms and not more:
        return NOBODY_YET
    return "; ".join(filter(None, [arms, *(more or ["too few people to compare"])]))


def brought_each(quality: Mapping[str, float]) -> str:
    """Margin a head more of who got an offer than of its own holdout, for each that has one.

    >>> people = {"people_treated:tea": 240.0, "people_withheld:tea": 110.0}
    >>> effect = {"value:tea": 0.5, "low:tea": -0.25, "high:tea": 1.25}
    >>> brought_each({**people, **effect, "people_treated:cake": 31.0})
    'tea +0.50 a head, at every look within -0.25 to +1.25; cake too few people (31 and 0 held out)'
    >>> brought_each({})
    'too few people: nobody has had a whole window since the first draw'
    """
    offers = [name.partition(":")[2] for name in quality if name.startswith("people_treated:")]
    each = []
    for name in sorted(offers, key=lambda name: f"value:{name}" not in quality):
        if f"value:{name}" in quality:
            value, low, high = (quality[f"{one}:{name}"] for one in ("value", "low", "high"))
            each.append(
                f"{name} {value:+.2f} a head, at every look within {low:+.2f} to {high:+.2f}"
            )
        else:
            got, held = (quality.get(f"people_{g}:{name}", 0.0) for g in ("treated", "withheld"))
            each.append(f"{name} too few people ({got:,.0f} and {held:,.0f} held out)")
    return "; ".join(each) or NOBODY_YET


def _rate(result: ArmResult) -> str:
    if not result.offers:
        return f"{result.arm} none offered"
    return f"{result.arm} {result.rate:.1%} ({result.redeemed:,} of {result.offers:,})"


def _learned(named: tuple[str, Learned]) -> str:
    name, model = named
    quality = model.quality
    return (
        f"{name} {model.examples:,} labels, log loss {quality.get('log_loss', 0.0):.3f} "
        f"(base {quality.get('log_loss_constant', 0.0):.3f}), AUC {quality.get('auc', 0.5):.3f}"
    )


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered) or "none"
