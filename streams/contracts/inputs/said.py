"""Readers of parts that senders write in many ways: consent, coupons, traits, ids.

Each takes a part of a JSON document and gives it in the shape of its struct, and how much of it
could not be read. A consent that cannot be read counts as a denial, never as a grant.
"""

from typing import Any, Final, get_args

from streams.contracts.common import Purpose

GRANTED: Final = frozenset({"granted", "true", "1"})
DENIED: Final = frozenset({"denied", "restricted", "false", "0"})
UNASKED: Final = frozenset({"unset", "not_determined", "notdetermined", "prompt"})
UNREADABLE: Final = "unreadable"
SAID_CHARS_MAX: Final = 64
NAME_CHARS_MAX: Final = 256
TEXT_CHARS_MAX: Final = 4096
LIST_ITEMS_MAX: Final = 256
PURPOSES_MAX: Final = 64
COUPONS_MAX: Final = 50
STRING_CHARS_MAX: Final = 2048
NUMBER_MAX: Final = 1e18
INTEGER_BOUND: Final = 2**63
_IDS: Final = ("customer_id", "anonymous_id", "device_id")
_PURPOSES: Final = frozenset(get_args(Purpose))
_FREE_MAPS: Final = ("app", "device", "campaign")

Part = tuple[Any, int]


def folded(said: Any) -> str:
    """An answer as it is compared: no letter case, no outer spaces; empty where it is none.

    >>> folded(" GRANTED "), folded(True), folded(1.0), folded(["granted"])
    ('granted', 'true', '1', '')
    """
    if isinstance(said, float) and said.is_integer() and abs(said) <= 1:
        said = int(said)
    return str(said).strip().lower() if isinstance(said, str | bool | int | float) else ""


def read_identity(raw: Any) -> Part:
    """Ids that are no texts give way to the next id; without a next one they stay, to be refused.

    >>> read_identity({"customer_id": 17, "anonymous_id": "a-1"})
    ({'anonymous_id': 'a-1'}, 1)
    """
    if not isinstance(raw, dict):
        return raw, 0
    kept = {name: one for name, one in raw.items() if name != "ids" or one is not None}
    odd = [name for name in _IDS if not isinstance(kept.get(name, ""), str | None)]
    if not odd or not any(isinstance(kept.get(name), str) for name in _IDS):
        return kept, 0
    return {name: one for name, one in kept.items() if name not in odd}, len(odd)


def read_context(raw: Any) -> Part:
    """The context: free maps without what is odd in them, and what a browser says of consent."""
    if not isinstance(raw, dict):
        return {}, int(raw is not None)
    context, odd = dict(raw), 0
    for name in _FREE_MAPS:
        if name in context:
            context[name], more = read_free_map(context[name])
            odd += more
    if "consent" in context:
        context["consent"], more = _read_signals(context["consent"])
        odd += more
    return context, odd


def _read_signals(raw: Any) -> Part:
    """Strings that are none say nothing, as those that cannot be read; the rest is an objection."""
    if raw is None or folded(raw) in GRANTED:
        return None, 0
    if not isinstance(raw, dict):
        return {"gpc": True}, int(folded(raw) not in DENIED)
    signals, odd = dict(raw), 0
    for name in ("tcf", "gpp"):
        text = signals.get(name)
        if isinstance(text, str):
            signals[name] = text[:STRING_CHARS_MAX]
        elif text is not None:
            del signals[name]
            odd += 1
    if signals.get("gpc") is not None and not isinstance(signals["gpc"], bool):
        objects = folded(signals["gpc"])
        signals["gpc"] = objects not in ("false", "0")
        odd += objects not in ("true", "1", "false", "0")
    return signals, odd


def read_permission(raw: Any) -> Part:
    """A permission with the status as one of ours.

    >>> read_permission({"kind": "Push", "status": "restricted"})
    ({'kind': 'push', 'status': 'denied'}, 0)
    """
    if not isinstance(raw, dict) or "status" not in raw:
        return raw, 0
    status = folded(raw["status"])
    known = status in GRANTED | DENIED | UNASKED
    read = "granted" if status in GRANTED else "not_determined" if status in UNASKED else "denied"
    kind = raw.get("kind")
    return raw | {
        "kind": folded(kind) if isinstance(kind, str) else kind,
        "status": read,
    }, int(not known)


def read_purposes(raw: Any) -> Part:
    """The answers by purpose; what is no answer stays as one that cannot be read: a denial.

    >>> read_purposes({"profiling": 1, "personalization": {"state": "granted"}})
    ({'profiling': True, 'personalization': 'unreadable'}, 0)
    """
    if not isinstance(raw, dict):
        return raw, 0
    kept = {name: _answer(said) for name, said in raw.items() if len(name) <= NAME_CHARS_MAX}
    if len(kept) > PURPOSES_MAX:
        ours = {name: said for name, said in kept.items() if folded(name) in _PURPOSES}
        kept = dict(list(ours.items())[:PURPOSES_MAX])
    return kept, len(raw) - len(kept)


def _answer(said: Any) -> str | bool | None:
    if said is None or isinstance(said, bool):
        return said
    if isinstance(said, str):
        return said if len(said) <= SAID_CHARS_MAX else UNREADABLE
    word = folded(said)
    return word in GRANTED if word in GRANTED | DENIED else UNREADABLE


def without_nul(purposes: dict[str, str | bool | None]) -> dict[str, str | bool | None]:
    """The answers without NUL characters: a name that holds one goes, an answer is a denial."""
    return {
        name: UNREADABLE if isinstance(answer, str) and "\x00" in answer else answer
        for name, answer in purposes.items()
        if "\x00" not in name
    }


def read_free_map(raw: Any, *, lists: bool = False) -> Part:
    """A map of the sender's own names without maps in it, and without what is too long or large.

    >>> read_free_map({"size": "M", "home": {"city": "Bonn"}, "likes": ["tea", 5]}, lists=True)
    ({'size': 'M', 'likes': ['tea']}, 2)
    """
    if not isinstance(raw, dict):
        return raw, 0
    kept: dict[str, Any] = {}
    odd = 0
    for name, value in raw.items():
        if lists and isinstance(value, list):
            read, more = _texts(value)
            fits = bool(read) or not value
        else:
            read, more, fits = value, 1, _is_plain(value)
        if fits and len(name) <= NAME_CHARS_MAX:
            kept[name] = read
            more = more if isinstance(read, list) else 0
        odd += more
    return kept, odd


def read_traits(raw: Any) -> Part:
    """Traits: a free map that may hold lists of texts."""
    return read_free_map(raw, lists=True)


def _texts(value: list[Any]) -> Part:
    texts = [one for one in value if isinstance(one, str) and len(one) <= TEXT_CHARS_MAX]
    return texts[:LIST_ITEMS_MAX], len(value) - len(texts[:LIST_ITEMS_MAX])


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= TEXT_CHARS_MAX
    if isinstance(value, float):
        return abs(value) <= NUMBER_MAX
    return value is None or (isinstance(value, int) and abs(value) < INTEGER_BOUND)


def read_coupons(raw: Any) -> Part:
    """The coupons of an order as a list: a code alone is a coupon, none is an empty list.

    >>> read_coupons(["TEA-10", 4711, None, {"code": "X"}])
    ([{'code': 'TEA-10'}, {'code': 4711}, {'code': 'X'}], 1)
    """
    given = [] if raw is None else raw if isinstance(raw, list) else [raw]
    coupons = [one if isinstance(one, dict) else {"code": one} for one in given if _is_coupon(one)]
    return coupons[:COUPONS_MAX], len(given) - len(coupons[:COUPONS_MAX])


def _is_coupon(one: Any) -> bool:
    return isinstance(one, dict | str | int | float) and not isinstance(one, bool)
