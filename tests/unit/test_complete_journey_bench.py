"""What the benchmark of real coupons counts: first sights, and uses before."""

from collections import Counter

from benchmarks.complete_journey import Year, played
from streams.simulator.journey import EVENTS

FEW = 10  # one household of ten: the whole year in seconds


def test_each_pair_has_one_first_sight_and_uses_only_grow() -> None:
    """Of a household's offers in turn, one is the first of its pair, and no use is unlearned."""
    story = Year(EVENTS, every_household=FEW)
    told = played(story)
    assert len(told) > 50
    assert all(0.0 < one.said < 1.0 for one in told)
    firsts = Counter((m.household, m.offer_id) for m in story.made.values() if m.first)
    assert set(firsts) == {(m.household, m.offer_id) for m in story.made.values()}
    assert set(firsts.values()) == {1}
    before: dict[str, int] = {}
    for made in story.made.values():
        assert made.uses_before >= before.get(made.household, 0)
        before[made.household] = made.uses_before
    used = Counter(one.made.household for one in told if one.label > 0.5)
    assert used
    assert any(before.values())
