"""Whatever happens, in whatever order: no limit is ever exceeded, and probabilities are true."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.contracts.common import ConsentState, Purpose
from streams.contracts.outputs.effects import DecisionLogged, Effect, OfferDecided
from streams.contracts.reference.structs import ContactPolicy, FrequencyCap, QuietHours
from streams.contracts.times import DAY_MS, HOUR_MS, MINUTE_MS
from streams.customer import Customer
from streams.customer.row import Consent, Redeemed
from streams.decisions import Basis, Policy, decide
from streams.decisions.policy import CompiledOffer
from streams.feedback import expire
from tests.unit.decisions.people import OBJECTS, T0, Fixed, offer, request, rule, shop, someone

GAPS = st.lists(
    st.sampled_from([1, 10 * MINUTE_MS, 45 * MINUTE_MS, 5 * HOUR_MS, 20 * HOUR_MS, 3 * DAY_MS]),
    min_size=1,
    max_size=60,
)
ZONES = st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "no/zone"])
QUIET = QuietHours(from_hour=22, to_hour=8)
STRICT = ContactPolicy(
    caps=(FrequencyCap(count=2, days=1.0), FrequencyCap(count=5, days=7.0)),
    calendar_day_max=2,
    min_gap_ms=30 * MINUTE_MS,
    quiet_hours=QUIET,
    fatigue_price=0.0,
)


def _run(
    policy: Policy, person: Customer, gaps: list[int], channel: str = "app"
) -> tuple[Customer, list[tuple[int, OfferDecided]], list[Effect]]:
    """DecisionRequest after every gap; the history is kept outside the row."""
    sent: list[tuple[int, OfferDecided]] = []
    seen: list[Effect] = []
    now_ms = T0
    for number, gap in enumerate(gaps):
        now_ms += gap
        person, _ = expire(person, now_ms)
        requested = request(number, now_ms, rule(channel=channel))
        person, effects = decide(person, requested, now_ms, Basis(Fixed(), policy))
        seen.extend(effects)
        sent.extend((now_ms, e) for e in effects if isinstance(e, OfferDecided))
    return person, sent, seen


@settings(max_examples=60, deadline=None)
@given(GAPS, ZONES)
def test_caps_and_gaps_hold(gaps: list[int], zone: str) -> None:
    """Rolling caps, the person's own calendar day and the minimum gap hold over any sequence."""
    policy = shop(*[offer(f"o-{n}", redeem_within_days=0.01) for n in range(4)], contact=STRICT)
    _, sent, _ = _run(policy, someone(timezone=zone), gaps)
    times = [at for at, _ in sent]
    local = ZoneInfo("UTC" if zone == "no/zone" else zone)
    days = [datetime.fromtimestamp(at / 1000, local).date() for at in times]
    assert all(days.count(day) <= 2 for day in days)
    assert all(b - a >= 30 * MINUTE_MS for a, b in itertools.pairwise(times))
    for at in times:
        assert sum(at - DAY_MS < other <= at for other in times) <= 2
        assert sum(at - 7 * DAY_MS < other <= at for other in times) <= 5


def test_an_offers_own_cap_outlives_the_rows_memory() -> None:
    """Two contacts in 60 days for an offer hold though the row forgets all but 32 contacts."""
    capped = offer("capped", cap=FrequencyCap(count=2, days=60.0), redeem_within_days=0.001)
    others = [offer(f"o-{n}", redeem_within_days=0.001) for n in range(3)]
    _, sent, _ = _run(shop(capped, *others), someone(), [5 * HOUR_MS] * 100)
    assert [e.offer.offer.offer_id for _, e in sent].count("capped") == 2
    assert len(sent) == 100


def test_a_busy_month_is_full_of_offers() -> None:
    """The runs above are no empty talk: a request every five hours sends an offer each time."""
    policy = shop(*[offer(f"o-{n}", redeem_within_days=0.001) for n in range(3)])
    _, sent, _ = _run(policy, someone(), [5 * HOUR_MS] * 40)
    assert len(sent) == 40


@settings(max_examples=40, deadline=None)
@given(GAPS)
def test_what_was_redeemed_once_never_comes_again(gaps: list[int]) -> None:
    """An offer that is for once is not sent after it was redeemed."""
    once = offer("once", once_per_person=True, redeem_within_days=0.001)
    person = someone(redemptions=(Redeemed("once", T0),))
    _, sent, _ = _run(shop(once, offer("other", redeem_within_days=0.001)), person, gaps)
    assert {e.offer.offer.offer_id for _, e in sent} <= {"other"}


@settings(max_examples=40, deadline=None)
@given(GAPS)
def test_a_pair_that_excludes_each_other_never_meets(gaps: list[int]) -> None:
    """Of two offers that never go together, none is sent while the other may still be used."""
    left = offer("left", never_with=("right",), redeem_within_days=1.0)
    right = offer("right", redeem_within_days=1.0)
    _, sent, _ = _run(shop(left, right), someone(), gaps)
    for at, first in sent:
        for later, second in sent:
            if at < later < at + DAY_MS:
                assert first.offer.offer.offer_id == second.offer.offer.offer_id


@settings(max_examples=60, deadline=None)
@given(
    GAPS,
    st.sampled_from(["personalization", "marketing_push"]),
    st.sampled_from(["denied", "unset", None]),
)
def test_without_consent_nothing_is_offered(
    gaps: list[int], purpose: Purpose, state: ConsentState | None
) -> None:
    """Denied, unset or never asked: no offer, whatever else is agreed to."""
    person = someone()
    consents = {p: c for p, c in person.consents.items() if p != purpose}
    if state is not None:
        consents[purpose] = Consent(state, T0)
    _, sent, _ = _run(shop(offer("a")), replace(person, consents=consents), gaps, channel="push")
    assert sent == []
    _, sent, _ = _run(shop(offer("a")), someone(consent_signals=OBJECTS), gaps, channel="push")
    assert sent == []


@settings(max_examples=60, deadline=None)
@given(GAPS, ZONES)
def test_quiet_hours_are_never_broken(gaps: list[int], zone: str) -> None:
    """No push between 22 and 8 on the person's clock; what is put off is due outside of it."""
    policy = shop(*[offer(f"o-{n}") for n in range(3)], contact=STRICT)
    person, sent, _ = _run(policy, someone(timezone=zone), gaps, channel="push")
    local = ZoneInfo("UTC" if zone == "no/zone" else zone)
    for at in [*(at for at, _ in sent), *(r.due_at_ms for r in person.reminders)]:
        assert 8 <= datetime.fromtimestamp(at / 1000, UTC).astimezone(local).hour < 22


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
    st.sampled_from(["policy", "uniform"]),
    st.integers(0, 10_000),
)
def test_probabilities_are_a_distribution(rates: list[float], chooser: str, number: int) -> None:
    """All probabilities sum to 1, the logged one is that of what was drawn, twice the same."""
    policy = shop(
        *[offer(f"o-{n}", expected_rate=rate) for n, rate in enumerate(rates)], chooser=chooser
    )
    requested = request(number)
    effects = decide(someone(), requested, T0, Basis(Fixed(), policy))
    assert effects == decide(someone(), requested, T0, Basis(Fixed(), policy))
    entry = next(e.entry for e in effects[1] if isinstance(e, DecisionLogged))
    chances = {c.offer_id: c.probability for c in entry.offers}
    assert abs(sum(chances.values()) + entry.no_offer_probability - 1.0) < 1e-9
    drawn = entry.chosen_offer_id
    expected = entry.no_offer_probability if drawn is None else chances[drawn]
    assert entry.action_probability == expected > 0.0


def test_draws_come_at_the_logged_rates() -> None:
    """Over 4,000 decisions each offer is drawn as often as its probability says, within 4 sd."""
    policy = shop(offer("a", expected_rate=0.3), offer("b"), offer("c"), chooser="policy")
    drawn: dict[str | None, int] = {}
    entry = None
    for number in range(4_000):
        _, effects = decide(someone(), request(number), T0, Basis(Fixed(), policy))
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        drawn[entry.chosen_offer_id] = drawn.get(entry.chosen_offer_id, 0) + 1
    assert entry is not None
    rates = {c.offer_id: c.probability for c in entry.offers}
    rates[None] = entry.no_offer_probability  # type: ignore[index]
    for action, rate in rates.items():
        sd = (4_000 * rate * (1 - rate)) ** 0.5
        assert abs(drawn.get(action, 0) - 4_000 * rate) < 4 * sd


def test_compiled_offers_are_what_decisions_read() -> None:
    """A policy holds its offers compiled, in the order of the file."""
    offers = shop(offer("b"), offer("a")).offers
    assert all(isinstance(o, CompiledOffer) for o in offers)
    assert [o.offer.offer_id for o in offers] == ["b", "a"]
