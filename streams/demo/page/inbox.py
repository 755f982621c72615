"""The CRM's inbox: webhooks are taken when their signature is right, and become cases."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from streams.contracts.outputs.payloads import ChurnAlert

CASES_MAX: Final = 500
ALERTS_MAX: Final = 3  # of a case


class _Event(Struct, frozen=True):
    """A CloudEvent, of which we read the alert."""

    data: ChurnAlert


_event: Final = msgspec.json.Decoder(_Event)


class Case(Struct, frozen=True):
    """A churn case as the CRM knows it: its alerts, and whether the CRM told what it did."""

    alerts: tuple[ChurnAlert, ...]
    reported: bool = False

    @property
    def alert(self) -> ChurnAlert:
        """The newest."""
        return self.alerts[-1]

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.alert.transition != "resolved"


class Inbox:
    """What has arrived; used by the page's thread alone."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)
        self._cases: OrderedDict[str, Case] = OrderedDict()
        self._ids: set[str] = set()
        self.refused = 0

    @property
    def verified(self) -> int:
        """Different messages with a right signature."""
        return len(self._ids)

    def take(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Take one request; false where its signature is not right, or it is no alert."""
        try:
            self._webhook.verify(body, dict(headers))
            alert = _event.decode(body).data
        except (WebhookVerificationError, msgspec.DecodeError):
            self.refused += 1
            return False
        if headers["webhook-id"] not in self._ids:
            self._ids.add(headers["webhook-id"])
            known = self._cases.get(alert.case_id, Case(()))
            alerts = (*known.alerts, alert)[-ALERTS_MAX:]
            self._cases[alert.case_id] = Case(alerts, known.reported)
            self._cases.move_to_end(alert.case_id)
            if len(self._cases) > CASES_MAX:
                self._cases.popitem(last=False)
        return True

    def find(self, alert_id: str) -> Case | None:
        """The case whose newest alert has this id."""
        return next((c for c in self._cases.values() if c.alert.alert_id == alert_id), None)

    def report(self, case: Case) -> None:
        """The CRM has told what it did about a case."""
        self._cases[case.alert.case_id] = msgspec.structs.replace(case, reported=True)

    def newest(self, first: str, most: int) -> list[Case]:
        """Those of the customer `first`, then open ones, then the others; the newest of each."""
        newest = list(reversed(self._cases.values()))
        newest.sort(key=lambda case: (case.alert.customer_id != first, not case.is_open))
        return newest[:most]

    @property
    def count(self) -> int:
        """How many cases there are."""
        return len(self._cases)
