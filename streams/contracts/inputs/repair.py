"""Odd parts of events: what can be read all the same is read, the rest is left out and counted.

Only what the decoder has refused comes here, so a well-formed event pays nothing. An odd optional
part never loses the denial, the order or the identity beside it; what nothing else depends on
(products, prices, amounts, GS1 keys) is still refused, so that its sender hears of it.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.inputs import said
from streams.contracts.inputs.diagnosis import path_and_text
from streams.contracts.inputs.events import InputEvent, Profile, Purchase
from streams.contracts.inputs.integers import STEP, wants_integer, with_integers
from streams.contracts.inputs.required import REQUIRED_BY_NAME

ODD_PARTS: Final = "odd_parts"
ODD_PARTS_MAX: Final = 1_000_000
ROUNDS_MAX: Final = 64
_ALWAYS: Final = frozenset({"context", "sent_at", "traceparent", ODD_PARTS})
_OPTIONAL: Final[dict[str, frozenset[str]]] = {
    "Profile": frozenset({
        "traits", "purposes", "link", "case", "survey", "outcome", "collected_at",
        "policy_version",
    }),
    "Purchase": frozenset({
        "coupons", "loyalty", "sales_channel", "store_id", "receipt_id", "original_order_id",
    }),
}  # fmt: skip
"""What may be left out, by struct, at the top of an event; never a block that its name asks for."""

Steps = list[tuple[str, str]]
Reader = Callable[[Any], tuple[Any, int]]
READERS: Final[dict[str, Reader]] = {
    "identity": said.read_identity,
    "context": said.read_context,
    "permission": said.read_permission,
    "purposes": said.read_purposes,
    "traits": said.read_traits,
    "coupons": said.read_coupons,
}
"""Parts that are read in more shapes than the schema says: the part, and how much was left out."""


def repaired(value: bytes, kind: type[Struct]) -> bytes | None:
    """The same event in the shapes of its struct, with `odd_parts` set where some were left out.

    None where nothing here helps: then the fault is in what is required, or is refused on purpose.
    """
    try:
        document = msgspec.json.decode(value)
        if not isinstance(document, dict):
            return None
        dropped = _read(document) + _without_odd(document, kind)
        document.pop(ODD_PARTS, None)
        if dropped:
            document[ODD_PARTS] = dropped
        return msgspec.json.encode(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ArithmeticError, ValueError):
        return None


def without_part(event: InputEvent, path: str) -> InputEvent | None:
    """A decoded event without an optional part that breaks a rule, counted; None where it may not.

    Wrong check digits of coupons and stores are told to their sender, as those of products.
    """
    names = [name for name, _ in STEP.findall(path) if name]
    listed = (_ALWAYS | _OPTIONAL.get(type(event).__name__, frozenset())) - {"coupons"}
    name = names[0] if names else ""
    odd = min(event.odd_parts + 1, ODD_PARTS_MAX)
    if isinstance(event, Profile) and name == "purposes":
        answers = event.purposes or {}
        purposes = said.without_nul(answers)
        return None if purposes == answers else replace(event, purposes=purposes)
    if name not in listed or REQUIRED_BY_NAME.get(event.event_name) == name:
        return None
    if name == "context" and len(names) > 1:
        tells = isinstance(event, Profile | Purchase) or event.context.consent is not None
        if not tells:
            return None
        context = replace(event.context, **{names[1]: None})
        return replace(event, context=context, odd_parts=odd)
    return replace(event, odd_parts=odd, **{name: None})


def _read(document: dict[str, Any]) -> int:
    """Bring the parts of `READERS` into their shape; how much of them was left out."""
    dropped = 0
    for name, reader in READERS.items():
        if name in document:
            document[name], odd = reader(document[name])
            dropped += odd
    return dropped


def _without_odd(document: dict[str, Any], kind: type[Struct]) -> int:
    """Leave out what the struct still refuses and may be without; how many parts."""
    may_go, left_out = _may_go(document, kind), list[_LeftOut]()
    for _ in range(ROUNDS_MAX):
        message = _refusal(document, kind)
        if message is None:
            break
        path = path_and_text(message)[0]
        steps = STEP.findall(path)
        if steps and message.startswith(_LACKS) and left_out and left_out[-1].inside(path):
            left_out.pop().put_back()  # it is required there: the whole block goes, or nothing
        gone = _leave_out(document, path, steps) if steps and may_go(steps) else None
        if gone is None:
            break
        left_out.append(gone)
    return len(left_out)


_LACKS: Final = "Object missing required"


def _refusal(document: dict[str, Any], kind: type[Struct]) -> str | None:
    """What the struct refuses first, whole numbers aside, which are read as such."""
    for _ in range(2):
        try:
            msgspec.convert(document, kind)
        except msgspec.ValidationError as error:
            message = str(error)
            if not wants_integer(error):
                break
            with_integers(document, kind)
        else:
            return None
    return message


def _may_go(document: dict[str, Any], kind: type[Struct]) -> Callable[[Steps], bool]:
    """Which parts may be left out, told by their path.

    Where the event says something of consent every optional part may, and what is optional in a
    part that is not. A block that the event's name asks for never goes.
    """
    optional = {f.encode_name for f in msgspec.structs.fields(kind) if not f.required}
    needed = {REQUIRED_BY_NAME.get(str(document.get("event_name"))), "identity"}
    context = document.get("context")
    tells = isinstance(context, dict) and context.get("consent") is not None
    listed = _ALWAYS | (optional if tells else _OPTIONAL.get(kind.__name__, frozenset()))

    def may_go(steps: Steps) -> bool:
        name = steps[0][0]
        if name in needed or name not in optional:
            return tells and len(steps) > 1 and name != "identity"
        return name in listed

    return may_go


class _LeftOut(NamedTuple):
    """What was taken away: from which place of what."""

    path: str
    holder: Any
    place: Any
    part: Any

    def inside(self, path: str) -> bool:
        """Whether it was a part of what stands at a path."""
        return self.path.startswith(f"{path}.")

    def put_back(self) -> None:
        """As it was."""
        self.holder[self.place] = self.part


def _leave_out(document: dict[str, Any], path: str, steps: Steps) -> _LeftOut | None:
    """Take away what stands at a path; of a coupon that is refused as a whole, first its money."""
    holder: Any = document
    places = [name or bracket[1:-1] for name, bracket in steps]
    while places[-1] == "...":
        places.pop()
    try:
        for place in places[:-1]:
            holder = holder[int(place) if isinstance(holder, list) else place]
        last: Any = int(places[-1]) if isinstance(holder, list) else places[-1]
        part = holder[last]
        if places[0] == "coupons" and isinstance(part, dict) and _MONEY & part.keys():
            holder[last] = {name: one for name, one in part.items() if name not in _MONEY}
        else:
            del holder[last]
    except (LookupError, TypeError, ValueError):
        return None
    return _LeftOut(path, holder, last, part)


_MONEY: Final = frozenset({"discount", "currency"})
