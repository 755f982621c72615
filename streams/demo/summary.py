"""The demo's last word: what was decided, how good it was, how fast."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.text import Text

from streams.admin.decision_words import TRIGGERS, VERDICTS
from streams.alerts.wording import ALERT_REASONS
from streams.demo.drawing import LEGEND_MODELS, MODEL_TITLES, NARROW, Scene
from streams.demo.results import length_said, percentiles_ms
from streams.demo.scoreboard import Learned
from streams.models.incremental_margin import CHOOSERS, MARGIN_MODEL, PEOPLE_MIN
from streams.models.offer_margin import OFFER_MARGIN_MODEL
from streams.simulator.scoring import ArmResult, averaged, difference

NOBODY = ArmResult("", 0, 0)
NOBODY_YET = "too few people: nobody has had a whole window since the first draw"
TOO_FEW = f"too few people to compare ({PEOPLE_MIN} of each are needed)"
CUT_SHORT = "none: the past was cut short (Do not wait) before anybody was silent for too long"
COLUMNS_MAX: Final = 80
NAME_COLUMNS: Final = 18
NO_OFFER: Final = "no offer: "
TRANSITIONS: Final = {
    "entered": "opened",
    "escalated": "grew",
    "deescalated": "eased",
    "resolved": "ended",
}
LEGEND = (
    "policy: offers chosen by what was learned. uniform: drawn at random. holdout: gets none. "
    "by the truth: how likely the offers were to be used, as the simulator knows. "
    f"{LEGEND_MODELS} not possible: checks that need what the auditor does not see."
)


def print_summary(
    console: Console, scene: Scene, churn: tuple[float, int] | None, audited: str | None
) -> None:
    """The summary of a finished play, in at most 80 columns.

    Args:
        console: where it goes.
        scene: the last one.
        churn: AUC of the churn score against the truth and how many people were scored, where
            there is a truth.
        audited: what the auditor found, where it could see everything.
    """
    rows = [*_lines(scene, churn), *([] if audited is None else [("audit", audited)])]
    width = min(console.width, COLUMNS_MAX)
    for name, text in rows:
        for line in _in_columns(name, text, width):
            console.print(line, soft_wrap=True)
    for said in textwrap.wrap(LEGEND, width - 1):
        console.print(Text(f" {said}", style="dim"), soft_wrap=True)


def _in_columns(name: str, text: str, width: int) -> Iterator[Text]:
    """A name and what is said beside it; on a narrow terminal below it."""
    if width < NARROW:
        yield Text(f" {name}", style="bold")
        yield from (Text(f"   {line}") for line in textwrap.wrap(text, width - 3))
        return
    for number, line in enumerate(textwrap.wrap(text, width - NAME_COLUMNS)):
        beside = "" if number else f" {name}"
        yield Text.assemble((beside.ljust(NAME_COLUMNS), "bold"), line)


def _lines(scene: Scene, churn: tuple[float, int] | None) -> Iterator[tuple[str, str]]:
    board = scene.board
    yield "events", f"{board.sent:,} in {scene.elapsed_s:.0f} s ({scene.day:.1f} days of the story)"
    if board.from_others:
        yield "over HTTP", f"{board.from_others:,} of them, by visitors, their till and the CRM"
    yield "decisions", _counted(board.triggers, {k: said["en"] for k, said in TRIGGERS.items()})
    yield "what came of it", _verdicts(board.verdicts)
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
            f"of the second half's offers {late.chosen:.1%} are used as policy chose them, "
            f"{late.uniform:.1%} if drawn at random, {late.best:.1%} at best",
        )
    if board.offers:
        of_arms = board.models.get(MARGIN_MODEL)
        yield "margin a head", brought({} if of_arms is None else of_arms.quality)
        of_offers = board.models.get(OFFER_MARGIN_MODEL)
        yield "of each offer", brought_each({} if of_offers is None else of_offers.quality)
    if scene.cut_short and not board.transitions["entered"]:
        yield "churn alerts", CUT_SHORT
    else:
        yield "churn alerts", _counted(board.transitions, TRANSITIONS)
    if board.reasons:
        words = {code: said["en"] for code, said in ALERT_REASONS.items()}
        yield "their reasons", _counted(board.reasons, words)
    if churn is not None:
        yield "churn score", f"AUC {churn[0]:.3f} against the truth, {churn[1]} people scored"
    judged = [(name, told) for name, told in board.models.items() if name in MODEL_TITLES]
    yield "models learned", "; ".join(map(_learned, judged)) or "nothing"
    latency = percentiles_ms(board.latencies_s)
    if latency is not None:
        half, nearly_all = map(length_said, latency)
        yield "event to offer", f"half within {half}, 99 % within {nearly_all}"
    if board.dead_letters:
        yield "dead letters", f"{board.dead_letters}"


def brought(quality: Mapping[str, float]) -> str:
    """What the shop earned of each person's first window, by arm, and what deciding brings.

    Of an arm that is not compared yet stands only how many people it has.

    >>> brought({"people_policy": 240.0, "margin_policy": 31.2, "people_uniform": 58.0,
    ...          "margin_uniform": 29.0})
    'policy 240 people, uniform 58 people; too few people to compare (100 of each are needed)'
    >>> effect = {"value": 2.5, "low": -1.0, "high": 6.0}
    >>> brought({"people_policy": 240.0, "margin_policy": 31.2, "people_holdout": 58.0,
    ...          "margin_holdout": 29.0,
    ...          **{f"policy_uniform_{name}": value for name, value in effect.items()}})
    'policy 31.20 (240 people), holdout 58 people; more than uniform +2.50, at every look within \
-1.00 to +6.00'
    >>> brought({})
    'too few people: nobody has had a whole window since the first draw'
    """
    others = [other for other in CHOOSERS if f"policy_{other}_value" in quality]
    compared = {"policy", *others} if others else set()
    arms = ", ".join(
        f"{arm} {quality[f'margin_{arm}']:.2f} ({quality[f'people_{arm}']:,.0f} people)"
        if arm in compared
        else f"{arm} {quality[f'people_{arm}']:,.0f} people"
        for arm in CHOOSERS
        if f"people_{arm}" in quality
    )
    more = [
        f"more than {other} {quality[f'policy_{other}_value']:+.2f}, at every look within "
        f"{quality[f'policy_{other}_low']:+.2f} to {quality[f'policy_{other}_high']:+.2f}"
        for other in others
    ]
    if not arms and not more:
        return NOBODY_YET
    return "; ".join(filter(None, [arms, *(more or [TOO_FEW])]))


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
        f"{MODEL_TITLES[name]} {model.examples:,} labels, loss {quality.get('log_loss', 0.0):.3f} "
        f"(base {quality.get('log_loss_constant', 0.0):.3f}), AUC {quality.get('auc', 0.5):.3f}"
    )


def _verdicts(verdicts: Mapping[str, int]) -> str:
    """How many of each, in the words of the log; those without an offer after each other.

    >>> _verdicts({"min_gap": 5, "offer": 20, "deferred": 1, "no_offer": 7}).split("; no offer: ")
    ['an offer was made (20), put off until later (1)', \
'the draw chose to send nothing (7), the last message is too recent (5)']
    """
    made, none = Counter[str](), Counter[str]()
    words: dict[str, str] = {code: said["en"] for code, said in VERDICTS.items()}
    for code, many in verdicts.items():
        said = words.get(code, code)
        (none if said.startswith(NO_OFFER) else made)[said.removeprefix(NO_OFFER)] += many
    parts = [_counted(made, {})] if made else []
    if none:
        parts.append(NO_OFFER + _counted(none, {}))
    return "; ".join(parts) or "none"


def _counted(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    """The most frequent first, each in words where there are some for it."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{words.get(code, code)} ({many:,})" for code, many in ordered) or "none"
