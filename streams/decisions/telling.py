"""What is known of a person, for whoever may ask; read off the row, which stays as it is."""

from streams.contracts.outputs.replies import CaseFact, ConsentFact, ContactFact, CustomerFacts
from streams.contracts.times import from_ms
from streams.customer import Customer
from streams.customer.consents import states
from streams.customer.row import Contact
from streams.customer.signals import PURPOSES
from streams.decisions.limits import cap_remaining, gap_until_ms
from streams.decisions.policy import Policy
from streams.identity.arms import arm_of


def facts_of(person: Customer, at_ms: int, policy: Policy) -> CustomerFacts:
    """The facts as of `at_ms`."""
    contact, spend = policy.policies.contact, person.spend
    gap_ms = gap_until_ms(person, contact.min_gap_ms, at_ms)
    return CustomerFacts(
        customer_id=person.customer_id,
        known=person.known,
        first_seen_at=from_ms(person.created_at_ms),
        last_event_at=from_ms(person.last_at_ms),
        stage=person.churn.stage,
        locale=person.locale,
        timezone=person.timezone,
        linked_ids=person.linked_ids,
        channels={str(name): from_ms(seen.last_at_ms) for name, seen in person.channels.items()},
        orders=spend.orders if spend else 0,
        spend_total=spend.total if spend else 0.0,
        consents=_consents(person),
        risk=person.churn.risk,
        case=_case(person),
        contacts=tuple(_contact(person, sent) for sent in person.contacts),
        contacts_left=cap_remaining(person, contact, at_ms),
        contact_from=None if gap_ms is None else from_ms(gap_ms),
        arm=arm_of(policy.policies.experiment, person.customer_id).name,
        spend_currency=policy.policies.currency,
    )


def _consents(person: Customer) -> tuple[ConsentFact, ...]:
    purposes = tuple(PURPOSES.values())
    now = states(person, purposes)
    said = person.consents
    return tuple(
        ConsentFact(
            purpose=purpose,
            state=now[purpose],  # type: ignore[arg-type]
            said_at=from_ms(said[purpose].at_ms) if purpose in said else None,
        )
        for purpose in purposes
    )


def _case(person: Customer) -> CaseFact | None:
    case = person.churn.case
    if case is None:
        return None
    return CaseFact(
        case_id=case.case_id,
        risk_band=case.band,
        opened_at=from_ms(case.opened_at_ms),
        treated=case.treated,
    )


def _contact(person: Customer, sent: Contact) -> ContactFact:
    waiting = (*person.open_decisions, *person.coupons_out)
    decision = next((d for d in waiting if d.decision_id == sent.decision_id), None)
    viewed_ms = None if decision is None else decision.viewed_at_ms
    return ContactFact(
        decision_id=sent.decision_id,
        offer_id=sent.offer_id,
        channel=sent.channel,
        sent_at=from_ms(sent.at_ms),
        status=None if decision is None else decision.status,
        viewed_at=None if viewed_ms is None else from_ms(viewed_ms),
    )
