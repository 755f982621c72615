"""What went out: offers, the decision log, alerts and outcomes of cases, decoded."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from streams.contracts.outputs.payloads import CaseOutcome, ChurnAlert, DecisionLog, NextBestOffer
from streams.contracts.unreadable import UNREADABLE
from streams.topics import CASE_OUTCOMES, CHURN_ALERTS, DECISION_LOG, NEXT_BEST_OFFERS

READ = (NEXT_BEST_OFFERS.name, DECISION_LOG.name, CHURN_ALERTS.name, CASE_OUTCOMES.name)
_offer = msgspec.json.Decoder(NextBestOffer)
_entry = msgspec.json.Decoder(DecisionLog)
_alert = msgspec.json.Decoder(ChurnAlert)
_outcome = msgspec.json.Decoder(CaseOutcome)


class UnreadableError(Exception):
    """Inputs or outputs that cannot be audited; the text says which and why."""


class Outputs(Struct, frozen=True):
    """Everything that went out, each in the order in which it did."""

    offers: tuple[NextBestOffer, ...] = ()
    entries: tuple[DecisionLog, ...] = ()
    alerts: tuple[ChurnAlert, ...] = ()
    outcomes: tuple[CaseOutcome, ...] = ()


def outputs_of(records: Iterable[tuple[str, bytes]]) -> Outputs:
    """The outputs among these records of (topic, value); other topics are passed over.

    Raises:
        UnreadableError: a record is not what its topic holds.
    """
    offers: list[NextBestOffer] = []
    entries: list[DecisionLog] = []
    alerts: list[ChurnAlert] = []
    outcomes: list[CaseOutcome] = []
    for number, (topic, value) in enumerate(records, 1):
        try:
            if topic == NEXT_BEST_OFFERS.name:
                offers.append(_offer.decode(value))
            elif topic == DECISION_LOG.name:
                entries.append(_entry.decode(value))
            elif topic == CHURN_ALERTS.name:
                alerts.append(_alert.decode(value))
            elif topic == CASE_OUTCOMES.name:
                outcomes.append(_outcome.decode(value))
        except UNREADABLE as error:
            raise UnreadableError(f"{topic}: record {number}: {error}") from error
    return Outputs(tuple(offers), tuple(entries), tuple(alerts), tuple(outcomes))
