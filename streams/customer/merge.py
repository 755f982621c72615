"""Two rows become one person: everything added up, everything bounded, nothing counted twice."""

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from streams.contracts.common import ChannelName, Purpose
from streams.contracts.times import WEEK_MS
from streams.customer import carts, counters, recent, rhythm
from streams.customer.activity import SESSION_SILENCE_MS
from streams.customer.answers import answers_of_both
from streams.customer.case_moves import moved_by_both
from streams.customer.clocks import zone_of_both
from streams.customer.consents import newer, without_refused
from streams.customer.coupons import shown_once, used_once
from streams.customer.decay import add_faded_sums
from streams.customer.fires import newest_fires
from streams.customer.id_history import REFUSED_IDS_MAX, UNLINKED_MAX, Encounter
from streams.customer.interests import both, newest_views, strongest
from streams.customer.link_words import words_of_both
from streams.customer.offer_counts import counts_of_both
from streams.customer.order_merge import digests_of_both, loose_of_both, one_order_each
from streams.customer.orders import newest_orders
from streams.customer.row import (
    COMPARISONS_MAX,
    CONTACTS_MAX,
    LINKED_IDS_MAX,
    OPEN_DECISIONS_MAX,
    RECENT_EVENTS_MAX,
    REFUSALS_MAX,
    REMINDERS_MAX,
    SERVICE_CASES_MAX,
    SIGNALS_MAX,
    TRAITS_MAX,
    Affinity,
    CaseFollowUp,
    ChannelActivity,
    Churn,
    Compared,
    Consent,
    Counter,
    Customer,
    OpenDecision,
    Refused,
    Reminder,
    Session,
    Spend,
)
from streams.customer.signals import heard
from streams.customer.visit_merge import visits_of_both
from streams.customer.waiting import still_out
from streams.customer.zone_time import offset_ms

T = TypeVar("T")


def merge_customers(
    into: Customer, other: Customer, at_ms: int, tick_ms: int = WEEK_MS
) -> Customer:
    """`into` with all that was known of `other`; a function of the two rows alone.

    Where only one can stand, `into` stands, except: carts and sessions (the newest), consents and
    signals (the latest said of each purpose and of each source). The row's time is at least
    `at_ms`. All that waits of both stays: who merges logs what there is no room for. A churn case
    of `other` is left out where `into` has one: who merges says so. `tick_ms` is the shop's, by
    which a rhythm fades.
    """
    into, other = one_order_each(into, other, tick_ms)
    offset = offset_ms(into.timezone, at_ms)
    timezone, zone_named_ms = zone_of_both(into, other)
    open_decisions = _decisions(into.open_decisions, other.open_decisions, OPEN_DECISIONS_MAX)
    merged = replace(
        into,
        created_at_ms=min(into.created_at_ms, other.created_at_ms),
        last_at_ms=max(into.last_at_ms, other.last_at_ms, at_ms),
        known=into.known or other.known,
        linked_ids=_linked(into, other),
        recent_events=_recent(into, other),
        channels=_channels(into, other),
        session=_session(into.session, other.session),
        cart=carts.merged(into.cart, other.cart),
        affinities=_affinities(into, other),
        views=newest_views(into.views + other.views),
        counters=_counters(into, other),
        orders=newest_orders(into.orders + other.orders),
        spend=_spend(into.spend, other.spend),
        rhythm=rhythm.merge(into.rhythm, other.rhythm, offset, tick_ms=tick_ms),
        visits=visits_of_both(into.visits, other.visits),
        consents=_consents(into, other),
        consent_version=into.consent_version or other.consent_version,
        contacts=_newest(
            into.contacts, other.contacts, CONTACTS_MAX, lambda c: c, lambda c: c.at_ms
        ),
        redemptions=used_once((*other.redemptions, *into.redemptions)),
        open_decisions=open_decisions,
        reminders=_reminders(into, other),
        fired=newest_fires((*other.fired, *into.fired)),
        signals=_newest(
            into.signals, other.signals, SIGNALS_MAX, lambda s: s.code, lambda s: s.at_ms
        ),
        churn=_churn(into.churn, other.churn),
        traits=_with_more(into.traits, other.traits, TRAITS_MAX),
        timezone=timezone,
        zone_named_ms=zone_named_ms,
        unlinked=_unlinked(into, other),
        said_linked=words_of_both(into.said_linked, other.said_linked),
        locale=_locale(into, other),
        service_cases=_union(other.service_cases, into.service_cases)[-SERVICE_CASES_MAX:],
        nps=into.nps if into.nps is not None else other.nps,
        loose_orders=loose_of_both(into, other),
        coupons_out=_coupons_out(into, other, open_decisions, at_ms),
        older_events=recent.older_of_both(into, other),
        order_digests=digests_of_both(into, other),
        refusals=_refusals(into.refusals, other.refusals),
        consent_signals=heard(into.consent_signals, other.consent_signals),
        refused_ids=_refused(into, other),
        coupons_shown=shown_once((*other.coupons_shown, *into.coupons_shown)),
        enrollment=into.enrollment or other.enrollment,
        compared=_compared(into.compared, other.compared),
        answers=answers_of_both(into.answers, other.answers),
    )
    return without_refused(counts_of_both(merged, other))


def _compared(mine: Compared | None, others: Compared | None) -> Compared | None:
    """The person as they were first seen, and what is open of both: at most the newest few."""
    if mine is None or others is None:
        return mine or others
    first = mine if mine.since_ms <= others.since_ms else others
    both = _newest(
        mine.open,
        others.open,
        COMPARISONS_MAX,
        lambda c: c.decision_id,
        lambda c: c.opened_at_ms,
    )
    return replace(first, open=both)


def _refusals(mine: tuple[Refused, ...], others: tuple[Refused, ...]) -> tuple[Refused, ...]:
    return _newest(mine, others, REFUSALS_MAX, lambda r: r.offer_id, lambda r: r.at_ms)


def _locale(into: Customer, other: Customer) -> str:
    """A language that was chosen stands over one that a page was in."""
    if "language" in into.traits:
        return into.locale
    return other.locale if "language" in other.traits or into.locale == "en" else into.locale


def _decisions(
    mine: tuple[OpenDecision, ...], others: tuple[OpenDecision, ...], size_max: int
) -> tuple[OpenDecision, ...]:
    return _newest(mine, others, size_max, lambda d: d.decision_id, lambda d: d.decided_at_ms)


def _coupons_out(
    into: Customer, other: Customer, kept: tuple[OpenDecision, ...], at_ms: int
) -> tuple[OpenDecision, ...]:
    """The coupons in hand of both, and of decisions that found no room among the newest."""
    stay = {d.decision_id for d in kept}
    open_before = (*other.open_decisions, *into.open_decisions)
    all_out = (*other.coupons_out, *into.coupons_out, *open_before)
    by_id = {d.decision_id: d for d in all_out if d.decision_id not in stay}
    return still_out(by_id.values(), max(into.last_at_ms, other.last_at_ms, at_ms))


def _reminders(into: Customer, other: Customer) -> tuple[Reminder, ...]:
    return _newest(
        into.reminders,
        other.reminders,
        2 * REMINDERS_MAX,
        lambda r: (r.kind, r.rule_id, r.event_id if r.ref else ""),
        lambda r: r.due_at_ms,
    )


def _unlinked(into: Customer, other: Customer) -> tuple[Encounter, ...]:
    return _newest(
        into.unlinked, other.unlinked, UNLINKED_MAX, lambda u: u.customer_id, lambda u: u.at_ms
    )


def _union(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _newest(
    mine: tuple[T, ...],
    others: tuple[T, ...],
    size_max: int,
    key: Callable[[T], Hashable],
    at_ms: Callable[[T], int],
) -> tuple[T, ...]:
    """One of each key (the newest, mine at equal times), the newest `size_max`, newest last."""
    kept: dict[Hashable, T] = {}
    for value in sorted((*others, *mine), key=at_ms):
        kept.pop(key(value), None)
        kept[key(value)] = value
    return tuple(kept.values())[-size_max:]


def _with_more(mine: dict[str, T], others: dict[str, T], size_max: int) -> dict[str, T]:
    """Mine, and as many of the others' as there is room for."""
    more = [(name, value) for name, value in others.items() if name not in mine]
    room = max(size_max - len(mine), 0)
    return dict([*more[:room], *mine.items()])


def _linked(into: Customer, other: Customer) -> tuple[str, ...]:
    ids = _union(into.linked_ids, (*other.linked_ids, other.customer_id))
    return tuple(i for i in ids if i != into.customer_id)[-LINKED_IDS_MAX:]


def _refused(into: Customer, other: Customer) -> tuple[str, ...]:
    """The ids that neither may have; what belongs to one of the two is the person's now."""
    theirs = (into.customer_id, other.customer_id, *into.linked_ids, *other.linked_ids)
    ids = _union(other.refused_ids, into.refused_ids)
    return tuple(id_ for id_ in ids if id_ not in theirs)[-REFUSED_IDS_MAX:]


def _recent(into: Customer, other: Customer) -> tuple[tuple[int, int], ...]:
    """Half the ring for each, more where the other leaves room."""
    half = RECENT_EVENTS_MAX // 2
    room_other = RECENT_EVENTS_MAX - min(len(into.recent_events), half)
    others = other.recent_events[-room_other:]
    room = RECENT_EVENTS_MAX - len(others)
    return (*others, *(into.recent_events[-room:] if room else ()))


def _channels(into: Customer, other: Customer) -> dict[ChannelName, ChannelActivity]:
    channels = dict(into.channels)
    for name, theirs in other.channels.items():
        mine = channels.get(name)
        channels[name] = theirs if mine is None else _both(mine, theirs)
    return channels


def _both(a: ChannelActivity, b: ChannelActivity) -> ChannelActivity:
    return ChannelActivity(
        max(a.last_at_ms, b.last_at_ms),
        *add_faded_sums(a, a.last_at_ms, b, b.last_at_ms),
    )


def _session(a: Session | None, b: Session | None) -> Session | None:
    """The later visit; two that touch are one."""
    if a is None or b is None:
        return a or b
    early, late = sorted((a, b), key=lambda s: (s.last_at_ms, s.session_id))
    if late.started_at_ms > early.last_at_ms + SESSION_SILENCE_MS:
        return late
    return Session(
        early.session_id,
        early.channel,
        min(early.started_at_ms, late.started_at_ms),
        late.last_at_ms,
        early.views + late.views,
        early.searches + late.searches,
        early.dwell_ms + late.dwell_ms,
    )


def _affinities(into: Customer, other: Customer) -> tuple[Affinity, ...]:
    scores = {a.category: a for a in into.affinities}
    for theirs in other.affinities:
        mine = scores.get(theirs.category)
        if mine is None:
            scores[theirs.category] = theirs
            continue
        scores[theirs.category] = both(mine, theirs)
    return strongest(tuple(scores.values()))


def _counters(into: Customer, other: Customer) -> dict[str, Counter]:
    names = _union(into.counters, other.counters)
    return {n: counters.combined(into.counters.get(n), other.counters.get(n)) for n in names}


def _spend(a: Spend | None, b: Spend | None) -> Spend | None:
    if a is None or b is None:
        return a or b
    return Spend(
        max(a.at_ms, b.at_ms),
        *add_faded_sums(a, a.at_ms, b, b.at_ms),
        a.total + b.total,
        a.discount_total + b.discount_total,
        a.orders + b.orders,
        a.refunds + b.refunds,
    )


def _churn(a: Churn, b: Churn) -> Churn:
    """Mine, with the other's case where I have none: a case that is open stays to be closed.

    Of both the cases whose outcome is waited for: who merges tells of those that have no room.
    Signals and scores that have moved the other's case move mine no more.
    """
    if a == Churn():
        return b
    a = replace(
        a,
        silenced_until_ms=max(a.silenced_until_ms, b.silenced_until_ms),
        snoozed_until_ms=max(a.snoozed_until_ms, b.snoozed_until_ms),
        followed=_followed(a.followed, b.followed),
    )
    if b.case is None:
        return a
    if a.case is not None:
        return replace(a, case=moved_by_both(a.case, b.case))
    return replace(a, case=b.case, band=b.band, armed=a.armed and b.armed)


def _followed(
    mine: tuple[CaseFollowUp, ...], others: tuple[CaseFollowUp, ...]
) -> tuple[CaseFollowUp, ...]:
    by_id = {case.case_id: case for case in (*others, *mine)}
    return tuple(sorted(by_id.values(), key=lambda case: (case.ends_at_ms, case.case_id)))


def _consents(into: Customer, other: Customer) -> dict[Purpose, Consent]:
    """Of each purpose the latest said, whoever said it, as `newer` has it."""
    consents = dict(into.consents)
    for purpose, theirs in other.consents.items():
        consents[purpose] = newer(consents.get(purpose), theirs)
    return consents
