"""Whether somebody has refused the shop's marketing."""

from msgspec.structs import replace

from streams.contracts.common import ConsentState, Purpose
from streams.customer.consents import is_granted, newer, states
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


def test_a_yes_that_holds_no_more_ends_the_use_and_is_no_refusal() -> None:
    """A new text, or a yes that has run out, sets everybody to `unset`: they were asked nothing."""
    said = (Consent("granted", 2), Consent("unset", 5))
    for first, second in (said, said[::-1]):
        person = replace(new_customer("c-1", 0), consents={"marketing_email": newer(first, second)})
        assert not is_granted(person, "marketing_email")
        assert states(person, ("marketing_email",)) == {"marketing_email": "unset"}
        assert stance_of(person) == "open"
    taken_back = newer(newer(None, said[0]), Consent("denied", 5))
    assert stance_of(replace(person, consents={"marketing_email": taken_back})) == "refused"
    at_once = newer(Consent("unset", 5), Consent("denied", 5))
    assert at_once.state == "denied", "of two words at one time the stricter"


def test_no_answer_is_no_refusal_but_a_signal_beside_it_is() -> None:
    """A tool that sends null for everybody says nothing; Global Privacy Control does."""
    person = answered("marketing_email", "unset")
    assert stance_of(person) == "open"
    signal = ConsentSignal(1, EVERY_PURPOSE, 1)
    assert stance_of(replace(person, consent_signals=(signal,))) == "refused"
