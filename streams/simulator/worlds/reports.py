"""What people of a world do, written as the records that a shop's systems would send."""

from streams import topics
from streams.simulator.records import Fields, Origin, Recorder, Sent
from streams.simulator.worlds.catalogue import BEACON_UUID
from streams.simulator.worlds.people import Person
from streams.simulator.worlds.truth import NoticeKind, PlannedOrder

VIEWED = "product_viewed"
SEVERITIES = ("low", "medium", "high")
UNSUBSCRIBED = ("marketing_push", "marketing_email")


class Reports(Recorder[Person]):
    """The records of one world; event ids count up for each person."""

    def __init__(self, prefix: str, currency: str) -> None:
        """`prefix` keeps the event ids of two worlds apart."""
        super().__init__(BEACON_UUID)
        self._prefix = prefix
        self._currency = currency
        self._counts: dict[int, int] = {}

    def event_id_of(self, who: Person) -> str:
        """One more than the person's last."""
        count = self._counts[who.number] = self._counts.get(who.number, 0) + 1
        return f"{self._prefix}-{who.number}-{count}"

    def notice(self, kind: NoticeKind, person: Person, at_ms: int, draw: float) -> Sent:
        """Something that looks like leaving; `draw` in [0, 1) is how bad it is."""
        if kind == "cancel_page":
            page = {"path": "/account/cancel"}
            name = "account_cancel_page_viewed"
            return self.record(topics.CLICKSTREAM, name, Origin(person, at_ms, "web"), page=page)
        if kind == "uninstall":
            return self.record(topics.APP, "application_uninstalled", Origin(person, at_ms))
        if kind == "unsubscribe":
            refused = UNSUBSCRIBED[: 1 + round(draw)]
            return self.consents(person, at_ms, dict.fromkeys(refused, "denied"))
        if kind == "low_nps":
            return self.survey(person, at_ms, int(draw * 7))
        return self.complaint(person, at_ms, draw)

    def survey(self, person: Person, at_ms: int, nps: int) -> Sent:
        """An answer to a survey."""
        return self.record(
            topics.PROFILE, "survey_answered", Origin(person, at_ms, "email"), survey={"nps": nps}
        )

    def complaint(self, person: Person, at_ms: int, draw: float) -> Sent:
        """A case of customer service; `draw` in [0, 1) is how bad it is."""
        severity = SEVERITIES[int(draw * len(SEVERITIES))]
        case = {"case_id": _case_id(person, at_ms), "severity": severity}
        return self.record(
            topics.PROFILE, "service_case_opened", Origin(person, at_ms, "call_center"), case=case
        )

    def complaint_closed(self, person: Person, at_ms: int, opened_ms: int) -> Sent:
        """Customer service is done with a case."""
        return self.record(
            topics.PROFILE, "service_case_closed", Origin(person, at_ms, "call_center"),
            case={"case_id": _case_id(person, opened_ms)},
        )  # fmt: skip

    def nothing_found(self, person: Person, at_ms: int) -> Sent:
        """A search in the shop without a result."""
        return self.record(
            topics.CLICKSTREAM, "products_searched", Origin(person, at_ms, "web"),
            page={"path": "/search"}, query={"text": "something", "results_count": 0},
        )  # fmt: skip

    def view(self, origin: Origin[Person], product: Fields, dwell_ms: int) -> Sent:
        """A product that was looked at in the app or on the web."""
        if origin.channel == "app":
            screen = {"name": "product", "dwell_ms": dwell_ms}
            return self.record(topics.APP, VIEWED, origin, product=product, screen=screen)
        page = {"path": f"/p/{product['product_id']}", "dwell_ms": dwell_ms}
        return self.record(topics.CLICKSTREAM, VIEWED, origin, product=product, page=page)

    def order(self, person: Person, order: PlannedOrder, order_id: str, item: Fields) -> Sent:
        """A purchase: at the till, on the web or in the app; `item` is its product."""
        coupon = {
            "decision_id": order.decision_id,
            "offer_id": order.offer_id,
            "discount": order.discount,
        }
        online = "app" if person.channels[1] > person.channels[0] else "web"
        return self.record(
            topics.PURCHASE,
            "order_completed",
            Origin(person, order.at_ms, "store" if order.in_store else online),
            order_id=order_id,
            total=self._money(order.amount - order.discount),
            items=[item],
            sales_channel="store" if order.in_store else "ec",
            coupons=[coupon] if order.decision_id else [],
        )

    def refund(
        self, origin: Origin[Person], order: PlannedOrder, order_id: str, item: Fields
    ) -> Sent:
        """A part of an order comes back."""
        back = (order.amount - order.discount) * order.returned
        return self.record(
            topics.PURCHASE, "order_refunded", origin,
            order_id=f"{order_id}-r", original_order_id=order_id,
            total=self._money(-back), items=[item],
        )  # fmt: skip

    def outcome(self, person: Person, at_ms: int, alert_id: str, result: str) -> Sent:
        """What became of a contact, as the CRM reports it."""
        return self.record(
            topics.PROFILE, "retention_outcome", Origin(person, at_ms, "call_center"),
            outcome={"alert_id": alert_id, "result": result},
        )  # fmt: skip

    def _money(self, amount: float) -> dict[str, str]:
        return {"amount": f"{amount:.2f}", "currency": self._currency}


def _case_id(person: Person, opened_ms: int) -> str:
    return f"case-{person.customer_id}-{opened_ms}"
