"""In a world whose truth is known the learned share is far nearer to it than the constant."""

from benchmarks.bought_anyway import PRIOR, campaign


def test_the_learned_share_is_nearer_than_the_constant() -> None:
    """One offer, 4,000 decisions at random: less than half as far off."""
    seed = 11
    print(f"seed {seed}")
    learner, (found,) = campaign("grocery", 4_000, seed, "free-delivery")
    print(found, learner.figures())
    assert abs(found.learned - found.truth) < 0.5 * abs(PRIOR - found.truth)
    assert not found.pays(found.learned)
    assert found.pays(PRIOR)
