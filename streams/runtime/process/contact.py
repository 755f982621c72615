"""Does the broker answer? Asked in a thread of its own, said once and then once a minute."""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from streams.errors import OperatorError
from streams.runtime.clients import new_consumer
from streams.runtime.faults import BrokerError
from streams.runtime.settings import RuntimeSettings

log = logging.getLogger(__name__)
AWAY_AFTER_S = 10.0
SAY_EVERY_S = 60.0
_ASK_EVERY_S, _ASK_AGAIN_S, _ANSWER_WITHIN_S = 2.0, 1.0, 3.0
_STOP_S = 0.5
_IN_STATE = re.compile(r" \(after \d+ms in state [A-Z_]+(, \d+ identical error\(s\) suppressed)?\)")


class Silence:
    """How long the broker has not answered, and when that is to be said again.

    `now_s` is a monotonic clock, the caller's. A broker that was never reached is away at once, one
    that answered before is away after `AWAY_AFTER_S`.

    >>> silence = Silence("a:9092", 0.0)
    >>> silence.failed(1.0, "Connection refused")
    'no Kafka broker answers at a:9092 for 1 s (Connection refused; attempts: 1): work waits'
    >>> silence.failed(2.0, "Connection refused"), silence.answered(3.0)
    (None, 'the Kafka broker at a:9092 answers, after 3 s (attempts: 3)')
    """

    def __init__(self, broker: str, now_s: float) -> None:
        self.reached = False
        self._broker = broker
        self._heard_s = now_s
        self._said_s: float | None = None
        self._asked = 0
        self._reason = ""

    def answered(self, now_s: float) -> str | None:
        """There is an answer; what is to be said of it."""
        said = None
        if self._said_s is not None:
            silent_s, asked = now_s - self._heard_s, self._asked + 1
            said = (
                f"the Kafka broker at {self._broker} answers, after {silent_s:.0f} s "
                f"(attempts: {asked})"
            )
        self.reached, self._heard_s, self._said_s = True, now_s, None
        self._asked, self._reason = 0, ""
        return said

    def failed(self, now_s: float, reason: str) -> str | None:
        """There is none; what is to be said of it now."""
        self._asked, self._reason = self._asked + 1, reason
        away = self.away(now_s)
        if not away or (self._said_s is not None and now_s < self._said_s + SAY_EVERY_S):
            return None
        self._said_s = now_s
        return away

    def seconds(self, now_s: float) -> float:
        """How long there has been no answer; 0 while there is."""
        return max(0.0, now_s - self._heard_s) if self._asked else 0.0

    def away(self, now_s: float) -> str:
        """A sentence where the broker is away, else nothing."""
        silent_s = self.seconds(now_s)
        if not self._asked or (self.reached and silent_s < AWAY_AFTER_S):
            return ""
        return (
            f"no Kafka broker answers at {self._broker} for {silent_s:.0f} s "
            f"({self._reason}; attempts: {self._asked}): work waits"
        )


class BrokerContact:
    """Asks the broker every few seconds, from `start` to `stop`.

    `fail` is told when another cluster answers than the first time: the state is not that one's.
    """

    def __init__(self, settings: RuntimeSettings, fail: Callable[[BaseException], None]) -> None:
        self._settings = settings
        self._fail = fail
        self._silence = Silence(settings.bootstrap, time.monotonic())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="contact", daemon=True)
        self._cluster: str | None = None
        self._heard = ""

    @property
    def silent_s(self) -> float:
        """Seconds without an answer; 0 while the broker answers."""
        return self._silence.seconds(time.monotonic())

    @property
    def away(self) -> str:
        """A sentence where the broker is away, else nothing; may be asked from any thread."""
        return self._silence.away(time.monotonic())

    async def reach(self, patience_s: float) -> None:
        """Begin to ask, and wait for the first answer.

        Raises:
            BrokerError: there was none within `patience_s`.
        """
        if not self._thread.ident:
            self._thread.start()
        deadline_s = time.monotonic() + patience_s
        while not self._silence.reached:
            if time.monotonic() > deadline_s:
                raise BrokerError(
                    f"{self.away or 'the Kafka broker has not answered'}; "
                    f"patience ends after {patience_s:.0f} s (broker_patience_s)"
                )
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        if self._thread.ident:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        client = new_consumer(self._settings, errors=self._hear, quiet=True)
        while not self._stopping.is_set():
            try:
                topic = self._settings.changelog_topic
                found = client.list_topics(topic, timeout=_ANSWER_WITHIN_S)
            except KafkaException as error:
                client.poll(0)  # hands what went wrong to `_hear`
                reason = self._heard or error.args[0].str()
                said = self._silence.failed(time.monotonic(), reason)
                if said and not self._stopping.is_set():
                    log.error("%s", said)
                self._stopping.wait(_ASK_AGAIN_S)
                continue
            if said := self._silence.answered(time.monotonic()):
                log.info("%s", said)
            self._heard = ""
            self._compare(found.cluster_id)
            self._stopping.wait(_ASK_EVERY_S)
        client.close()

    def _hear(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._heard = _IN_STATE.sub("", error.str())

    def _compare(self, cluster: str | None) -> None:
        if self._cluster is None:
            self._cluster = cluster
        elif cluster is not None and cluster != self._cluster:
            self._stopping.set()
            self._fail(
                OperatorError(
                    f"another Kafka cluster answers at {self._settings.bootstrap}: its id is "
                    f"{cluster}, it was {self._cluster}. The state here belongs to that one: bring "
                    "it back, or correct `bootstrap`; to begin anew on this one, start again"
                )
            )
