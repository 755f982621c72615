"""`process()`: the whole way of one message through the house, on one screen."""

from msgspec import Struct
from msgspec.structs import replace

from streams import alerts, customer, decisions, feedback, identity
from streams.contracts.inputs.events import InputEvent, Question
from streams.contracts.internal.leases import LeaseAllotted, LeaseUsed
from streams.contracts.internal.routing import (
    LinkAnswered,
    LinkRequested,
    Message,
    RoutedEvent,
    Tick,
    question_of,
)
from streams.contracts.outputs.effects import BudgetUsed, Effect, EventRefused, EventRouted
from streams.customer import Alias, Customer, PersonRow, Row, TriggerEvent, due_at_ms
from streams.decisions import Basis, DecisionRequest, Policy
from streams.leases import Lease, LeaseBook, is_elsewhere, new_lease, to_its_lease
from streams.models import Models

Effects = tuple[Effect, ...]
LEASE_MESSAGES = frozenset({LeaseAllotted, LeaseUsed})


class World(Struct, frozen=True):
    """What is known beside the row when a message is processed.

    Attributes:
        models: the newest snapshots, read only.
        policy: the reference data, compiled.
        processing_ms: processing time, so that no offer is made whose time is over; 0 where that
            does not matter (a replay, timers in event time).
        lease: what the partition may spend of offers' budgets; None: nothing.
        book: the lease while a message is processed; `process` opens it.
    """

    models: Models
    policy: Policy
    processing_ms: int = 0
    lease: Lease | None = None
    book: LeaseBook | None = None


class Step(Struct, frozen=True):
    """What one message made of a row, and what is asked of the world. `row` None deletes it.

    `lease`: what it made of the partition's; the very same where it changed nothing.
    """

    row: Row | None
    effects: Effects
    lease: Lease | None = None


def process(message: Message, row: Row | None, world: World) -> Step:
    """Take one message to its end: the only place where anything is decided.

    Args:
        message: a decoded event, a routed message, or a `Tick`.
        row: what is stored under `identity.key_of(message)`; `None` if nothing is.
        world: models, policy, processing time, and the partition's lease.

    Returns:
        The new row, the effects in the order in which they were decided, and the lease.
    """
    if isinstance(row, Lease) or type(message) in LEASE_MESSAGES:
        return _leased(message, row)
    if world.lease is None:
        return _processed(message, row, world)
    book = LeaseBook(world.lease)
    if not world.policy.budgets.keys() <= world.lease.budgets.keys():
        book.begin(world.policy.budgets, world.processing_ms)
    open_world = World(world.models, world.policy, world.processing_ms, world.lease, book)
    step = _processed(message, row, open_world)
    told = book.close()
    return Step(step.row, (*step.effects, *told) if told else step.effects, book.lease)


def _leased(message: Message, row: Row | None) -> Step:
    """A message to a partition's lease, or what falls due there."""
    lease = row if isinstance(row, Lease) else new_lease(identity.key_of(message))
    book = LeaseBook(lease)
    if isinstance(message, LeaseAllotted | LeaseUsed):
        book.hear(message)
    elif isinstance(message, Tick):
        book.elapse(message.at_ms)
    told = book.close()
    return Step(book.lease, told, book.lease)


def _processed(message: Message, row: PersonRow | None, world: World) -> Step:
    """A message to a person's row, with the answer where it is a question."""
    question = question_of(message)
    if question is None:
        return _taken(message, row, world)
    if question.event_name == "customer_requested":
        return _told(question, message, row, world)
    step = _taken(message, row, world)
    if any(isinstance(e, EventRouted) and question_of(e.message) for e in step.effects):
        return step  # another row answers
    replies = decisions.reply_to(question, identity.key_of(message), step.effects)
    return Step(step.row, (*step.effects, *replies))


def _told(question: Question, message: Message, row: PersonRow | None, world: World) -> Step:
    """What is known of the person, and what would be decided now: the row stays as it is."""
    if isinstance(row, Alias):
        sent = identity.resolve(message, row, world.policy.policies.identity).effects
        if any(isinstance(effect, EventRouted) for effect in sent):
            return Step(row, sent)
    person = row if isinstance(row, Customer) else None
    effects: Effects = ()
    if world.lease is not None:
        world = replace(world, book=LeaseBook(world.lease))
    if person is not None and question.placement is not None:
        wanted = replace(question, event_name="offer_requested", reply_to=None)
        asking = replace(message, event=wanted) if isinstance(message, RoutedEvent) else wanted
        effects = _taken(asking, row, world).effects
    return Step(row, decisions.told(question, person, world.policy, effects))


def _taken(message: Message, row: PersonRow | None, world: World) -> Step:
    """The message's whole way, in the order of the rooms."""
    policies = world.policy.policies
    resolution = identity.resolve(message, row, policies.identity, policies.churn.tick_ms)
    if resolution.person is None:
        return Step(resolution.row, resolution.effects)
    person, before = _settled(resolution, resolution.person, world)
    if resolution.event is None:
        person, told = _linked(person, message, resolution.at_ms, world)
        return Step(person, (*before, *told))
    person, waited = _go_on(person, resolution.effects, resolution.at_ms, world)
    before += waited
    event = customer.in_shop_terms(resolution.event, world.policy.places)
    if isinstance(event, EventRefused):
        return _refused(person, resolution.event, (*before, event), world)
    applied = customer.apply(person, event, world.policy.places)
    person, ended = _without_consent(applied.person, applied.at_ms, world)
    if applied.ignored:
        return Step(person, (*before, *applied.effects, *ended))
    person, credited = feedback.credit(person, event, applied.at_ms, world.policy, applied.sale)
    credited += _charged(credited, world.book)
    person = alerts.record_signals(person, event, applied.at_ms, world.policy.policies)
    person, closed = alerts.hear_outcome(
        person, event, applied.at_ms, world.models.churn.version, world.policy.policies
    )
    person, reported = feedback.hear_report(person, event, applied.at_ms)
    person = feedback.know_alerts(person, closed)
    person, leaving, risen = _evaluate_churn(person, applied, world)
    trigger_events = (*applied.trigger_events, *risen)
    person, decided = _answer(person, trigger_events, (), applied.at_ms, world)
    leaving = alerts.as_sent(leaving, decided)
    heard = (*closed, *reported)
    return Step(person, (*before, *applied.effects, *ended, *credited, *heard, *leaving, *decided))


def _charged(credited: Effects, book: LeaseBook | None) -> Effects:
    """Uses are charged before anything is decided: what is reserved next has seen them.

    What is returned goes to other partitions, whose leases hold the reservations.
    """
    used = [effect for effect in credited if type(effect) is BudgetUsed]
    if not used:
        return ()
    here = book.lease.key if book is not None else ""
    routed = [to_its_lease(each) for each in used if is_elsewhere(each, here)]
    if book is not None:
        for each in used:
            if not is_elsewhere(each, here):
                book.charge(each)
    return tuple(routed)


def _refused(person: Customer, event: InputEvent, before: Effects, world: World) -> Step:
    """Nothing of the event counts but what it says against being followed."""
    person, closed = customer.objected(person, event)
    at_ms = max(event.at_ms, person.last_at_ms)
    person, ended = _without_consent(person, at_ms, world)
    return Step(person, (*before, *closed, *ended))


def _settled(
    resolution: identity.Resolution, person: Customer, world: World
) -> tuple[Customer, Effects]:
    """The person as they are when the message finds them: merged, and everything due has been."""
    at_ms = max(resolution.at_ms, person.last_at_ms)
    version, policies = world.models.churn.version, world.policy.policies
    merged = alerts.end_merged(person, resolution.merged_case, at_ms, version, policies)
    person = feedback.know_alerts(person, merged)
    person, ended = _without_consent(person, at_ms, world)
    person, elapsed = _run_due(person, resolution.at_ms, world)
    return person, (*resolution.effects, *merged, *ended, *elapsed)


def _without_consent(person: Customer, at_ms: int, world: World) -> tuple[Customer, Effects]:
    return alerts.end_without_consent(
        person, at_ms, world.models.churn.version, world.policy.policies
    )


def _linked(
    person: Customer, message: Message, at_ms: int, world: World
) -> tuple[Customer, Effects]:
    """After a merge: cases and coupons of both, reminders, and what waited for the last link."""
    if not isinstance(message, LinkAnswered):
        return person, ()
    at_ms = max(at_ms, person.last_at_ms)
    person, told = feedback.make_room(person, at_ms, world.policy.policies)
    person, credited = feedback.credit_shown(person, at_ms, world.policy)
    credited += _charged(credited, world.book)
    person = decisions.set_reminders(person, at_ms, world.policy)
    asked = tuple(other for other in person.links_asked if other != message.other_id)
    person = replace(person, links_asked=asked)
    person, crowded = decisions.take_crowded(person, at_ms, world.policy)
    person, ended = _decided(person, crowded, at_ms, world)
    person, decided = (person, ()) if asked else _answer_linking(person, at_ms, world)
    return person, (*told, *credited, *ended, *decided)


def _go_on(person: Customer, asked: Effects, at_ms: int, world: World) -> tuple[Customer, Effects]:
    """The next event ends the wait for a link; the links that it asks for itself begin another."""
    if not asked and not person.links_asked:
        return person, ()
    person, decided = _answer_linking(person, max(at_ms, person.last_at_ms), world)
    links = tuple(
        effect.message.other_id
        for effect in asked
        if isinstance(effect, EventRouted)
        and isinstance(effect.message, LinkRequested)
        and effect.message.customer_id == person.customer_id
    )
    return (person if links == person.links_asked else replace(person, links_asked=links)), decided


def _answer_linking(person: Customer, at_ms: int, world: World) -> tuple[Customer, Effects]:
    person, waiting = decisions.take_linking(person, at_ms, world.policy)
    return _decided(person, waiting, at_ms, world)


def _run_due(person: Customer, until_ms: int, world: World) -> tuple[Customer, Effects]:
    """Run everything that falls due up to `until_ms`, each at its own due time."""
    effects: list[Effect] = []
    while (due := due_at_ms(person)) is not None and due <= until_ms:
        person, happened = _fall_due(person, due, world)
        effects.extend(happened)
    return person, tuple(effects)


def _fall_due(person: Customer, at_ms: int, world: World) -> tuple[Customer, Effects]:
    """One due moment: close what waits for it, look for leaving, answer what was put off."""
    person, earned = feedback.tell_margin(person, at_ms, world.policy)
    person, brought = feedback.tell_offer_margins(person, at_ms, world.policy)
    person, expired = feedback.expire(person, at_ms)
    person, compared = feedback.end_comparisons(person, at_ms, world.policy.policies)
    person, awaited, come = _look_at_track(person, at_ms, world)
    person, leaving, risen = _churn_tick(person, at_ms, world)
    person, moments, visits = customer.elapse(person, at_ms, world.policy.places)
    person, due = decisions.take_due(person, at_ms, world.policy)
    person, decided = _answer(person, (*come, *risen, *moments), due, at_ms, world)
    leaving = alerts.as_sent(leaving, decided)
    return person, (*earned, *brought, *expired, *compared, *awaited, *leaving, *visits, *decided)


def _look_at_track(
    person: Customer, at_ms: int, world: World
) -> tuple[Customer, Effects, tuple[TriggerEvent, ...]]:
    """A new customer's look, each tick: the label of a wait that is over, or that it is due."""
    churn = world.policy.policies.churn
    missed = feedback.label_track_missed(person, at_ms, churn)
    person, said, due = alerts.look_at_track(person, at_ms, world.models.tracks, churn)
    return person, (*missed, *said), due


def _churn_tick(
    person: Customer, at_ms: int, world: World
) -> tuple[Customer, Effects, tuple[TriggerEvent, ...]]:
    """The person's weekly (or daily) look: what became of earlier ones, a new score, an alert."""
    churn = world.policy.policies.churn
    person, told = feedback.tell_outcomes(person, at_ms, world.policy.policies)
    person, ended = feedback.label_horizons(person, at_ms, churn)
    if person.churn.next_tick_ms is None or person.churn.next_tick_ms > at_ms:
        return person, (*told, *ended), ()
    person, labels = feedback.label_scoring(person, at_ms, churn)
    person = feedback.await_label(person, at_ms, churn)
    person, alerts, trigger_events = _score(person, at_ms, "", world)
    return person, (*told, *ended, *labels, *alerts), trigger_events


def _evaluate_churn(
    person: Customer, applied: customer.Applied, world: World
) -> tuple[Customer, Effects, tuple[TriggerEvent, ...]]:
    """A purchase is scored at once, and so is a churn signal; other events wait for the tick.

    Without consent to `profiling` nobody is scored; with it, the ticks run from the event on.
    """
    if not customer.is_granted(person, "profiling"):
        return person, (), ()
    churn = world.policy.policies.churn
    made = feedback.label_track_made(person, applied.at_ms, churn) if applied.purchased else ()
    person, welcomed = alerts.welcome(person, applied.at_ms, churn)
    person = feedback.start_ticks(person, applied.at_ms, churn)
    if not (applied.purchased or alerts.signal_is_new(person, applied.at_ms)):
        return person, welcomed, ()
    person, said, risen = _score(
        person, applied.at_ms, applied.event_id, world, purchased=applied.purchased
    )
    return person, (*made, *welcomed, *said), risen


def _score(
    person: Customer, at_ms: int, event_id: str, world: World, *, purchased: bool = False
) -> tuple[Customer, Effects, tuple[TriggerEvent, ...]]:
    if person.rhythm is None:
        return person, (), ()
    churn = world.policy.policies.churn
    models = world.models
    score = models.churn.score(
        person.rhythm, at_ms, tick_ms=churn.tick_ms, horizon_ticks=churn.horizon_ticks
    )
    scoring = alerts.Scoring(
        models.calibration.corrected(score),
        at_ms,
        event_id,
        models.churn.version,
        models.capacity,
        models.signal_lifts,
        models.save_rates,
        purchased,
    )
    watched = feedback.watched(person, at_ms, churn)
    person, said, risen = alerts.assess(person, scoring, world.policy.policies)
    what = alerts.what_was_said(person, scoring, score.risk) if score.carried else None
    if what is not None and feedback.awaits_said(person, at_ms):
        person = feedback.remember_said(person, what)
    weighed = feedback.label_weighed(person, said, at_ms)
    person, crowded = feedback.follow_cases(person, said, world.policy.policies, what)
    return person, (*watched, *said, *weighed, *crowded), risen


def _answer(
    person: Customer,
    trigger_events: tuple[TriggerEvent, ...],
    due: tuple[DecisionRequest, ...],
    at_ms: int,
    world: World,
) -> tuple[Customer, Effects]:
    """Decide once for every trigger event that a trigger rule listens to."""
    person = decisions.set_reminders(person, at_ms, world.policy)
    person, requests = decisions.fire(person, trigger_events, world.policy)
    person, requests = decisions.await_links(person, requests, at_ms)
    return _decided(person, (*due, *requests), at_ms, world)


def _decided(
    person: Customer, requests: tuple[DecisionRequest, ...], at_ms: int, world: World
) -> tuple[Customer, Effects]:
    """The requests answered one by one: each sees what the one before has sent."""
    models, effects = world.models, list[Effect]()
    basis = Basis(
        models.champion,
        world.policy,
        world.processing_ms,
        models.uplift,
        models.fatigue,
        models.shadow,
        world.book,
    )
    for request in requests:
        person, decided = decisions.decide(person, request, at_ms, basis)
        effects.extend(decided)
        person = feedback.enroll(person, decided, world.policy.policies)
        person = feedback.enroll_for_offers(person, decided, world.policy)
    return person, tuple(effects)
