"""What to do about a case: contact, leave it to the offer that goes out, or settle a complaint."""

from msgspec.structs import replace

from streams.alerts.lifts import is_unanswered, standing_ms
from streams.alerts.step_wording import APOLOGY, GREETING, SAID, with_next_step
from streams.contracts.common import ChannelName, Purpose
from streams.contracts.outputs.effects import AlertRaised, Effect, OfferDecided
from streams.contracts.outputs.payloads import ChurnAlert, NextBestOffer, Recommended, Texts
from streams.contracts.times import WEEK_MS, from_ms
from streams.customer import Customer
from streams.customer.complaints import complains, open_cases
from streams.customer.consents import is_granted, is_push_refused

CONTACTS: tuple[tuple[Purpose, ChannelName], ...] = (
    ("marketing_push", "push"),
    ("marketing_email", "email"),
    ("marketing_sms", "sms"),
)
"""By which purpose a channel may be used, the cheapest first; a call is left where none may."""


def recommended(person: Customer, now_ms: int, horizon_ms: int) -> Recommended:
    """What to do about a case that is to be treated, before it is known what offer is made.

    A complaint is settled by a person, so by phone.
    """
    act_before = from_ms(_too_late_ms(person, now_ms, horizon_ms))
    if complains(person, now_ms):
        return Recommended(
            action="service_recovery",
            channel="call_center",
            act_before=act_before,
            service_case_ids=open_cases(person, now_ms),
            say=APOLOGY,
        )
    return Recommended(channel=_reached_by(person), act_before=act_before, say=_say(person))


def _too_late_ms(person: Customer, now_ms: int, horizon_ms: int) -> int:
    """A week on, or when the person counts as lost, if that is sooner and still to come."""
    lost_ms = 0 if person.rhythm is None else person.rhythm.last_ms + horizon_ms
    return lost_ms if now_ms < lost_ms < now_ms + WEEK_MS else now_ms + WEEK_MS


def _say(person: Customer) -> Texts:
    """An answer to the newest that the person has said or done and not bought after; or hello."""
    bought_ms = standing_ms(person)
    said = [s for s in person.signals if s.code in SAID and is_unanswered(s, bought_ms)]
    return SAID[max(said, key=lambda s: (s.at_ms, s.code)).code] if said else GREETING


def _reached_by(person: Customer) -> ChannelName:
    for purpose, channel in CONTACTS:
        if is_granted(person, purpose) and not (channel == "push" and is_push_refused(person)):
            return channel
    return "call_center"


def as_sent(said: tuple[Effect, ...], decided: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Alerts as they go out: with the offer that their own trigger event led to, and in words.

    Args:
        said: what an evaluation said, alerts among it.
        decided: what was decided in the same step.

    Returns:
        `said`; an alert whose request was put off, or ended in no offer, names none.
    """
    if not any(isinstance(effect, AlertRaised) for effect in said):
        return said
    offers: dict[str, NextBestOffer] = {}
    for effect in decided:
        if isinstance(effect, OfferDecided):
            offers.setdefault(effect.offer.trigger.event_id, effect.offer)
    return tuple(
        AlertRaised(_with_step(effect.alert, offers.get(effect.alert.alert_id)))
        if isinstance(effect, AlertRaised)
        else effect
        for effect in said
    )


def _with_step(alert: ChurnAlert, offer: NextBestOffer | None) -> ChurnAlert:
    if alert.transition == "resolved":
        return alert
    step = alert.recommended
    if step is not None and offer is not None:
        step = replace(
            step,
            action="offer",
            channel=offer.channel,
            offer_id=offer.offer.offer_id,
            decision_id=offer.decision_id,
            say=offer.text,
        )
    return replace(alert, recommended=step, text=with_next_step(alert.text, step))
