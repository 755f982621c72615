"""A shop whose events happen now, at a steady rate: for runs over minutes and hours.

Everything is drawn from a seed and planned ahead of the clock: event n happens `n / per_second`
after the beginning, whenever it is sent, so that the input can be made anew for a reference.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from confluent_kafka import Producer
from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.reference.structs import Reference
from tests.support.small_shop import Sent, reference, visit

BURST_S = 0.05


class Plan(Struct, frozen=True):
    """Who comes and how often: `present` customers at a time, each for `stays` events on average.

    `stays` None: the same people for ever.
    """

    begin_s: float
    per_second: float
    present: int
    stays: int | None
    seed: int
    name: str = "visit"

    def visits(self) -> Iterator[Sent]:
        """Every event, without end."""
        draw = random.Random(self.seed)
        begin = datetime.fromtimestamp(self.begin_s, UTC)
        for number in count():
            oldest = 0 if self.stays is None else number // self.stays
            at = begin + timedelta(seconds=number / self.per_second)
            customer = oldest + draw.randrange(self.present)
            yield visit(draw, f"{self.name}-{number}", customer, at)


class Feed:
    """Sends a plan's events when they happen, in a thread, until it is told to stop."""

    def __init__(self, bootstrap: str, plan: Plan) -> None:
        self.sent = 0
        self.behind_s_max = 0.0
        self._plan = plan
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 20,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """How many were sent, once nothing more is."""
        self._stop.set()
        self._thread.join(60)
        assert self._producer.flush(60) == 0
        return self.sent

    def _run(self) -> None:
        visits = self._plan.visits()
        while not self._stop.wait(BURST_S):
            since_s = time.time() - self._plan.begin_s
            due = int(since_s * self._plan.per_second)
            self.behind_s_max = max(self.behind_s_max, (due - self.sent) / self._plan.per_second)
            while self.sent < due:
                topic, key, value = next(visits)
                self._producer.produce(topic, value, key)
                self.sent += 1
            self._producer.poll(0)


def live_reference(
    *, valid_for_ms: int, rearm_ms: int, open_for_days: float, remind_after_ms: int | None = None
) -> Reference:
    """The small shop, with how soon its rules ask again, how long answers and offers are good.

    `remind_after_ms`: how soon an abandoned cart is spoken of, if not as soon as in the small shop.
    """
    shop = reference()
    triggers = tuple(
        replace(
            t,
            valid_for_ms=valid_for_ms,
            rearm_ms=rearm_ms,
            after_ms=t.after_ms and (remind_after_ms or t.after_ms),
        )
        for t in shop.policies.triggers
    )
    offers = tuple(replace(o, redeem_within_days=open_for_days) for o in shop.offers)
    return replace(shop, policies=replace(shop.policies, triggers=triggers), offers=offers)


def every(seconds: float, until_s: float, look: Callable[[], None]) -> None:
    """Call `look` every so often until a moment of `time.time`."""
    while (now_s := time.time()) < until_s:
        look()
        time.sleep(min(seconds, max(0.0, until_s - now_s)))
