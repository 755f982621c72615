"""What a person or the shop says of them: traits, service cases, survey answers."""

from msgspec.structs import replace

from streams.contracts.inputs.events import Profile, TraitValue
from streams.contracts.inputs.personal import holds_personal
from streams.contracts.outputs.effects import DataDropped
from streams.customer.activity import counted
from streams.customer.change import Change, EventTiming
from streams.customer.clocks import in_zone
from streams.customer.row import SERVICE_CASES_MAX, TRAITS_MAX, Customer

NAME_CHARS_MAX = 64
TEXT_CHARS_MAX = 128
LIST_ITEMS_MAX = 16
NUMBER_MAX = 2**53
NEVER_KEPT = frozenset({
    "address", "birthdate", "birthday", "dateofbirth", "email", "emailaddress", "fax", "firstname",
    "fullname", "lastname", "mail", "mobile", "mobilenumber", "mobilephone", "name", "phone",
    "phonenumber", "surname", "tel", "telephone",
})  # fmt: skip
"""Names of traits that hold personal data whatever stands in them, without marks and capitals."""

Trait = str | int | float | bool | None | tuple[str, ...]


def updated(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`profile_updated`: set, unset, increment or append traits; contact data is never kept."""
    if not event.traits:
        return Change(person, ignored="not_applicable")
    traits: dict[str, Trait] = dict(person.traits)
    dropped = 0
    for name, raw in event.traits.items():
        value, personal = _impersonal(name, raw)
        dropped += personal
        if (personal and value is None) or len(name) > NAME_CHARS_MAX:
            continue
        value = _bounded(value)
        if timing.late and event.op == "set" and name in traits:
            continue
        _put(traits, name, value, event.op)
    kept = dict(list(traits.items())[-TRAITS_MAX:])
    effects = (DataDropped("personal_data", event.event_id, dropped),) if dropped else ()
    person = _speaking(replace(person, traits=kept))
    zone = event.traits.get("timezone") if event.op == "set" else None
    if isinstance(zone, str):
        person = in_zone(person, zone, timing)
    return Change(person, effects=effects)


def _impersonal(name: str, raw: TraitValue) -> tuple[Trait, int]:
    """The value without personal data, None where nothing else is in it; and how much there was.

    Found by the trait's name, and by content in a text, in each text of a list, and in the name.
    """
    bare = "".join(letter for letter in name.lower() if letter.isalnum())
    if bare in NEVER_KEPT or holds_personal(name):
        return None, 1
    if isinstance(raw, str):
        return (None, 1) if holds_personal(raw) else (raw, 0)
    if not isinstance(raw, list):
        return raw, 0
    kept = tuple(text for text in raw if not holds_personal(text))
    return kept or None if raw else (), len(raw) - len(kept)


def case_opened(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`service_case_opened`: one more open case."""
    counters = counted(person.counters, "service_cases", timing.at_ms)
    if event.case is None or event.case.case_id in person.service_cases:
        return Change(replace(person, counters=counters))
    cases = (*person.service_cases, event.case.case_id)[-SERVICE_CASES_MAX:]
    return Change(replace(person, counters=counters, service_cases=cases))


def case_closed(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`service_case_closed`: one fewer."""
    if event.case is None:
        return Change(person, ignored="not_applicable")
    cases = tuple(case for case in person.service_cases if case != event.case.case_id)
    return Change(replace(person, service_cases=cases))


def survey_answered(person: Customer, event: Profile, timing: EventTiming) -> Change:
    """`survey_answered`: the newest net promoter score counts."""
    person = replace(person, counters=counted(person.counters, "surveys", timing.at_ms))
    if event.survey is None or event.survey.nps is None or not timing.in_order:
        return Change(person)
    return Change(replace(person, nps=event.survey.nps))


def _put(traits: dict[str, Trait], name: str, value: Trait, op: str) -> None:
    old = traits.get(name)
    if op == "unset":
        traits.pop(name, None)
    elif op == "increment":
        if _is_number(value) and (name not in traits or _is_number(old)):
            traits[name] = _sum(old, value)
    elif op == "append":
        traits[name] = _joined(old, value)
    else:
        traits[name] = value


def _sum(old: Trait, more: Trait) -> Trait:
    if not isinstance(more, int | float):
        return old
    total = (old if isinstance(old, int | float) else 0) + more
    return total if abs(total) < NUMBER_MAX else old


def _is_number(value: Trait) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _joined(old: Trait, more: Trait) -> tuple[str, ...]:
    """A list with more at its end, each text once."""
    parts = [*_texts(old), *_texts(more)]
    return tuple(dict.fromkeys(parts))[-LIST_ITEMS_MAX:]


def _texts(value: Trait) -> tuple[str, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value)[:TEXT_CHARS_MAX],)


def _bounded(value: Trait) -> Trait:
    if isinstance(value, str):
        return value[:TEXT_CHARS_MAX]
    if isinstance(value, tuple):
        return tuple(text[:TEXT_CHARS_MAX] for text in value[-LIST_ITEMS_MAX:])
    if isinstance(value, int) and abs(value) > NUMBER_MAX:
        return None
    return value


def _speaking(person: Customer) -> Customer:
    """The language where a trait names it."""
    language = person.traits.get("language")
    if isinstance(language, str) and 2 <= len(language) <= 35:
        person = replace(person, locale=language)
    return person
