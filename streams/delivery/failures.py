"""What could not be delivered: listed, and driven again, each at most once.

To drive a record again is to write it to `delivery-failures` once more, with a mark that names what
it was: one record is the mark and the work, so no crash can part them. Its destination alone reads
it, and sends it under the same webhook id. Of two redrives at once the earlier is fenced.
"""

from collections.abc import Callable, Sequence
from typing import get_args

from msgspec import Struct

from streams import topics
from streams.broker.reading import read_to_end
from streams.broker.redriving import RECORD_ID, drive_again, redriving_producer
from streams.contracts.inputs.allowed import what_is_allowed
from streams.contracts.outputs.payloads import DeliveryFailure, ParkedReason
from streams.delivery.parking import REDRIVEN, failure_of
from streams.errors import OperatorError
from streams.settings import Settings


class Parked(Struct, frozen=True):
    """A record of `delivery-failures`: where it lies (`partition@offset`), what is known of it."""

    id: str
    at_ms: int
    facts: DeliveryFailure
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Choice(Struct, frozen=True):
    """Which of them are meant; empty fields do not restrict."""

    ids: tuple[str, ...] = ()
    destination: str = ""
    reason: str = ""

    def holds(self, one: Parked) -> bool:
        """Whether it is one of those."""
        return (
            (not self.ids or one.id in self.ids)
            and self.destination in ("", one.facts.destination)
            and self.reason in ("", one.facts.reason)
        )


def choice_of(ids: Sequence[str], destination: str, reason: str) -> Choice:
    """A choice as somebody typed it.

    Raises:
        OperatorError: there is no such reason, or an id is not of an id's form.
    """
    for id_ in ids:
        if not RECORD_ID.fullmatch(id_):
            raise OperatorError(
                f"{id_}: a failure is named by partition@offset, as in 2@17: `deliver failures`"
            )
    if reason and reason not in get_args(ParkedReason):
        allowed = what_is_allowed(sorted(get_args(ParkedReason)), reason)
        raise OperatorError(f"--reason {reason}: {allowed}")
    return Choice(tuple(ids), destination, reason)


def list_parked(settings: Settings, choice: Choice) -> list[Parked]:
    """Those that still wait, oldest first."""
    found: list[Parked] = []
    driven: set[str] = set()
    for message in read_to_end(settings, [settings.on_broker(topics.DELIVERY_FAILURES)]):
        headers = tuple((name, value or b"") for name, value in message.headers() or ())
        mark = dict(headers).get(REDRIVEN)
        facts = failure_of(headers)
        if mark is not None:
            driven.add(mark.decode("utf-8", "replace"))
        elif facts is not None:
            id_, at_ms = f"{message.partition()}@{message.offset()}", message.timestamp()[1]
            found.append(Parked(id_, at_ms, facts, message.key(), message.value(), headers))
    waiting = [one for one in found if one.id not in driven and choice.holds(one)]
    return sorted(waiting, key=lambda one: (one.at_ms, one.id))


def redrive(settings: Settings, choice: Choice, progress: Callable[[int], None]) -> int:
    """Have the chosen ones delivered again; returns how many.

    Raises:
        OperatorError: the broker does not answer, somebody else redrives as well, or one that was
            named does not wait; then none is driven.
    """
    producer = redriving_producer(settings, "deliver-redrive")
    waiting = list_parked(settings, choice)
    missing = set(choice.ids) - {one.id for one in waiting}
    if missing:
        named = ", ".join(sorted(missing))
        raise OperatorError(f"{named}: no such failure waits. See `deliver failures`")
    topic = settings.on_broker(topics.DELIVERY_FAILURES)

    def write(one: Parked) -> None:
        headers = [*one.headers, (REDRIVEN, one.id.encode())]
        producer.produce(topic, key=one.key, value=one.value, headers=headers)
        producer.poll(0)

    return drive_again(producer, waiting, write, progress, "failures")
