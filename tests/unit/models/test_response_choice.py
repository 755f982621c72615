"""Closed loop with known truth: offers chosen by the model are used far more than random ones."""

import numpy as np

from streams.contracts.internal.learning import LearningExample
from streams.features import CONTEXT_FEATURES, OFFER_FEATURES, prior_log_odds
from streams.features.offers import RATE_LOGITS
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.response import CONTEXT_AXIS, OFFER_AXIS

SEED = 11
OFFERS = 12
EPSILON = 0.1


def test_greedy_choice_beats_random_within_a_few_thousand_decisions() -> None:
    """After 3,000 decisions the model closes more than half of the gap from random to best."""
    random = np.random.default_rng(SEED)
    quality = random.normal(0.0, 0.5, OFFERS)
    priors = [prior_log_odds(0.1)] * OFFERS
    ids = [f"offer-{n}" for n in range(OFFERS)]
    trainer, models = Trainer(every=100), initial_models()
    gained: list[tuple[float, float, float]] = []
    for step in range(4000):
        context, offers = _occasion(random)
        logits = -2.5 + quality + 1.2 * offers[:, 0] + offers[:, 2] * context[0]
        truth = 1.0 / (1.0 + np.exp(-logits))
        scores = models.response.response_probabilities(context, offers, ids, priors)
        chosen = int(scores.argmax())
        if random.random() < EPSILON:
            chosen = int(random.integers(OFFERS))
        gained.append((truth[chosen], truth.mean(), truth.max()))
        label = float(random.random() < truth[chosen])
        snapshot = trainer.learn(_example(step, ids[chosen], label, context, offers[chosen]))
        if snapshot is not None:
            models = with_snapshot(models, snapshot)
    own, uniform, best = np.array(gained[3000:]).mean(axis=0)
    print(f"seed {SEED}: used {own:.3f}, at random {uniform:.3f}, at best {best:.3f}")
    assert own - uniform > 0.5 * (best - uniform)


def _occasion(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A person's context, shape [K], and what the offers are to them, shape [12, 8]."""
    context = random.normal(0.0, 0.8, len(CONTEXT_FEATURES)).clip(-3.0, 3.0)
    offers = np.zeros((OFFERS, len(OFFER_FEATURES)))
    offers[:, 0] = random.normal(0.0, 1.0, OFFERS).clip(-3.0, 3.0)
    offers[:, 2] = np.arange(OFFERS) % 2
    offers[:, 7] = prior_log_odds(0.1) / RATE_LOGITS
    return context, offers


def _example(
    step: int, offer_id: str, label: float, context: np.ndarray, offer: np.ndarray
) -> LearningExample:
    features = dict(zip(CONTEXT_AXIS, context.tolist(), strict=True))
    features |= dict(zip(OFFER_AXIS, offer.tolist(), strict=True))
    return LearningExample(
        example_id=f"x-{step}",
        model="response",
        observed_at_ms=step,
        label=label,
        features=features,
        offer_id=offer_id,
    )
