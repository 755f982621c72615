"""Whether somebody has refused the shop's marketing."""

from msgspec.structs import replace

from streams.contracts.common import ConsentState, Purpose
from streams.customer.row import Consent, ConsentSignal, Customer, new_customer
from streams.customer.signals import EVERY_PURPOSE
from streams.customer.stance import stance_of


def answered(purpose: Purpose, state: ConsentState) -> Customer:
    """Somebody who has answered this alone."""
    return replace(new_customer("c-1", 0), consents={purpose: Consent(state, 2)})


def test_who_was_never_asked_has_refused_nothing() -> None:
    """Nor who has granted it."""
    assert stance_of(new_customer("c-1", 0)) == "open"
    assert stance_of(answered("marketing_email", "granted")) == "open"


def test_one_marketing_purpose_that_is_denied_is_a_refusal() -> None:
    """That of another purpose is none."""
    assert stance_of(answered("marketing_sms", "denied")) == "refused"
    assert stance_of(answered("location_beacon", "denied")) == "open"


def test_no_answer_is_no_refusal_but_a_signal_beside_it_is() -> None:
    """A tool that sends null for everybody says nothing; Global Privacy Control does."""
    person = answered("marketing_email", "unset")
    assert stance_of(person) == "open"
    signal = ConsentSignal(1, EVERY_PURPOSE, 1)
    assert stance_of(replace(person, consent_signals=(signal,))) == "refused"
