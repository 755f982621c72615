"""Whether somebody has refused the shop's marketing."""

from msgspec.structs import replace

from streams.contracts.common import ConsentState, Purpose
from streams.customer.row import Consent, Customer, new_customer
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
