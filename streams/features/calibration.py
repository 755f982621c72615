"""The example that shows whether what was said of churn came true."""

from streams.contracts.ids import pseudonym
from streams.contracts.internal.learning import CUSTOMER_KEY, LearningExample
from streams.customer.row import Said

CALIBRATION_MODEL = "calibration"


def calibration_example(
    example_id: str,
    said: Said,
    horizon_ms: int,
    bought: bool,
    observed_at_ms: int,
    customer_id: str,
) -> LearningExample:
    """A moment's stated risk, score and silence, once its horizon is over.

    The label is 1.0 when nothing was bought within the horizon. By the pseudonym of the person the
    archive finds it when they ask to be erased, and the evaluation knows whose labels are one's.
    """
    return LearningExample(
        example_id=example_id,
        model=CALIBRATION_MODEL,
        observed_at_ms=observed_at_ms,
        label=float(not bought),
        features={
            "score": said.score,
            "risk": said.risk,
            "own_gaps": said.own_gaps,
            "horizon_ms": float(horizon_ms),
            CUSTOMER_KEY: float(pseudonym(customer_id)),
        },
    )
