"""Whether a person has refused the shop's marketing: it tells what a contact may do."""

from typing import Final

from streams.contracts.common import Purpose, Stance
from streams.customer.consents import is_refused
from streams.customer.row import Customer

MARKETING: Final[tuple[Purpose, ...]] = ("marketing_push", "marketing_email", "marketing_sms")


def stance_of(person: Customer) -> Stance:
    """Refused if any marketing purpose was denied or taken back.

    Who was never asked has refused nothing.
    """
    return "refused" if any(is_refused(person, purpose) for purpose in MARKETING) else "open"
