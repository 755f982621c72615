"""`process()`: the whole way of one message through the house, on one screen."""

from msgspec import Struct

from streams import alerts, customer, decisions, feedback, identity
from streams.contracts.internal.routing import Message
from streams.contracts.outputs.effects import Effect
from streams.customer import Customer, Moment, Row, due_at_ms
from streams.decisions import Ask, Policy
from streams.models import Models

Effects = tuple[Effect, ...]


class Step(Struct, frozen=True):
    """What one message made of a row, and what is asked of the world. `row` None deletes it."""

    row: Row | None
    effects: Effects


def process(
    message: Message, row: Row | None, models: Models, policy: Policy, wall_ms: int = 0
) -> Step:
    """Take one message to its end: the only place where anything is decided.

    Args:
        message: a decoded event, a routed message, or a `Tick`.
        row: what is stored under `identity.key_of(message)`; `None` if nothing is.
        models: the newest snapshots, read only.
        policy: the reference data, compiled.
        wall_ms: what time it is by the wall, so that no offer is made whose time is over; 0 where
            that does not matter (a replay, the stream's clock).

    Returns:
        The new row and the effects, in the order in which they were decided.
    """
    met = identity.meet(message, row)
    if met.person is None:
        return Step(met.row, met.effects)
    person, elapsed = _live_until(met.person, met.at_ms, models, policy, wall_ms)
    if met.event is None:
        return Step(person, (*met.effects, *elapsed))
    applied = customer.apply(person, met.event, policy.places)
    if applied.ignored:
        return Step(applied.person, (*met.effects, *elapsed, *applied.effects))
    person, credited = feedback.credit(applied.person, met.event, applied.at_ms, policy.policies)
    person = alerts.notice_signs(person, met.event, applied.at_ms, policy.policies)
    person, leaving, risen = _look_for_leaving(person, applied, models, policy)
    moments = (*applied.moments, *risen)
    person, decided = _answer(person, moments, (), applied.at_ms, models, policy, wall_ms)
    return Step(person, (*met.effects, *elapsed, *applied.effects, *credited, *leaving, *decided))


def _live_until(
    person: Customer, until_ms: int, models: Models, policy: Policy, wall_ms: int
) -> tuple[Customer, Effects]:
    """Run everything that falls due up to `until_ms`, each at its own due time."""
    effects: list[Effect] = []
    while (due := due_at_ms(person)) is not None and due <= until_ms:
        person, happened = _fall_due(person, due, models, policy, wall_ms)
        effects.extend(happened)
    return person, tuple(effects)


def _fall_due(
    person: Customer, at_ms: int, models: Models, policy: Policy, wall_ms: int
) -> tuple[Customer, Effects]:
    """One due moment: close what waits for it, look for leaving, answer what was put off."""
    person, expired = feedback.expire(person, at_ms)
    person, leaving, risen = _churn_tick(person, at_ms, models, policy)
    person, due = decisions.take_due(person, at_ms, policy)
    person, decided = _answer(person, risen, due, at_ms, models, policy, wall_ms)
    return person, (*expired, *leaving, *decided)


def _churn_tick(
    person: Customer, at_ms: int, models: Models, policy: Policy
) -> tuple[Customer, Effects, tuple[Moment, ...]]:
    """The person's weekly (or daily) look: the last look's label, a new score, an alert."""
    churn = policy.policies.churn
    if person.churn.next_tick_ms is None or person.churn.next_tick_ms > at_ms:
        return person, (), ()
    person, labels = feedback.label_scoring(person, at_ms, churn)
    person = feedback.await_label(person, at_ms, churn)
    person, alerts, moments = _score(person, at_ms, "", models, policy)
    return person, (*labels, *alerts), moments


def _look_for_leaving(
    person: Customer, applied: customer.Applied, models: Models, policy: Policy
) -> tuple[Customer, Effects, tuple[Moment, ...]]:
    """A purchase is scored at once, and so is a sign of leaving; other events wait for the tick."""
    if not (applied.purchased or alerts.sign_is_new(person, applied.at_ms)):
        return person, (), ()
    person = feedback.start_ticks(person, applied.at_ms, policy.policies.churn)
    return _score(person, applied.at_ms, applied.event_id, models, policy)


def _score(
    person: Customer, at_ms: int, event_id: str, models: Models, policy: Policy
) -> tuple[Customer, Effects, tuple[Moment, ...]]:
    if person.rhythm is None:
        return person, (), ()
    churn = policy.policies.churn
    score = models.churn.score(
        person.rhythm, at_ms, tick_ms=churn.tick_ms, horizon_ticks=churn.horizon_ticks
    )
    return alerts.assess(person, score, at_ms, event_id, models.churn.version, policy.policies)


def _answer(
    person: Customer,
    moments: tuple[Moment, ...],
    due: tuple[Ask, ...],
    at_ms: int,
    models: Models,
    policy: Policy,
    wall_ms: int,
) -> tuple[Customer, Effects]:
    """Decide once for every moment that a trigger rule listens to."""
    person = decisions.set_reminders(person, at_ms, policy)
    person, asks = decisions.fire(person, moments, policy)
    effects: list[Effect] = []
    for ask in (*due, *asks):
        person, decided = decisions.decide(person, ask, at_ms, models.response, policy, wall_ms)
        effects.extend(decided)
    return person, tuple(effects)
