"""An offer that is asked for is decided like any other, and whoever waits is always answered."""

from typing import Any

import pytest
from msgspec.structs import replace

from streams.contracts.common import Identity, Product
from streams.contracts.inputs.events import Question
from streams.contracts.internal.routing import RoutedEvent
from streams.contracts.outputs.effects import (
    DecisionLogged,
    EventRouted,
    OfferDecided,
    QuestionAnswered,
)
from streams.contracts.outputs.replies import Reply
from streams.contracts.reference.structs import ContactPolicy, QuietHours
from streams.contracts.times import from_ms
from streams.customer.row import Alias, Row
from streams.decisions import Policy
from streams.errors import ReferenceDataError
from streams.models import initial_models
from streams.pipeline import Step, World, process
from tests.unit.decisions.people import FREE, T0, offer, rule, shop, someone

BANNER = rule("banner", kind="offer_requested", placement="banner")
OTHER = rule("other", kind="offer_requested", placement="basket")
SHOP = shop(offer("tea"), rules=(OTHER, BANNER))


def asked(name: str = "q-1", at_ms: int = T0 + 1_000, **fields: Any) -> Question:
    """Somebody asks what to show in the banner, and waits for 300 ms."""
    made: dict[str, Any] = {
        "event_id": name,
        "event_name": "offer_requested",
        "occurred_at": from_ms(at_ms),
        "identity": Identity(customer_id="c-1"),
        "channel": "app",
        "placement": "banner",
        "reply_to": "gateway-1",
        "answer_by": from_ms(at_ms + 300),
    }
    return Question(**{**made, **fields})


def answered(step: Step) -> Reply:
    """The one answer."""
    (reply,) = [e.reply for e in step.effects if isinstance(e, QuestionAnswered)]
    return reply


def ask(row: Row | None, question: Question, policy: Policy = SHOP, processing_ms: int = 0) -> Step:
    """What becomes of a question."""
    return process(question, row, World(initial_models(), policy, processing_ms))


def test_the_offer_of_the_answer_is_the_one_that_goes_out_and_is_logged() -> None:
    """One decision by the placement's rule: on `next-best-offers`, in the log, in the answer."""
    step = ask(someone(), asked())
    (offered,) = [e.offer for e in step.effects if isinstance(e, OfferDecided)]
    (entry,) = [e.entry for e in step.effects if isinstance(e, DecisionLogged)]
    reply = answered(step)
    assert (reply.verdict, reply.offer, reply.decision_id) == ("offer", offered, entry.decision_id)
    assert (reply.question_id, reply.reply_to) == ("q-1", "gateway-1")
    assert entry.trigger.rule_id == "banner"


def test_who_asks_again_meets_the_same_caps_as_every_other_offer() -> None:
    """A rule does not rest, but the gap between contacts holds."""
    policy = shop(
        offer("tea"), rules=(BANNER,), contact=replace(FREE, min_gap_ms=60_000, deferred_gap_ms=0)
    )
    first = ask(someone(), asked(), policy)
    soon = ask(first.row, asked("q-2", T0 + 60_999), policy)
    later = ask(first.row, asked("q-3", T0 + 61_000), policy)
    assert answered(first).verdict == "offer"
    assert answered(soon).reason_codes == ("min_gap",)
    assert answered(later).reason_codes == ("nothing_eligible", "already_open")


@pytest.mark.parametrize(
    ("question", "reasons"),
    [
        (asked(placement="nowhere"), ("no_rule",)),
        (asked(at_ms=T0 - 86_400_000), ("late",)),
    ],
)
def test_an_answer_comes_also_where_nothing_is_decided(
    question: Question, reasons: tuple[str, ...]
) -> None:
    """No rule of that placement, or a question from long before what is known."""
    step = ask(someone(), question)
    assert (answered(step).verdict, answered(step).reason_codes) == ("no_offer", reasons)
    assert not [e for e in step.effects if isinstance(e, DecisionLogged)]


def test_the_same_question_twice_is_decided_once() -> None:
    """Sent again, it is a duplicate."""
    step = ask(ask(someone(), asked()).row, asked())
    assert answered(step).reason_codes == ("duplicate",)


def test_nobody_known_is_answered_without_consent() -> None:
    """A person who was never seen has agreed to nothing."""
    assert answered(ask(None, asked())).reason_codes == ("no_consent",)


def test_nothing_is_decided_once_nobody_waits_any_longer() -> None:
    """After `answer_by` the verdict is `stale`, and no contact is counted."""
    in_time = ask(someone(), asked(), processing_ms=T0 + 1_299)
    too_late = ask(someone(), asked(), processing_ms=T0 + 1_300)
    assert answered(in_time).verdict == "offer"
    assert answered(too_late).reason_codes[0] == "stale"
    assert getattr(too_late.row, "contacts", None) == ()


def test_a_question_to_an_address_is_answered_by_the_row_that_it_points_to() -> None:
    """The forwarding row sends it on and says nothing itself."""
    sent = ask(
        Alias(version=1, alias_id="c-1", moved_to="c-0", moved_at_ms=T0, method="login"), asked()
    )
    assert not [e for e in sent.effects if isinstance(e, QuestionAnswered)]
    (routed,) = [e.message for e in sent.effects if isinstance(e, EventRouted)]
    assert isinstance(routed, RoutedEvent)
    step = process(routed, replace(someone(), customer_id="c-0"), World(initial_models(), SHOP))
    assert (answered(step).verdict, answered(step).customer_id) == ("offer", "c-0")


def test_without_an_address_nobody_is_told() -> None:
    """A question in a file is decided, and leaves no reply."""
    step = ask(someone(), asked(reply_to=None, answer_by=None))
    assert [type(e) for e in step.effects if isinstance(e, OfferDecided | QuestionAnswered)] == [
        OfferDecided
    ]


def test_a_question_waits_for_no_link_that_is_under_way() -> None:
    """Asked with a browser's id for the first time: the link is asked for, the answer is there."""
    both = Identity(customer_id="c-1", anonymous_id="a-1")
    step = ask(someone(), asked(identity=both))
    assert [e for e in step.effects if isinstance(e, EventRouted)]
    assert answered(step).verdict == "offer"


def test_what_is_looked_at_is_known_to_rules_and_models() -> None:
    """Product and store of the question are the trigger event's."""
    when = "trigger.category == 'tea' && trigger.store_id == 's-1'"
    policy = shop(offer("tea"), rules=(replace(BANNER, when=when),))
    product = Product(product_id="p", category="tea", price=9.0)
    told = ask(someone(), asked(product=product, store_id="s-1"), policy)
    assert answered(told).verdict == "offer"
    assert answered(ask(someone(), asked(), policy)).reason_codes == ("no_rule",)


def test_asking_is_no_activity() -> None:
    """A page that asks for an offer makes nobody look alive."""
    person = someone()
    row = ask(person, asked()).row
    assert (getattr(row, "channels", None), getattr(row, "session", None)) == (
        person.channels,
        person.session,
    )


def test_a_channel_with_quiet_hours_cannot_be_asked_for() -> None:
    """Who asks waits for the answer: a rule that may put it off is refused with its name."""
    contact = ContactPolicy(quiet_channels=("app",), quiet_hours=QuietHours())
    with pytest.raises(ReferenceDataError, match="banner"):
        shop(offer("tea"), rules=(BANNER,), contact=contact)


def about(row: Row | None, **fields: Any) -> Step:
    """A server asks what is known."""
    made = {"event_name": "customer_requested", "placement": None, "asked_by": "crm", **fields}
    return ask(row, asked(**made))


def test_to_ask_about_a_person_changes_nothing_and_decides_nothing() -> None:
    """The very row comes back, with one answer and no other effect, whatever is due in it."""
    row = ask(someone(), asked()).row
    for placement in (None, "banner"):
        step = about(row, name="q-2", at_ms=T0 + 10**9, placement=placement)
        assert step.row is row
        assert [type(effect) for effect in step.effects] == [QuestionAnswered]


def test_what_is_known_is_what_the_row_says() -> None:
    """Consent by purpose, contacts with their decisions, what the caps leave."""
    policy = shop(offer("tea"), rules=(BANNER,), contact=replace(FREE, min_gap_ms=60_000))
    decided = ask(someone(linked_ids=("a-1",)), asked(), policy)
    step = ask(decided.row, asked("q-2", event_name="customer_requested", placement=None), policy)
    facts = answered(step).customer
    assert facts is not None
    assert (facts.customer_id, facts.known, facts.linked_ids) == ("c-1", True, ("a-1",))
    assert {c.state for c in facts.consents} == {"granted"}
    (contact,) = facts.contacts
    assert (contact.offer_id, contact.status) == ("tea", "open")
    assert contact.decision_id == answered(decided).decision_id
    assert facts.contacts_left == 29
    assert facts.contact_from == from_ms(T0 + 61_000)


def test_what_would_be_decided_is_what_is_decided_then() -> None:
    """The same candidates, terms and verdict as the decision itself, which has another id."""
    would = answered(about(someone(), placement="banner")).would_decide
    step = ask(someone(), asked("q-2"))
    (entry,) = [e.entry for e in step.effects if isinstance(e, DecisionLogged)]
    assert would is not None
    assert (would.verdict, would.offers) == (entry.verdict, entry.offers)
    assert would.decision_id != entry.decision_id
    nowhere = answered(about(someone(), placement="nowhere"))
    assert (nowhere.would_decide, nowhere.reason_codes) == (None, ("no_rule",))


def test_nobody_is_made_by_a_question_about_them() -> None:
    """No row, no trace: `unknown`."""
    step = about(None, placement="banner")
    assert step.row is None
    assert (answered(step).verdict, answered(step).customer) == ("unknown", None)


def test_a_question_about_an_old_id_is_answered_for_who_it_belongs_to() -> None:
    """It is sent on once, and the address stays as it is."""
    alias = Alias(version=1, alias_id="c-1", moved_to="c-0", moved_at_ms=T0, method="login")
    sent = about(alias)
    assert sent.row is alias
    (routed,) = [e.message for e in sent.effects if isinstance(e, EventRouted)]
    row = replace(someone(), customer_id="c-0")
    step = process(routed, row, World(initial_models(), SHOP))
    facts = answered(step).customer
    assert step.row is row
    assert facts is not None
    assert facts.customer_id == "c-0"
