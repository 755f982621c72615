"""The rule by which a snapshot may not serve: drift and arms, beside loss and calibration."""

import random

import pytest

from streams.errors import StateError
from streams.models.quality import WINDOW, Prequential, doubts

SEED = 20260301


def window(said: float, *times: tuple[int, float], arm: str = "policy") -> Prequential:
    """Probabilities around `said`; for so many labels, so many times as many come true."""
    draw = random.Random(SEED)
    print(f"SEED={SEED}")
    quality = Prequential()
    for count, factor in times:
        for _ in range(count):
            p = said * draw.choice((0.4, 1.0, 1.6))
            quality.add(p, float(draw.random() < p * factor), arm)
    return quality


def test_labels_that_stop_coming_are_drift() -> None:
    """A feed of uses that breaks off is found while the window as a whole says nothing yet."""
    assert doubts(window(0.12, (1000, 1.0)).figures()) == ()
    figures = window(0.12, (1000, 1.0), (450, 0.0)).figures()
    assert doubts(figures) == ("drift",)
    assert figures["drift_window"] < 450
    assert figures["rate"] * figures["window"] < 100  # too few to judge the window by


def test_a_model_that_has_followed_the_change_serves_again() -> None:
    """What counts is what it says since the change, so learning ends the fall back by itself."""
    quality = window(0.3, (1000, 1.0), (200, 0.1))
    assert "drift" in doubts(quality.figures())
    for pair in window(0.03, (900, 1.0)).pairs:
        quality.add(*pair)
    assert doubts(quality.figures()) == ()


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_no_drift(seed: int) -> None:
    """Windows of calibrated predictions of all sizes of rate raise no doubt."""
    draw = random.Random(seed)
    quality = Prequential()
    for _ in range(WINDOW):
        p = draw.uniform(0.02, 0.4)
        quality.add(p, float(draw.random() < p), draw.choice(("policy", "uniform")))
    assert doubts(quality.figures()) == ()


def test_an_arm_that_is_off_is_named() -> None:
    """Both arms together look right, each by itself is off by half or double."""
    quality = Prequential()
    ups = window(0.2, (500, 0.25), arm="policy").pairs
    downs = window(0.1, (500, 2.6), arm="uniform").pairs
    for up, down in zip(ups, downs, strict=True):
        quality.add(*up)
        quality.add(*down)
    figures = quality.figures()
    assert 0.9 < figures["calibration"] < 1.25
    assert "arm_policy" in doubts(figures)
    assert "arm_uniform" in doubts(figures)


def test_a_window_is_written_and_read_again() -> None:
    """Arms stay; what an older version wrote has none."""
    quality = window(0.12, (50, 1.0))
    assert Prequential.load(quality.dump()).figures() == quality.figures()
    old = Prequential.load([[0.5, 1.0], [0.25, 0.0]])
    assert list(old.pairs) == [(0.5, 1.0, ""), (0.25, 0.0, "")]
    with pytest.raises(StateError):
        Prequential.load([[0.5, "used"]])
