"""What a churn signal is worth before a shop has seen any, and the example that teaches its worth.

The example holds the score that was said, the silence, and of each signal that stood then its
strength: so the learner asks how much oftener those with the signal stayed away than others of the
same score and silence.
"""

from msgspec.structs import replace

from streams.contracts.internal.learning import LearningExample
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer.row import Said

PRIOR_LIFT: dict[ChurnSignalCode, float] = {
    "cancel_page": 3.0,
    "uninstall": 2.5,
    "complaint": 1.5,
    "low_nps": 1.5,
    "unsubscribe": 1.3,
    "return_heavy": 1.2,
    "offer_ignored": 1.1,
    "visit_drop": 4.0,
    "basket_drop": 1.1,
    "category_loss": 1.1,
    "purchase_overdue": 1.0,
}
"""How many times the odds of leaving are what they were without the signal, at strength 1.

A judgment, measured on no shop: most who look at the cancel page stay. What tells of leaving itself
counts most; silence of purchases counts once, in the score. That of visits was set in worlds.
"""
LEARNED_SIGNALS: tuple[ChurnSignalCode, ...] = tuple(
    code for code, lift in PRIOR_LIFT.items() if lift > 1.0
)
"""Whose worth is learned: all but those that the score has in it already."""
LIFTS_MODEL = "signal_lifts"
REPORTED = "reported"
REPORT_WEIGHT = 0.5  # the CRM's word, and what came: together one label
SIGNAL_PREFIX = "signal_"


def lift_example(
    example_id: str, said: Said, horizon_ms: int, bought: bool, observed_at_ms: int
) -> LearningExample:
    """What a moment teaches of its signals once its horizon is over.

    The label is 1.0 when nothing was bought within the horizon.
    """
    strengths = {
        SIGNAL_PREFIX + code: strength for code, strength in said.signals if code in LEARNED_SIGNALS
    }
    return LearningExample(
        example_id=example_id,
        model=LIFTS_MODEL,
        observed_at_ms=observed_at_ms,
        label=float(not bought),
        features={
            "score": said.score,
            "own_gaps": said.own_gaps,
            "horizon_ms": float(horizon_ms),
            **strengths,
        },
    )


def report_example(
    example_id: str, said: Said, horizon_ms: int, stays: bool, observed_at_ms: int
) -> LearningExample:
    """Half of what a case teaches that the CRM has spoken of: its word, or what came of it."""
    example = lift_example(example_id, said, horizon_ms, stays, observed_at_ms)
    return replace(example, weight=REPORT_WEIGHT, features={**example.features, REPORTED: 1.0})
