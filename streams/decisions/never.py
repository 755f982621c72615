"""Rules that no event can make true: read from their text, as far as that is certain.

Only a chain of `&&` is looked at, part by part: comparisons of one fact with a number or a text.
What is not understood is taken to be possible.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, get_args

import cel
from msgspec import Struct

from streams.contracts.common import ChannelName, RiskBandName
from streams.contracts.reference.structs import TriggerKind

INFINITE: Final = float("inf")
# What a number can be at all; what is not named here may be anything.
_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "person.risk": (0.0, 1.0),
    "person.days_since_purchase": (-1.0, INFINITE),
    **dict.fromkeys(
        ("person.tenure_days", "person.orders", "person.spend", "person.cart_value",
         "trigger.price", "trigger.dwell_ms", "trigger.value"),
        (0.0, INFINITE),
    ),
}  # fmt: skip
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "person.band": frozenset(get_args(RiskBandName)),
    "person.stage": frozenset({"new", "active", "at_risk", "lapsed"}),
    "trigger.kind": frozenset(get_args(TriggerKind)),
    "trigger.channel": frozenset(get_args(ChannelName)),
}
_PART: Final = re.compile(
    r"((?:person|trigger)(?:\.\w+)+)\s*(==|!=|<=|>=|<|>)\s*(?:(-?\d+(?:\.\d+)?)|\"([^\"]*)\"|'([^']*)')"
)
_PROBE: Final = {
    "person": {
        "known": True, "tenure_days": 40.0, "orders": 3.0, "spend": 90.0, "cart_value": 12.0,
        "risk": 0.4, "band": "low", "stage": "active", "days_since_purchase": 9.0,
        "traits": {}, "affinities": {}, "counts": {}, "locale": "en", "timezone": "UTC",
    },
    "trigger": {
        "kind": "product_viewed", "channel": "web", "product_id": "p", "category": "c",
        "price": 5.0, "dwell_ms": 100.0, "store_id": "s", "zone_id": "z", "zone_type": "t",
        "value": 7.0,
    },
}  # fmt: skip


class _Range(Struct):
    """What a number may still be; `open_low`: `low` itself not, and so on."""

    low: float
    high: float
    open_low: bool = False
    open_high: bool = False

    @property
    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))


def why_never(source: str) -> str | None:
    """Why a rule can never say yes; None where it may.

    >>> why_never("person.orders > 5.0 && person.orders < 3.0")
    'person.orders cannot be all of that'
    >>> why_never("person.band == 'hgih'")
    'person.band is never "hgih", but one of high, low, medium'
    >>> why_never("person.orders + 1 > 2.0")
    'it mixes kinds of numbers: write 2.0, not 2'
    >>> why_never("person.orders >= 2.0 || false")
    """
    if not _names_facts(source):
        return "it is always false" if not _probed(source) else None
    for reason in _contradictions(source):
        return reason
    try:
        _execute(source)
    except TypeError as error:
        if "Unsupported operation" in str(error) and "float + int" in _kinds(str(error)):
            return "it mixes kinds of numbers: write 2.0, not 2"
    except Exception:
        return None  # a name that this person has no value for
    return None


def kinds_wanted(source: str) -> frozenset[str] | None:
    """The only kind of trigger that a rule lets through; None: it does not say.

    >>> sorted(kinds_wanted("trigger.kind == 'zone_entered'") or ())
    ['zone_entered']
    """
    wanted = {t for name, sign, _, t in _parts(source) if (name, sign) == ("trigger.kind", "==")}
    return frozenset(wanted) or None


def _names_facts(source: str) -> bool:
    return re.search(r"\b(person|trigger)\b", source) is not None


def _kinds(text: str) -> str:
    """`float + int` whatever the sign and the order.

    >>> _kinds("Unsupported operation: int - float. CEL")
    'float + int'
    """
    both = re.search(r"\b(float|int) [-+*/%] (float|int)\b", text)
    return "float + int" if both and both[1] != both[2] else ""


def _execute(source: str) -> object:
    return cel.compile(source).execute(cel.Context(variables=_PROBE))


def _probed(source: str) -> bool:
    try:
        return _execute(source) is True
    except Exception:
        return False


def _parts(source: str) -> Iterator[tuple[str, str, float | None, str]]:
    """The comparisons of a chain of `&&`: fact, sign, and a number or a text."""
    if any(sign in source for sign in ("||", "?", "!(", "(")):
        return
    for part in source.split("&&"):
        if found := _PART.fullmatch(part.strip()):
            name, sign, number, double, single = found.groups()
            text = double if double is not None else single or ""
            yield name, sign, None if number is None else float(number), text


def _contradictions(source: str) -> Iterator[str]:
    ranges: dict[str, _Range] = {}
    words: dict[str, str] = {}
    for name, sign, number, text in _parts(source):
        if number is not None:
            low, high = _RANGES.get(name, (-INFINITE, INFINITE))
            within = ranges.setdefault(name, _Range(low, high))
            _narrow(within, sign, number)
            if within.empty:
                yield f"{name} cannot be all of that"
        elif sign == "==":
            allowed = _WORDS.get(name)
            if allowed is not None and text not in allowed:
                yield f'{name} is never "{text}", but one of {", ".join(sorted(allowed))}'
            if words.setdefault(name, text) != text:
                yield f"{name} cannot be all of that"


def _narrow(within: _Range, sign: str, number: float) -> None:
    if sign in (">", ">=", "==") and number >= within.low:
        within.open_low = sign == ">" or (within.open_low and number == within.low)
        within.low = number
    if sign in ("<", "<=", "==") and number <= within.high:
        within.open_high = sign == "<" or (within.open_high and number == within.high)
        within.high = number
    if sign == "==" and not within.low <= number <= within.high:
        within.low, within.high = INFINITE, -INFINITE
