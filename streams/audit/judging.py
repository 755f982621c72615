"""audit(): every rule over everything that went out."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from streams.audit.arrivals import LEAP_MAX_MS, Came, arrivals_of
from streams.audit.outputs import outputs_of
from streams.audit.report import Report, Tally, Violation
from streams.audit.rules import RULES, Rule
from streams.audit.verdicts import Answer, Broken, Fine, Unknown
from streams.audit.views import AlertView, EntryView, OfferView, OutcomeView
from streams.audit.world import Alert, Contact, Entry, Followed, World
from streams.contracts.reference.structs import Reference
from streams.contracts.times import to_ms

VIEWS: dict[str, Callable[..., Any]] = {
    "offer": OfferView,
    "decision": EntryView,
    "alert": AlertView,
    "outcome": OutcomeView,
}


def audit(
    inputs: Iterable[Came],
    outputs: Iterable[tuple[str, bytes]],
    reference: Reference,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    leap_max_ms: int = LEAP_MAX_MS,
    ordered: bool = True,
) -> Report:
    """Say of every offer, decision, alert and outcome of a case whether it was allowed and true.

    Args:
        inputs: what came in, in order of arrival.
        outputs: (topic, value) of what went out, each topic in its order.
        reference: offers, policies, stock and beacons that it was decided by.
        since: only what was said from then on is judged; what came before still counts.
        until: only what was said before then is judged.
        leap_max_ms: how far an event may lie ahead of all before it; a worker sets no such limit.
        ordered: the inputs were read in this order. Kafka orders one partition, not several topics,
            so what came by topics is not: a purchase may have been read after what it precedes.

    Raises:
        UnreadableError: an output is not what its topic holds.
    """
    arrivals, refused = arrivals_of(inputs, leap_max_ms)
    world = World(arrivals, outputs_of(outputs), reference, ordered=ordered)
    begin_ms = -math.inf if since is None else to_ms(since)
    end_ms = math.inf if until is None else to_ms(until)
    everything: Mapping[str, Sequence[Any]] = {
        "offer": world.contacts,
        "decision": world.entries,
        "alert": world.alerts,
        "outcome": world.followed,
    }
    said: dict[str, list[Any]] = {
        kind: [thing for thing in things if begin_ms <= thing.moment.at_ms < end_ms]
        for kind, things in everything.items()
    }
    violations: list[Violation] = []
    tallies: list[Tally] = []
    for kind, things in said.items():
        rules = [rule for rule in RULES if rule.about == kind]
        answers = [_answers(world, kind, thing, rules) for thing in things]
        for column, rule in enumerate(rules):
            column_answers = [row[column] for row in answers]
            tallies.append(_tally(rule, column_answers))
            violations += [
                _violation(rule, thing, answer)
                for thing, answer in zip(things, column_answers, strict=True)
                if isinstance(answer, Broken)
            ]
    counts = {kind: len(things) for kind, things in said.items()}
    return Report(len(arrivals), refused, counts, tuple(tallies), tuple(violations))


def _answers(
    world: World, kind: str, thing: Contact | Entry | Alert | Followed, rules: list[Rule]
) -> list[Answer]:
    """Each rule's answer; where the moment is one of several, the mildest."""
    views = [VIEWS[kind](world, thing, place) for place in thing.moment.places]
    return [min((rule.check(view) for view in views), key=_harshness) for rule in rules]


def _harshness(answer: Answer) -> int:
    return 2 if isinstance(answer, Broken) else int(isinstance(answer, Unknown))


def _tally(rule: Rule, answers: list[Answer]) -> Tally:
    unknown = Counter(a.why for a in answers if isinstance(a, Unknown))
    return Tally(
        rule.name,
        rule.about,
        sum(isinstance(a, Fine | Broken) for a in answers),
        sum(isinstance(a, Broken) for a in answers),
        dict(unknown),
    )


def _violation(rule: Rule, thing: Contact | Entry | Alert | Followed, broken: Broken) -> Violation:
    id_, at, trigger = _named(thing)
    return Violation(
        rule=rule.name,
        about=rule.about,
        id=id_,
        customer_id=thing.said.customer_id,
        at=at,
        why=broken.why,
        events=tuple(dict.fromkeys((*broken.proof, *trigger))),
    )


def _named(thing: Contact | Entry | Alert | Followed) -> tuple[str, datetime, tuple[str, ...]]:
    """Its id, when it was said, and the event that asked for it where it names one."""
    if isinstance(thing, Alert):
        return thing.said.alert_id, thing.said.raised_at, ()
    if isinstance(thing, Followed):
        return thing.said.case_id, thing.said.known_at, ()
    return thing.said.decision_id, thing.said.decided_at, (thing.said.trigger.event_id,)
