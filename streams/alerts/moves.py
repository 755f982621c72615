"""What becomes of a case at an evaluation: it opens, moves, ends by something, or stays."""

from msgspec import Struct

from streams.alerts.lifts import lifted_risk, within_limit
from streams.alerts.looks import BANDS, Look, band_of, left_below
from streams.contracts.outputs.payloads import AlertTransition, ResolvedBy
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import DAY_MS
from streams.customer import Customer
from streams.customer.consents import is_granted
from streams.customer.purchase_days import purchase_days
from streams.customer.row import AlertCase, Churn

CLEAR_BY = 0.1  # of score above the first band, from which one look is enough
NEAR_BY = 0.05  # of risk below the first band, from which a risk is waited with
SETTLES_MS = 8 * DAY_MS
"""For so long a risk must stand. Longer than a week: what a shop on weekly ticks has said twice may
still be one holiday, and in a shop on daily ticks two looks are a day."""


class Move(Struct, frozen=True):
    """A transition, and how a case ended that is over."""

    transition: AlertTransition
    resolved_by: ResolvedBy | None = None


def next_move(
    person: Customer,
    found: Look,
    definition: ChurnDefinition,
    *,
    worthy: bool,
    purchased: bool = False,
) -> Move | None:
    """What happens to the case; `worthy`: a contact would bring more than it costs.

    `person` still has the score and the stated risk of the evaluation before this one, and knows
    since when a case has been near. `purchased`: a purchase led to it, maybe an old one that came
    late. It ends a case or does nothing.
    """
    case = person.churn.case
    if case is None:
        opens = worthy and not purchased and _may_open(person, found, definition)
        return Move("entered") if opens else None
    ended = _ended_by(person, case, found, definition)
    if ended is not None:
        return Move("resolved", ended)
    if purchased:
        return None
    step = BANDS.index(found.band) - BANDS.index(case.band)
    if step > 0:
        grows = _is_news(case, found, definition) and not _is_snoozed(person.churn)
        return Move("escalated") if grows else None
    eases = step < 0 and _eases(person, case, found, definition)
    return Move("deescalated") if eases else None


def _may_open(person: Customer, found: Look, definition: ChurnDefinition) -> bool:
    """A carried score or a strong signal; never a purchase by itself."""
    churn = person.churn
    if found.band == "low" or churn.next_tick_ms is None or not churn.armed:
        return False
    if purchase_days(person) < definition.min_purchases:
        return False
    if not is_granted(person, "profiling") or _is_snoozed(churn):
        return False
    if (churn.scored_at_ms or 0) < churn.silenced_until_ms:
        return False
    return (found.late and _is_settled(churn, found, definition)) or bool(found.strong)


def near_since(churn: Churn, found: Look, definition: ChurnDefinition, now_ms: int) -> int | None:
    """Since when each look has found a risk that is near the first band, of somebody who is late.

    `churn` is as the look before left it. None: this look does not. A purchase that no look has
    seen, of two people who became one, begins it anew.
    """
    if not found.late or found.risk < definition.bands[0].from_risk - NEAR_BY:
        return None
    since_ms = churn.near_since_ms
    if since_ms is None or (found.bought_ms or 0) > since_ms:
        return now_ms
    return since_ms


def settles_ms(definition: ChurnDefinition) -> int:
    """For how long a risk must stand in this shop, in milliseconds.

    At most half of what a horizon leaves after a look: who is lost before may never be warned of.
    """
    left_ms = definition.horizon_ms - definition.tick_ms - DAY_MS
    return min(SETTLES_MS, max(left_ms, 0) // 2)


def _is_settled(churn: Churn, found: Look, definition: ChurnDefinition) -> bool:
    """A score that is clear of the first band's edge, or a risk that has stood for long enough.

    The first look at which a risk is just high enough picks those of whom it says too much, and
    many of them are away for a while. What signals add clears no edge: visits fail to come for as
    long as somebody is away.
    """
    if found.score >= definition.bands[0].from_risk + CLEAR_BY:
        return True
    since_ms = churn.near_since_ms
    return since_ms is not None and (churn.scored_at_ms or 0) - since_ms >= settles_ms(definition)


def _is_snoozed(churn: Churn) -> bool:
    """The CRM asked to be left alone with this person for a while."""
    return (churn.scored_at_ms or 0) < churn.snoozed_until_ms


def _ended_by(
    person: Customer, case: AlertCase, found: Look, definition: ChurnDefinition
) -> ResolvedBy | None:
    if not is_granted(person, "profiling"):
        return "consent_withdrawn"
    if found.bought_ms is not None and found.bought_ms >= case.opened_at_ms:
        return "bought"
    if person.churn.next_tick_ms is None:
        return "lapsed"
    fell = found.band == "low" and _eases(person, case, found, definition)
    return "risk_fell" if fell else None


def _is_news(case: AlertCase, found: Look, definition: ChurnDefinition) -> bool:
    """A signal that has not moved this case before, or a score above those that have.

    It must do for a higher band by itself: signals that have moved the case count for no more than
    they did then, so one that grows brings nothing new.
    """
    spent = dict(case.lifted)
    held = {code: min(now, spent.get(code, now)) for code, now in found.lifting.items()}
    band = band_of(lifted_risk(found.score, within_limit(held)), definition)
    if BANDS.index(band) <= BANDS.index(case.band):
        return False
    new = found.lifting.keys() - set(case.spent)
    if not found.carried:
        return bool(new & found.strong)
    return bool(new) or found.score > case.score_max


def _eases(person: Customer, case: AlertCase, found: Look, definition: ChurnDefinition) -> bool:
    """The stated risk is well below the case's band, and neither it nor the score rises.

    An order that was given back since the case opened makes the silence look short: it eases
    nothing.
    """
    if found.risk >= left_below(case.band, definition):
        return False
    churn = person.churn
    for before, now in ((churn.risk, found.score), (churn.stated_risk, found.risk)):
        if before is not None and now > before:
            return False
    return not any(order.at_ms >= case.opened_at_ms for order in person.orders)
