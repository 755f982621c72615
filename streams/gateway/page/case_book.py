"""The churn cases whose alerts Kafka keeps, held in bounded memory and followed as they change."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streams import topics
from streams.admin.cases import Case
from streams.broker.reading import partitions_on_broker
from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.events import PrivacyRequest
from streams.contracts.inputs.rules import InputRules
from streams.contracts.outputs.payloads import ChurnAlert
from streams.contracts.times import to_ms
from streams.contracts.unreadable import UNREADABLE
from streams.gateway.loop_thread import TO_THE_END, LoopThread
from streams.settings import Settings

CASES_MAX: Final = 5_000
ALERTS_MAX: Final = 20
ERASED_MAX: Final = 100_000
FOLLOWED: Final = (topics.CHURN_ALERTS, topics.PRIVACY_REQUESTS)

_alert: Final = msgspec.json.Decoder(ChurnAlert)


class CaseBook:
    """Cases by id; of each the first alert and the newest ones. All of it in one event loop."""

    def __init__(self, settings: Settings, clock_ms: Callable[[], int]) -> None:
        self.ready = False
        self.left_out = 0
        self._settings = settings
        self._clock_ms = clock_ms
        self._names = {settings.on_broker(topic): topic.name for topic in FOLLOWED}
        self._cases: OrderedDict[str, tuple[ChurnAlert, ...]] = OrderedDict()
        self._open: list[tuple[float, str]] = []  # by what is at stake, so that few are looked at
        self._of_customer: dict[str, set[str]] = {}
        self._erased_ms: OrderedDict[str, int] = OrderedDict()
        self._thread = LoopThread("cases", settings, TO_THE_END, self._follow)

    def start(self) -> None:
        """Begin to read; told in the loop that runs now."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._thread.stop()

    def cases(self) -> list[Case]:
        """The case with the greatest expected loss first."""
        return sorted((Case(alerts) for alerts in self._cases.values()), key=_order)

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._open)

    def open(self, most: int) -> list[Case]:
        """The first open cases of these; no other is looked at."""
        return [Case(self._cases[case_id]) for _, case_id in self._open[:most]]

    def case(self, case_id: str) -> Case | None:
        """One case."""
        alerts = self._cases.get(case_id)
        return None if alerts is None else Case(alerts)

    def take(self, messages: list[Message], *, ended: bool) -> None:
        """Take what was read; `ended`: all that was there has been read."""
        for message in messages:
            name = self._names.get(message.topic() or "", "")
            if name == topics.CHURN_ALERTS.name:
                self._alerted(message.value() or b"")
            else:
                self._erased(name, message)
        self.ready = self.ready or ended

    def _alerted(self, value: bytes) -> None:
        try:
            alert = _alert.decode(value)
        except UNREADABLE:
            return
        if to_ms(alert.raised_at) <= self._erased_ms.get(alert.customer_id, -1):
            return
        alerts = self._remove(alert.case_id)
        if any(one.alert_id == alert.alert_id for one in alerts):
            self._put(alert.case_id, alerts)
            return
        told = sorted((*alerts, alert), key=lambda one: one.raised_at)
        self._put(alert.case_id, (*told[:1], *told[1:][-ALERTS_MAX + 1 :]))
        if len(self._cases) > CASES_MAX:
            self._drop_one()

    def _drop_one(self) -> None:
        """The case of which nothing was heard for longest, and sooner one that is over."""
        oldest = list(self._cases)[: CASES_MAX // 10]
        over = (c for c in oldest if self._cases[c][-1].transition == "resolved")
        self._remove(next(over, oldest[0]))
        self.left_out += 1

    def _put(self, case_id: str, alerts: tuple[ChurnAlert, ...]) -> None:
        """Hold a case, as the one that was heard of last; it belongs to whom its first names."""
        self._cases[case_id] = alerts
        case = Case(alerts)
        if case.is_open:
            insort(self._open, _order(case))
        self._of_customer.setdefault(alerts[0].customer_id, set()).add(case_id)

    def _remove(self, case_id: str) -> tuple[ChurnAlert, ...]:
        """Hold a case no more; its alerts, none where it was not held."""
        alerts = self._cases.pop(case_id, ())
        if alerts:
            case = Case(alerts)
            if case.is_open:
                del self._open[bisect_left(self._open, _order(case))]
            person = alerts[0].customer_id
            self._of_customer[person].discard(case_id)
            if not self._of_customer[person]:
                del self._of_customer[person]
        return alerts

    def _erased(self, name: str, message: Message) -> None:
        rules = InputRules(now_ms=self._clock_ms())
        event = decode(name, message.value(), tuple(message.headers() or ()), rules)
        if not isinstance(event, PrivacyRequest) or event.event_name != "erasure_requested":
            return
        identity, at_ms = event.identity, to_ms(event.requested_at)
        for person in {identity.customer_id, identity.anonymous_id, identity.device_id} - {None}:
            self._erase(str(person), at_ms)

    def _erase(self, person: str, at_ms: int) -> None:
        self._erased_ms[person] = max(at_ms, self._erased_ms.pop(person, 0))
        if len(self._erased_ms) > ERASED_MAX:
            self._erased_ms.popitem(last=False)
        for case_id in tuple(self._of_customer.get(person, ())):
            if to_ms(self._cases[case_id][0].raised_at) <= at_ms:
                self._remove(case_id)

    def _follow(self, consumer: Consumer) -> None:
        places = [
            TopicPartition(name, partition, OFFSET_BEGINNING)
            for name in self._names
            for partition in partitions_on_broker(consumer, name, self._settings)
        ]
        self._thread.tell_all(consumer, places, self.take)


def _order(case: Case) -> tuple[float, str]:
    return -case.expected_loss, case.last.case_id
