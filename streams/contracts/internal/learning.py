"""What the learner reads and writes: labelled examples and snapshots of models, all by name."""

from msgspec import Struct


class LearningExample(Struct, frozen=True, kw_only=True):
    """A record of `learning-examples`, key = `model`: features of decision time and their label.

    `example_id` is unique per label; the same id is learned once. `observed_at_ms` is the event
    time at which the label became known.
    """

    example_id: str
    model: str
    observed_at_ms: int
    label: float
    features: dict[str, float]
    weight: float = 1.0
    offer_id: str | None = None
    action_probability: float | None = None
    model_version: str | None = None


class ModelSnapshot(Struct, frozen=True, kw_only=True):
    """A record of `model-snapshots`: every parameter by its name.

    Its key is `model`, or `<model>.unsound` where its quality forbids to decide with it.
    """

    model: str
    version: str
    format: int
    examples: int
    trained_at_ms: int
    parameters: dict[str, object]
    quality: dict[str, float] = {}
