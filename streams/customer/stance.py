"""Whether a person has refused the shop's marketing: it tells what a contact may do."""

from typing import Final

from streams.contracts.common import Purpose, Stance
from streams.customer.consents import is_refused
from streams.customer.row import Customer
from streams.customer.signals import BITS

MARKETING: Final[tuple[Purpose, ...]] = ("marketing_push", "marketing_email", "marketing_sms")


def stance_of(person: Customer) -> Stance:
    """Refused if any marketing purpose was denied, or a signal stands against it.

    Who was never asked has refused nothing, nor who gave no answer (`unset`): also after a yes,
    which ends its use all the same. Who takes a yes back is told as `denied`.
    """
    return "refused" if any(_refuses(person, purpose) for purpose in MARKETING) else "open"


def _refuses(person: Customer, purpose: Purpose) -> bool:
    consent = person.consents.get(purpose)
    if consent is None or consent.state != "unset":
        return is_refused(person, purpose)
    return any(signal.denied & BITS[purpose] for signal in person.consent_signals)
