"""What partitions and the treasury tell each other of offers' budgets.

Sums are in units (`streams.leases.amounts`). They only grow (what is asked back: until the next
grant), or are the state as of a numbered report: twice, late or crossing each other these messages
do no harm.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from streams.contracts.common import Id
from streams.contracts.inputs.diagnosis import diagnose
from streams.contracts.inputs.rules import Rejected
from streams.contracts.times import CALENDAR_MS
from streams.contracts.unreadable import UNREADABLE

LEASE_KEY_PATTERN = r"^lease/[0-9]{1,6}/[0-9]{1,6}/[0-9]{1,9}(?!\n)$"

LeaseKey = Annotated[str, Meta(pattern=LEASE_KEY_PATTERN)]
UNITS_MAX = 2**62
Units = Annotated[int, Meta(ge=0, le=UNITS_MAX)]
Reported = Annotated[int, Meta(ge=0, le=2**60)]
"""So that the sums which the treasury makes of them are `Units`, too."""
Number = Annotated[int, Meta(ge=0, le=2**62)]
Day = Annotated[int, Meta(ge=0, le=10**6)]
ToldMs = Annotated[int, Meta(ge=0, lt=CALENDAR_MS[1])]


class Reservation(Struct, frozen=True, array_like=True):
    """What was reserved for one coupon: by the lease under `key`, until the end of `until_day`."""

    key: str
    until_day: int
    units: int


class LeaseReported(Struct, frozen=True, kw_only=True):
    """A partition's part of an offer's budget as it stands; the partition's report number `told`.

    `returned`: all that was ever given back; `wanted`: what it wants to have free, 0: nothing.
    `life`: the account's that it knows; sums are of that.
    """

    key: LeaseKey
    offer_id: Id
    told: Number
    returned: Reported
    used: Reported
    reserved: Reported
    wanted: Reported = 0
    at_ms: ToldMs = 0
    life: Reported = 0


class LeaseAllotted(Struct, frozen=True, kw_only=True):
    """The treasury's word on a part: all ever granted, and up to what sum it is to give back.

    `life`: of the account. Where it is a new one, the account has taken over what was used, and all
    sums begin anew. Each word says of how much: this part had told `settled` last in the life
    `settled_in`, which ended at `settled_ms`.
    """

    key: LeaseKey
    offer_id: Id
    granted: Units
    recalled: Units
    at_ms: ToldMs = 0
    life: Number = 0
    settled: Units = 0
    settled_in: Number = 0
    settled_ms: ToldMs = 0


class LeaseUsed(Struct, frozen=True, kw_only=True):
    """A coupon was used on another partition than the one whose lease holds its reservation.

    `reserved` until the end of `until_day`, days since 1970, UTC; `cost`: what the use took.
    """

    key: LeaseKey
    offer_id: Id
    until_day: Day
    reserved: Units
    cost: Units
    at_ms: ToldMs


_reports = msgspec.json.Decoder(LeaseReported)


def encode_report(report: LeaseReported) -> bytes:
    """A record of `lease-requests`."""
    return msgspec.json.encode(report)


def decode_report(value: bytes | None) -> LeaseReported | Rejected:
    """One record of `lease-requests`."""
    if not value:
        return Rejected("empty_value", "$", "has no value")
    try:
        return _reports.decode(value)
    except UNREADABLE as error:
        return diagnose(value, error)
