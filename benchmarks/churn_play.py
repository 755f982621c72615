"""A world played in the closed loop, and what is needed of it to judge alerts by the truth.

What is true of a person is read at the moment of an alert, before anybody acts on it.
"""

from time import process_time

from msgspec import Struct
from msgspec.structs import replace

from streams.alerts.lifts import stated_risk
from streams.contracts.outputs.effects import DecisionLogged
from streams.contracts.outputs.payloads import ChurnAlert, NextStep
from streams.contracts.times import DAY_MS, to_ms
from streams.customer import Customer
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import effects_of
from streams.simulator.worlds import ContactEffect, OfferEffect, PersonTruth, World, WorldKind
from streams.simulator.worlds.foreseen import foreseen
from streams.simulator.worlds.truth import ContactType

STRONG_SIGNAL = 0.8
COLD = "cold-start"
OPENS = ("entered", "escalated")
OWN_TICKS, OWN_GAPS = 4, 2.0


class Moment(Struct, frozen=True, kw_only=True):
    """A person at one moment: what was said, and what was true before anybody acted on it.

    Attributes:
        risk: as stated; P(no purchase within the horizon).
        score: the same without what signals add.
        gap_ms: the person's own gap by the truth at that time.
        last_ms: of the newest order, as the shop knows it.
        orders: made so far.
        leaves_ms: when the person would leave if nothing else happened.
        buys_ms: when they would buy next; None for never.
        carried: by the shop's own data.
    """

    customer_id: str
    at_ms: int
    risk: float
    gap_ms: float
    last_ms: int
    orders: int
    leaves_ms: int
    buys_ms: int | None
    carried: bool = True
    score: float = 0.0


class Case(Struct, frozen=True, kw_only=True):
    """An alert that was entered.

    `signal`: an event that is a strong signal is among its reasons; `silent`: the person was in a
    holiday or an illness; `drifted`: their rhythm had slowed down for good.
    """

    moment: Moment
    case_id: str
    band: str
    treated: bool
    signal: bool
    cold: bool
    silent: bool
    drifted: bool


class Chance(Struct, frozen=True, kw_only=True):
    """What was to be expected of the contact of a case: luck averaged out, the person as they are.

    Attributes:
        treated: whether there was a contact; of a control, what one would have done.
        margin: change of margin in the play, without costs; `margin_later` after it.
        coupon: what the coupon of an offer does to orders on average, on top of that.
        cost: of the contact, or of the offer that was the contact.
    """

    case_id: str
    customer_id: str
    contact_type: ContactType
    treated: bool
    at_ms: int
    action: NextStep
    margin: float
    margin_later: float
    coupon: float
    cost: float


class Play(Struct, frozen=True, kw_only=True):
    """A world after its end; `own_ms` is from when on the shop has data of its own to speak of."""

    kind: WorldKind
    seed: int
    currency: str
    contact_cost: float
    start_ms: int
    end_ms: int
    own_ms: int
    horizon_ms: int
    records: int
    decisions: int
    cpu_s: float
    cases: tuple[Case, ...]
    samples: tuple[Moment, ...]
    people: tuple[PersonTruth, ...]
    contacts: tuple[ContactEffect, ...]
    offers: tuple[OfferEffect, ...]
    chances: tuple[Chance, ...] = ()


class Alarm(Struct, frozen=True):
    """That somebody was alerted about at this moment, by whatever rule."""

    play: Play
    moment: Moment


class _Watch:
    """Reads every alert before the CRM does."""

    def __init__(self, world: World, driver: Driver, *, contacts: bool) -> None:
        self.world, self.driver, self.contacts = world, driver, contacts
        self.known = frozenset(world.customer_ids)
        self.cases: list[Case] = []
        self.samples: list[Moment] = []
        self.chances: dict[str, Chance] = {}

    def read(self, alert: ChurnAlert, now_ms: int) -> None:
        known = alert.customer_id in self.known
        if alert.transition == "entered" and known and alert.risk is not None:
            self.cases.append(self._case(alert, alert.risk))
        if not self.contacts:
            return
        if known and alert.case_id not in self.chances and alert.transition in OPENS:
            self.chances[alert.case_id] = self._chance(alert, now_ms)
        self.world.receive_alert(alert, now_ms)

    def _chance(self, alert: ChurnAlert, now_ms: int) -> Chance:
        world, step, coupon = self.world, alert.recommended, 0.0
        course = world.course(alert.customer_id)
        told = foreseen(course, now_ms, "contact" if step is None else step.action)
        cost = world.reference.policies.churn.contact_cost
        if step is not None and step.offer_id is not None:
            coupon = world.expected(alert.customer_id, step.offer_id, now_ms).margin
            offers = world.reference.offers
            cost = next(o.contact_cost for o in offers if o.offer_id == step.offer_id)
        return Chance(
            case_id=alert.case_id,
            customer_id=alert.customer_id,
            contact_type=course.person.contact_type,
            treated=not alert.experiment.holdout,
            at_ms=now_ms,
            action="contact" if step is None else step.action,
            margin=told.margin,
            margin_later=told.margin_later,
            coupon=coupon,
            cost=cost,
        )

    def _case(self, alert: ChurnAlert, risk: float) -> Case:
        person, at_ms = self.world.person(alert.customer_id), to_ms(alert.raised_at)
        return Case(
            moment=moment_of(person, at_ms, risk),
            case_id=alert.case_id,
            band=alert.risk_band,
            treated=not alert.experiment.holdout,
            signal=any(s.strength >= STRONG_SIGNAL and s.evidence_event_ids for s in alert.signals),
            cold=alert.model.version == COLD,
            silent=any(begins <= at_ms < ends for begins, ends in person.silences),
            drifted=person.drifts_ms is not None
            and person.drifts_ms <= at_ms
            and person.drift_factor > 1.0,
        )

    def sample(self, at_ms: int) -> None:
        """Everybody's risk as it would be stated; of those who bought twice or more.

        Of who has been silent for a whole horizon none is said any more.
        """
        models, churn = self.driver.models, self.world.reference.policies.churn
        carried = models.churn.is_carried(churn.tick_ms, churn.horizon_ticks)
        for customer_id in self.world.customer_ids:
            row = self.driver.rows.get(customer_id)
            if not isinstance(row, Customer) or row.churn.next_tick_ms is None:
                continue
            if row.churn.risk is not None:
                person = self.world.person(customer_id)
                stated = stated_risk(row.churn.risk, row, models.signal_lifts)
                moment = moment_of(person, at_ms, stated)
                moment = replace(moment, carried=carried, score=row.churn.risk)
                if moment.orders >= 2:
                    self.samples.append(moment)


def moment_of(person: PersonTruth, at_ms: int, risk: float) -> Moment:
    """What is true of a person now."""
    made = [order.at_ms for order in person.orders if order.at_ms <= at_ms]
    ahead = (order.at_ms for order in person.orders if order.at_ms > at_ms)
    return Moment(
        customer_id=person.customer_id,
        at_ms=at_ms,
        risk=risk,
        gap_ms=true_gap_ms(person, at_ms),
        last_ms=made[-1] if made else 0,
        orders=len(made),
        leaves_ms=person.leaves_ms,
        buys_ms=next(ahead, None),
    )


def true_gap_ms(person: PersonTruth, at_ms: int) -> float:
    """The person's own gap at that time, on average days."""
    drifted = person.drifts_ms is not None and person.drifts_ms <= at_ms
    return person.gap_days * DAY_MS * (person.drift_factor if drifted else 1.0)


def play_world(
    kind: WorldKind, customers: int, days: int, seed: int, *, contacts: bool, every_days: int
) -> Play:
    """Play a world with the product of this tree; risks are sampled every so many days."""
    began = process_time()
    world = World(kind, customers, days, seed)
    driver = Driver(compile_policy(world.reference), initial_models(), Trainer())
    watch = _Watch(world, driver, contacts=contacts)
    records = decisions = 0
    next_ms = world.start_ms + every_days * DAY_MS
    for effects in effects_of(world, driver, watch.read):
        records += 1
        decisions += sum(isinstance(effect, DecisionLogged) for effect in effects)
        if driver.greatest_event_ms >= next_ms:
            watch.sample(next_ms)
            next_ms += every_days * DAY_MS
    definition = world.reference.policies.churn
    people = tuple(world.person(customer_id) for customer_id in world.customer_ids)
    gaps = sorted(person.gap_days for person in people)
    own_ms = max(OWN_TICKS * definition.tick_ms, round(OWN_GAPS * gaps[len(gaps) // 2] * DAY_MS))
    return Play(
        kind=kind,
        seed=seed,
        currency=world.shop.currency,
        contact_cost=definition.contact_cost,
        start_ms=world.start_ms,
        end_ms=world.end_ms,
        own_ms=world.start_ms + own_ms,
        horizon_ms=definition.horizon_ms,
        records=records,
        decisions=decisions,
        cpu_s=process_time() - began,
        cases=tuple(watch.cases),
        samples=tuple(watch.samples),
        people=people,
        contacts=tuple(world.contact_effects),
        offers=tuple(world.offer_effects),
        chances=tuple(watch.chances.values()),
    )
