"""What a demo has seen so far, counted: nothing here talks to anybody."""

from collections import Counter, deque
from collections.abc import Callable

import msgspec

from streams import topics
from streams.contracts.chances import equation
from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning_records import decode_snapshot
from streams.contracts.outputs.payloads import ChurnAlert, DecisionLog, NextBestOffer
from streams.customer import Customer
from streams.customer.codec import decode_row
from streams.demo.reader import Arrived
from streams.simulator.scoring import Rates

SENT_MAX = 50_000
FEED_LINES = 6

_OFFER = msgspec.json.Decoder(NextBestOffer)
_ALERT = msgspec.json.Decoder(ChurnAlert)
_ENTRY = msgspec.json.Decoder(DecisionLog)


class _Sent(msgspec.Struct):
    event_id: str = ""
    event_name: str = ""
    decision_id: str | None = None


_SENT = msgspec.json.Decoder(_Sent)
Judge = Callable[[DecisionLog], Rates | None]


class Learned(msgspec.Struct, frozen=True):
    """A model's newest snapshot: examples learned, and how good it was before it had seen them."""

    examples: int
    quality: dict[str, float]


class Scoreboard:
    """Counts by topic; `judge` knows the truth about a decision, where there is one.

    `from_others`: how many of the events `sent` are of visitors and the shop's own systems.
    `offers` and `used` are by arm: decisions that came out, and those of them that were used.
    """

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge
        self._sent_s: dict[str, float] = {}
        self._arms: dict[str, str] = {}
        self.sent = 0
        self.from_others = 0
        self.dead_letters = 0
        self.triggers: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.offers: Counter[str] = Counter()
        self.used: Counter[str] = Counter()
        self.transitions: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.latencies_s: list[float] = []
        self.risks: dict[str, float] = {}
        self.models: dict[str, Learned] = {}
        self.policy_rates: list[Rates] = []
        self.last_offers: deque[str] = deque(maxlen=FEED_LINES)
        self.last_alerts: deque[str] = deque(maxlen=FEED_LINES)
        self._take = {
            topics.NEXT_BEST_OFFERS.name: self._offer,
            topics.CHURN_ALERTS.name: self._alert,
            topics.DECISION_LOG.name: self._decision,
            topics.MODEL_SNAPSHOTS.name: self._snapshot,
            topics.CUSTOMERS_CHANGELOG.name: self._row,
            topics.DEAD_LETTERS.name: self._dead_letter,
        }

    def note_sent(self, value: bytes, at_s: float | None) -> None:
        """An event went out, in plain JSON: an offer of it is timed from here, a use is counted.

        `at_s` None: others sent it, nobody knows when.
        """
        event = _SENT.decode(value)
        self.sent += 1
        if at_s is None:
            self.from_others += 1
        else:
            self._sent_s[event.event_id] = at_s
        if len(self._sent_s) > SENT_MAX:
            del self._sent_s[next(iter(self._sent_s))]
        if event.event_name == "offer_redeemed":
            arm = self._arms.pop(event.decision_id or "", None)
            self.used.update([arm] if arm is not None else [])

    def take(self, record: Arrived) -> bool:
        """Count one record of an output topic; false where nothing is counted of it."""
        take = self._take.get(record.topic)
        if take is not None:
            take(record)
        return take is not None

    @property
    def produced(self) -> bool:
        """Whether offers and alerts were really made."""
        return self.offers.total() > 0 and self.transitions["entered"] > 0

    def _offer(self, record: Arrived) -> None:
        offer = _OFFER.decode(record.value)
        self.offers[offer.experiment.arm] += 1
        self._arms[offer.decision_id] = offer.experiment.arm
        sent_s = self._sent_s.get(offer.trigger.event_id)
        if sent_s is not None:
            self.latencies_s.append(record.at_s - sent_s)
        self.last_offers.append(
            f"{offer.customer_id}  {offer.text['en']}  ({offer.trigger.kind}, "
            f"{equation('p', offer.action_probability, 2)}, {offer.experiment.arm})"
        )

    def _alert(self, record: Arrived) -> None:
        alert = _ALERT.decode(record.value)
        self.transitions[alert.transition] += 1
        if alert.transition == "resolved":
            return
        self.reasons.update(alert.reason_codes)
        self.last_alerts.append(
            f"{alert.customer_id}  {alert.transition} {alert.risk_band}: {alert.text['en']}"
        )

    def _decision(self, record: Arrived) -> None:
        entry = _ENTRY.decode(record.value)
        self.triggers[entry.trigger.kind] += 1
        self.verdicts[entry.verdict] += 1
        if self._judge is not None and entry.experiment.arm == "policy":
            rates = self._judge(entry)
            if rates is not None:
                self.policy_rates.append(rates)

    def _snapshot(self, record: Arrived) -> None:
        snapshot = decode_snapshot(record.value)
        if not isinstance(snapshot, Rejected):
            self.models[snapshot.model] = Learned(snapshot.examples, dict(snapshot.quality))

    def _row(self, record: Arrived) -> None:
        row = decode_row(record.value)
        if isinstance(row, Customer) and row.churn.risk is not None:
            self.risks[row.customer_id] = row.churn.risk

    def _dead_letter(self, record: Arrived) -> None:
        self.dead_letters += 1
