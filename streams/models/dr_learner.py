"""What an action changes for a person: a DR-learner that learns one example at a time.

Two linear models say what comes with the action and without it; the doubly robust score of an
example, which is the effect but for noise, is what a third one learns from the person's features
(Kennedy 2023, Electronic Journal of Statistics 17). Predictions are shrunk to the mean effect.
"""

from collections.abc import Mapping

from river import base, linear_model, stats

PROPENSITY_EDGE = 0.01
SHRINK_EXAMPLES = 1_000.0


class DrLearner(base.Estimator):  # type: ignore[misc]
    """An estimator of the effect of a binary action on a number.

    `alpha` of River's Bayesian regression is 1: it is not consistent for others. The effect of a
    person leans on the mean effect, which counts as `SHRINK_EXAMPLES` examples of the rarer arm.

    >>> learner = DrLearner()
    >>> for n in range(4000):
    ...     treated, x = n % 2 == 0, {"a": (n // 2) % 3 - 1.0}
    ...     learner.learn_one(x, treated, 1.0 + treated * x["a"], 0.5)
    >>> learner.predict_one({"a": 1.0}) > 0.4 > learner.predict_one({"a": 0.0}) > -0.1
    True
    """

    def __init__(self) -> None:
        self.with_action = linear_model.BayesianLinearRegression(alpha=1.0)
        self.without = linear_model.BayesianLinearRegression(alpha=1.0)
        self.effect = linear_model.BayesianLinearRegression(alpha=1.0)
        self.mean = stats.Mean()
        self.counts = [0, 0]

    def learn_one(
        self, x: Mapping[str, float], treated: bool, y: float, treatment_probability: float
    ) -> None:
        """One example: who, whether acted upon, what came, and P(acted upon)."""
        features = _with_bias(x)
        e = min(max(treatment_probability, PROPENSITY_EDGE), 1.0 - PROPENSITY_EDGE)
        score = self.score(x, treated, y, e)
        self.mean.update(score)
        self.effect.learn_one(features, score)
        (self.with_action if treated else self.without).learn_one(features, y)
        self.counts[treated] += 1

    def score(
        self, x: Mapping[str, float], treated: bool, y: float, treatment_probability: float
    ) -> float:
        """The doubly robust score of an example, by what was learned before it."""
        features = _with_bias(x)
        m1 = float(self.with_action.predict_one(features))
        m0 = float(self.without.predict_one(features))
        left = (
            (y - m1) / treatment_probability
            if treated
            else -(y - m0) / (1.0 - treatment_probability)
        )
        return m1 - m0 + left

    def predict_one(self, x: Mapping[str, float]) -> float:
        """The effect on this person."""
        n = float(min(self.counts))
        own = float(self.effect.predict_one(_with_bias(x)))
        mean = float(self.mean.get())
        return (n * own + SHRINK_EXAMPLES * mean) / (n + SHRINK_EXAMPLES)


def _with_bias(x: Mapping[str, float]) -> dict[str, float]:
    return {"1": 1.0, **x}
