"""Offers that a person has been counted for, each once in an experiment, at the first draw.

What is counted no more leaves a hash, so that no later draw passes for the first.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from streams.contracts.ids import stable_hash
from streams.customer.row import (
    OFFER_ENROLLMENTS_MAX,
    CountedOffers,
    Customer,
    OfferEnrollment,
)

COUNTED_MAX = 32
HASH_SHIFT = 32  # 32 bits are left: two of a shop's offers are seldom taken for one


def is_counted(person: Customer, experiment: int, offer_id: str) -> bool:
    """Whether the first draw of the offer is past; where hashes are full, it may be of any."""
    if any((e.experiment, e.offer_id) == (experiment, offer_id) for e in person.offer_enrollments):
        return True
    past = _past(person.offers_counted, experiment)
    return len(past) >= COUNTED_MAX or _hash(offer_id) in past


def with_counted(person: Customer, experiment: int, offer_ids: Iterable[str]) -> Customer:
    """The person, for whom these offers count no more; of another experiment nothing is kept."""
    counted = _with(person.offers_counted, experiment, map(_hash, offer_ids))
    return replace(person, offers_counted=counted)


def without_enrollments(person: Customer) -> Customer:
    """The person whose windows are not waited for, where the row is too large."""
    gone = person.offer_enrollments
    counted = _with_gone(person.offers_counted, gone)
    return replace(person, offer_enrollments=(), offers_counted=counted)


def counts_of_both(into: Customer, other: Customer) -> Customer:
    """The first with what it takes over; of the others' windows it is known that they were.

    They are not told, for the holdout goes by the id of `into` from now on.
    """
    known = {(e.experiment, e.offer_id) for e in into.offer_enrollments}
    more = [
        replace(e, told=True)
        for e in other.offer_enrollments
        if (e.experiment, e.offer_id) not in known
    ]
    both = (*into.offer_enrollments, *more)
    mine, others = into.offers_counted, other.offers_counted
    if mine is None or others is None:
        counted = mine or others
    else:
        same = others.offers if others.experiment == mine.experiment else ()
        counted = _with(mine, mine.experiment, same)
    counted = _with_gone(counted, both[OFFER_ENROLLMENTS_MAX:])
    kept = both[:OFFER_ENROLLMENTS_MAX]
    return replace(into, offer_enrollments=kept, offers_counted=counted)


def _with_gone(
    counted: CountedOffers | None, gone: Sequence[OfferEnrollment]
) -> CountedOffers | None:
    """With what leaves; the newest of it tells which experiment there is."""
    if not gone:
        return counted
    experiment = max(gone, key=lambda e: e.since_ms).experiment
    names = [e.offer_id for e in gone if e.experiment == experiment]
    return _with(counted, experiment, map(_hash, names))


def _with(counted: CountedOffers | None, experiment: int, hashes: Iterable[int]) -> CountedOffers:
    all_of_it = tuple(dict.fromkeys((*_past(counted, experiment), *hashes)))
    return CountedOffers(experiment, all_of_it[:COUNTED_MAX])


def _past(counted: CountedOffers | None, experiment: int) -> tuple[int, ...]:
    return counted.offers if counted is not None and counted.experiment == experiment else ()


def _hash(offer_id: str) -> int:
    return stable_hash(offer_id) >> HASH_SHIFT
