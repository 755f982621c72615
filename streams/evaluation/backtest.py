"""One history under several sets of reference data: which offers would be made, at what cost.

What people did is the history's: they answer the offers that were really made. So uses cannot be
compared; what is compared is what is decided, and what the decisions expect.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from streams.contracts.inputs.json_lines import InputRecord
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import AlertRaised, DecisionLogged, Effect
from streams.contracts.outputs.payloads import DecisionLog
from streams.customer import Customer
from streams.decisions import Policy
from streams.driver import Driver
from streams.evaluation.replay import EPOCH_START_MS, LEAP_MAX_MS
from streams.models import initial_models
from streams.models.trainer import Trainer

NO_STAGE: Final = "not scored"


class Sent(Struct):
    """What was sent of something: offers, people, and what the decisions expect, in money."""

    offers: int = 0
    people: int = 0
    value: float = 0.0
    cost: float = 0.0


class Ran(Struct):
    """One side of a backtest.

    Attributes:
        name: of its reference data.
        decisions: how many requests were answered.
        verdicts: how often each.
        by_offer, by_stage, by_trigger, by_channel: what was sent.
        withheld: how often an offer was not possible, by reason: `offer_id: why_not`.
        alerts: churn alerts by transition.
    """

    name: str
    decisions: int
    verdicts: dict[str, int]
    whole: Sent
    by_offer: dict[str, Sent]
    by_stage: dict[str, Sent]
    by_trigger: dict[str, Sent]
    by_channel: dict[str, Sent]
    withheld: dict[str, int]
    alerts: dict[str, int]


class Backtest(Struct, frozen=True):
    """All sides over the same records, the old first; `rejected` records could not be read.

    `first_rejected`: the line of the first of these, and what is wrong with it.
    """

    records: int
    rejected: int
    sides: tuple[Ran, ...]
    first_rejected: str = ""


class _Tally:
    """Counts what one side decides."""

    def __init__(self, name: str, policy: Policy) -> None:
        self.name = name
        self.driver = Driver(policy, initial_models(), Trainer())
        self.verdicts: Counter[str] = Counter()
        self.withheld: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        self.sent: dict[tuple[str, str], Sent] = {}
        self.seen: set[tuple[str, str, str]] = set()

    def feed(self, record: InputRecord, *, counted: bool) -> str:
        """One record to its end; what is wrong with it, or nothing."""
        rules = InputRules(
            now_ms=self.driver.greatest_event_ms or 2**52,
            occurred_at_min_ms=EPOCH_START_MS,
            future_tolerance_ms=LEAP_MAX_MS,
            placeholders=self.driver.policy.placeholders,
        )
        outcome = record.rejected or self.driver.feed(
            record.topic, record.value, rules, record.headers
        )
        if isinstance(outcome, Rejected):
            return f"{outcome.path} {outcome.detail}"
        for effect in outcome if counted else ():
            self._count(effect)
        return ""

    def _count(self, effect: Effect) -> None:
        if isinstance(effect, AlertRaised):
            self.alerts[effect.alert.transition] += 1
        elif isinstance(effect, DecisionLogged):
            entry = effect.entry
            self.verdicts[entry.verdict] += 1
            self.withheld.update(
                f"{c.offer_id}: {c.why_not}" for c in entry.offers if c.why_not is not None
            )
            if entry.chosen_offer_id is not None:
                self._send(entry, entry.chosen_offer_id)

    def _send(self, entry: DecisionLog, offer_id: str) -> None:
        terms = next(c.terms for c in entry.offers if c.offer_id == offer_id)
        row = self.driver.rows.get(entry.customer_id)
        stage = (row.churn.stage if isinstance(row, Customer) else None) or NO_STAGE
        of = {
            "whole": "",
            "offer": offer_id,
            "stage": stage,
            "trigger": entry.trigger.kind,
            "channel": entry.channel,
        }
        for kind, name in of.items():
            sent = self.sent.setdefault((kind, name), Sent())
            who = (kind, name, entry.customer_id)
            sent.offers += 1
            sent.people += who not in self.seen
            self.seen.add(who)
            if terms is not None:
                sent.value += terms.value
                sent.cost += terms.cost

    def ran(self) -> Ran:
        """What was counted."""
        return Ran(
            name=self.name,
            decisions=self.verdicts.total(),
            verdicts=dict(sorted(self.verdicts.items())),
            whole=self.sent.get(("whole", ""), Sent()),
            by_offer=self._by("offer"),
            by_stage=self._by("stage"),
            by_trigger=self._by("trigger"),
            by_channel=self._by("channel"),
            withheld=dict(sorted(self.withheld.items())),
            alerts=dict(sorted(self.alerts.items())),
        )

    def _by(self, kind: str) -> dict[str, Sent]:
        return {name: sent for (of, name), sent in sorted(self.sent.items()) if of == kind}


def backtest(
    records: Iterable[InputRecord], policies: Sequence[tuple[str, Policy]], lead_in: int = 0
) -> Backtest:
    """Run all of them over the same records, in their order; the first is what stood before.

    What is decided at the first `lead_in` records is not counted: they tell who people are.
    """
    tallies = [_Tally(name, policy) for name, policy in policies]
    count = rejected = 0
    first = ""
    for record in records:
        count += 1
        faults = [tally.feed(record, counted=count > lead_in) for tally in tallies]
        if any(faults):
            rejected += 1
            first = first or f"line {record.line}: {next(filter(None, faults))}"
    return Backtest(count, rejected, tuple(tally.ran() for tally in tallies), first)
