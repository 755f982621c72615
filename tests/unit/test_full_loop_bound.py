"""The bound of the full loop thinks by the worlds' own law, and takes no more than there is."""

import numpy as np
import pytest

from benchmarks.full_loop_bound import ANY, LOG, PRODUCT, WAYS, play, verdict
from benchmarks.full_loop_guess import PARTS, Answer, Guess
from benchmarks.full_loop_law import Law, Thinkable
from streams.contracts.times import DAY_MS
from streams.simulator.worlds import KINDS, World, WorldKind


@pytest.mark.parametrize("kind", KINDS)
def test_the_law_is_that_of_the_world(kind: WorldKind) -> None:
    """What an offer is expected to bring, of ten people and each offer, as the world says it."""
    world, compared = World(kind, customers=10, days=60, seed=3), 0
    law, at_ms = Law(world), world.start_ms + 20 * DAY_MS
    for customer_id in world.customer_ids:
        course = world.course(customer_id)
        if course.is_gone(at_ms):
            continue
        told = (np.array([course.person.tastes]), course.gap_days(at_ms))
        basket, deals = np.array([course.person.basket]), np.array([course.person.deals])
        people = Thinkable(told[0], np.array([told[1]]), basket, deals, np.ones(1))
        for offer in world.reference.offers:
            true = world.expected_by_nature(customer_id, offer.offer_id, at_ms).margin
            assert law.margins(people, offer, at_ms)[0] == pytest.approx(true, abs=2e-3)
            compared += 1
    assert compared > 10


def test_what_was_seen_says_what_is_liked() -> None:
    """After 40 looks at one department most is liked of it; before, it is as likely as any."""
    guess, looks = (
        Guess(World("fashion", customers=2, days=40, seed=1)),
        [(n, 0) for n in range(40)],
    )
    means = []
    for at_ms in (-1, 100):
        people = guess.thinkable("f00001", at_ms, looks)
        means.append(people.weights @ people.tastes)
    assert means[0][0] == pytest.approx(0.2, abs=0.06)
    assert means[1][0] > 0.7
    assert means[1][0] == max(means[1])


def test_orders_say_how_often_somebody_comes() -> None:
    """At the end of a grocery's play the gap is known to some percent, at the begin it is not."""
    world = World("grocery", customers=1, days=120, seed=1)
    (customer_id,), guess = world.customer_ids, Guess(world)
    true = world.course(customer_id).gap_days(world.end_ms)
    before, after = (
        guess.thinkable(customer_id, at_ms, ()).gap_days for at_ms in (world.start_ms, world.end_ms)
    )
    assert after.std() < 0.5 * before.std()
    assert abs(after.mean() - true) < 4.0 * after.std()


def test_uses_say_that_discounts_move_somebody() -> None:
    """Who used five of five is thought to be moved more than who used none; not before it shows."""
    world = World("grocery", customers=1, days=60, seed=1)
    (customer_id,), guess, offer = world.customer_ids, Guess(world), world.reference.offers[0]

    def deals(did: str, at_ms: int) -> float:
        answers = [
            Answer(offer=offer, at_ms=n * DAY_MS, until_ms=(n + 7) * DAY_MS, did=did,
                   coming=1.0, coming_ms=(n + 1) * DAY_MS, may_add=True)
            for n in range(5)
        ]  # fmt: skip
        people = guess.thinkable(customer_id, at_ms, ())
        people = guess.answered(people, customer_id, at_ms, answers)
        return float(people.weights @ people.deals)

    assert deals("used", 20 * DAY_MS) > 1.2 * deals("nothing", 20 * DAY_MS)
    assert deals("used", 0) == pytest.approx(deals("nothing", 0), rel=0.1)


def test_what_an_offer_did_shows_bit_by_bit() -> None:
    """A use when it comes, a missed one when it would have come, or when it cannot any more."""
    (offer, *_) = World("grocery", customers=1, days=40, seed=1).reference.offers
    told = {"offer": offer, "at_ms": 0, "until_ms": 90, "may_add": True}
    used = Answer(did="used", coming=1.0, coming_ms=50, **told)  # type: ignore[arg-type]
    assert [used.shown(t) for t in (10, 50)] == [("", 0.0, ""), ("used", 1.0, "")]
    missed = Answer(did="nothing", coming=1.0, coming_ms=50, **told)  # type: ignore[arg-type]
    assert [missed.shown(t) for t in (40, 50)] == [("", 0.0, "none"), ("missed", 1.0, "none")]
    added = Answer(did="added", coming=0.0, coming_ms=None, **told)  # type: ignore[arg-type]
    assert [added.shown(t) for t in (29, 60, 180)] == [
        ("", 0.0, ""),
        ("waits", 0.0, "added"),
        ("missed", 0.0, "added"),
    ]


def test_who_is_told_all_takes_the_best() -> None:
    """And gets what was thought; who is told nothing comes between a uniform choice and that."""
    blind, told = play("fashion", 1, (20, 60)), play("fashion", 1, (20, 60), PARTS)
    for way in WAYS:
        whole = blind[way].sums.whole
        print(way, whole)
        assert whole.decisions > 10
        assert whole.uniform < whole.chosen < whole.best
    for way in (LOG, ANY):
        whole = told[way].sums.whole
        assert whole.chosen == pytest.approx(whole.best, rel=1e-6)
        assert told[way].thought == pytest.approx(whole.chosen, rel=1e-3)


def test_the_goal_is_out_of_reach_only_well_below_it() -> None:
    """Two standard errors; what bounds the log alone is named so."""
    near, far = [0.78, 0.8, 0.79], [0.70, 0.71, 0.72]
    assert verdict({PRODUCT: far, LOG: far, ANY: far}) == "out of reach"
    assert verdict({PRODUCT: far, LOG: far, ANY: near}) == "not from this log"
    assert verdict({PRODUCT: far, LOG: near, ANY: near}) == "open"
    assert verdict({PRODUCT: [0.82, 0.8], LOG: near, ANY: near}) == "reached"
