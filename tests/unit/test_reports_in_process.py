"""`process()` hears the CRM's word on a case also by the alert that closed it."""

from typing import cast

from msgspec.structs import replace

from streams.contracts.common import Identity
from streams.contracts.inputs.events import Profile, RetentionOutcome
from streams.contracts.internal.routing import LinkAnswered, Message
from streams.contracts.outputs.effects import AlertRaised, OutcomeLabeled
from streams.contracts.outputs.payloads import ChurnAlert, CrmResult
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS, from_ms
from streams.customer import encode_row
from streams.customer.row import CASE_ALERTS_MAX, AlertCase, CaseFollowUp, Churn, Customer, Said
from streams.models import initial_models
from streams.pipeline import World, process
from tests.unit.decisions.people import T0, offer, shop, someone

POLICY = shop(offer("a"), churn=ChurnDefinition(horizon_ticks=4))
SAID = Said(0.4, 0.6, 1.5, (("cancel_page", 0.9),))


def in_case(number: int = 0, alerts: int = 1) -> Customer:
    """Somebody whose treated case `case-<number>` is open and was told of by so many alerts."""
    case_id = f"case-{number}"
    ids = tuple(f"a-{number}-{n}" for n in range(alerts))
    case = AlertCase(case_id, ids[-1], "high", T0, alert_ids=ids[:-1])
    ends_ms = T0 + POLICY.policies.churn.horizon_ms
    followed = CaseFollowUp(
        case_id, T0, ends_ms, ends_ms, True, "high", 0.8, 100.0, alert_ids=ids, said=SAID
    )
    return someone(churn=Churn(case=case, followed=(followed,)))


def went(row: Customer, message: Message) -> tuple[Customer, list[ChurnAlert], list[float]]:
    """The row after the message, the alerts of it, and the labels that teach of signals."""
    step = process(message, row, World(initial_models(), POLICY))
    assert isinstance(step.row, Customer)
    labels = [
        effect.example.label
        for effect in step.effects
        if isinstance(effect, OutcomeLabeled) and effect.example.model == "signal_lifts"
    ]
    return step.row, [e.alert for e in step.effects if isinstance(e, AlertRaised)], labels


def report(alert_id: str, result: str) -> Profile:
    """What the CRM says of an alert, a day after the case was opened."""
    return Profile(
        event_id=f"e-{alert_id}-{result}",
        event_name="retention_outcome",
        occurred_at=from_ms(T0 + DAY_MS),
        identity=Identity(customer_id="c-1"),
        channel="call_center",
        outcome=RetentionOutcome(alert_id=alert_id, result=cast("CrmResult", result)),
    )


def test_the_word_on_the_alert_that_closed_a_case_is_heard() -> None:
    """A CRM that answers the newest alert it has says of that one what it has learned since."""
    row, (closing,), _ = went(in_case(), report("a-0-0", "lost"))
    assert closing.resolved_by == "closed_by_crm"
    row, alerts, labels = went(row, report(closing.alert_id, "false_alarm"))
    assert (alerts, labels) == ([], [0.0])
    assert row.churn.followed[0].reported == ("false_alarm", "lost")


def test_a_word_by_the_oldest_alert_that_is_known_closes_and_teaches() -> None:
    """That its own closing alert takes the place of the oldest is no matter."""
    for number in (0, 1):
        row, closing, labels = went(
            in_case(alerts=1 + CASE_ALERTS_MAX), report(f"a-0-{number}", "lost")
        )
        assert [alert.resolved_by for alert in closing] == ["closed_by_crm"]
        assert labels == [1.0]
        assert row.churn.followed[0].alert_ids[0] == "a-0-0"


def test_the_word_on_the_alert_that_ended_a_merged_case_is_heard() -> None:
    """It is about the case that the other person was in."""
    answer = LinkAnswered(
        customer_id="c-1",
        other_id="a-1",
        method="login",
        answered_at_ms=T0 + 1,
        row=encode_row(replace(in_case(1), customer_id="a-1")),
    )
    row, (merged,), _ = went(replace(in_case(), links_asked=("a-1",)), answer)
    assert (merged.resolved_by, merged.case_id) == ("merged", "case-1")
    row, _, labels = went(row, report(merged.alert_id, "lost"))
    assert labels == [1.0]
    assert {c.case_id: c.reported for c in row.churn.followed} == {
        "case-0": (),
        "case-1": ("lost",),
    }
