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


def version_of(model: str, examples: int) -> str:
    """The name of what a model knows after so many examples."""
    return f"{model}-{examples}"


def examples_of(version: str) -> int:
    """How many examples stand in a version's name; 0 where it names none.

    >>> examples_of(version_of("response", 600)), examples_of("cold-start")
    (600, 0)
    """
    number = version.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


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
