"""One battery of checks over every model that learns, after river's `checks.common`.

A model is anything with `learn(example)`, `dump()` and a classmethod `load(data)`. `check_model`
runs all of it; a new model is one test that calls it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

import msgspec

from streams.contracts.internal.learning import LearningExample

DUMP_BYTES_MAX = 1_000_000  # a snapshot is one Kafka record


class Learner(Protocol):
    """What the battery asks of a model."""

    def learn(self, example: LearningExample) -> None:
        """Learn one label."""

    def dump(self) -> dict[str, object]:
        """Every parameter by name."""

    @classmethod
    def load(cls, data: Mapping[str, object]) -> Self:
        """What `dump` wrote out."""


MakeLearner = Callable[[], Any]
MakeExamples = Callable[[int], Sequence[LearningExample]]
Predict = Callable[[Any, LearningExample], float]


def check_model(
    make_learner: MakeLearner,
    make_examples: MakeExamples,
    predict: Predict,
    *,
    warm_up: int = 2000,
    bound_at: tuple[int, int] = (3000, 9000),
) -> None:
    """Run the whole battery.

    Args:
        make_learner: a model that has learned nothing.
        make_examples: the first n examples of one fixed stream that can be learned from; each call
            makes them anew and equal.
        predict: the model's P(label is 1) for an example's features.
        warm_up: after how many examples the model must be better than the constant rate.
        bound_at: two sizes of stream between which the dump may grow by a tenth at most.
    """
    check_predicts_before_learning(make_learner, make_examples, predict)
    check_learns(make_learner, make_examples, predict, warm_up)
    check_dump_and_load_are_equal(make_learner, make_examples, predict)
    check_same_stream_makes_the_same_model(make_learner, make_examples)
    check_examples_are_not_changed(make_learner, make_examples)
    check_memory_is_bounded(make_learner, make_examples, bound_at)


def check_predicts_before_learning(
    make_learner: MakeLearner, make_examples: MakeExamples, predict: Predict
) -> None:
    """A model that knows nothing answers with a probability, and so does its reloaded dump."""
    (example,) = make_examples(1)
    for learner in (make_learner(), _reload(make_learner())):
        assert 0.0 < predict(learner, example) < 1.0


def check_learns(
    make_learner: MakeLearner, make_examples: MakeExamples, predict: Predict, warm_up: int
) -> None:
    """After the warm-up its log loss on examples not yet seen is below the constant rate's."""
    learner, examples = make_learner(), make_examples(2 * warm_up)
    for example in examples[:warm_up]:
        learner.learn(example)
    rate = sum(e.label for e in examples[:warm_up]) / warm_up
    own = constant = 0.0
    for example in examples[warm_up:]:
        own += _log_loss(example.label, predict(learner, example))
        constant += _log_loss(example.label, rate)
        learner.learn(example)
    assert own < constant, f"log loss {own / warm_up:.4f}, constant rate {constant / warm_up:.4f}"


def check_dump_and_load_are_equal(
    make_learner: MakeLearner, make_examples: MakeExamples, predict: Predict
) -> None:
    """A model stored half way as JSON and read back goes on exactly like the one that stayed."""
    stayed, examples = make_learner(), make_examples(600)
    for example in examples[:300]:
        stayed.learn(example)
    moved = _reload(stayed)
    assert moved.dump() == stayed.dump()
    for example in examples[300:]:
        assert predict(moved, example) == predict(stayed, example)
        stayed.learn(example)
        moved.learn(example)
    assert moved.dump() == stayed.dump()


def check_same_stream_makes_the_same_model(
    make_learner: MakeLearner, make_examples: MakeExamples
) -> None:
    """Nothing but the examples decides: two runs end in equal bytes."""
    first, second = _trained(make_learner, make_examples(300)), make_examples(300)
    assert _encode(first) == _encode(_trained(make_learner, second))


def check_examples_are_not_changed(make_learner: MakeLearner, make_examples: MakeExamples) -> None:
    """Learning leaves the example as it was, its dict of features included."""
    examples = make_examples(50)
    before = msgspec.json.encode(examples)
    _trained(make_learner, examples)
    assert msgspec.json.encode(examples) == before


def check_memory_is_bounded(
    make_learner: MakeLearner, make_examples: MakeExamples, bound_at: tuple[int, int]
) -> None:
    """The dump stops growing with the stream and fits into one record."""
    few, many = bound_at
    learner, examples = make_learner(), make_examples(many)
    for example in examples[:few]:
        learner.learn(example)
    size_few = len(_encode(learner))
    for example in examples[few:]:
        learner.learn(example)
    size_many = len(_encode(learner))
    assert size_many <= 1.1 * size_few, f"{size_few} bytes at {few}, {size_many} at {many}"
    assert size_many < DUMP_BYTES_MAX


def _trained(make_learner: MakeLearner, examples: Sequence[LearningExample]) -> Any:
    learner = make_learner()
    for example in examples:
        learner.learn(example)
    return learner


def _reload(learner: Any) -> Any:
    return type(learner).load(msgspec.json.decode(_encode(learner)))


def _encode(learner: Any) -> bytes:
    return msgspec.json.encode(learner.dump())


def _log_loss(label: float, probability: float) -> float:
    p = min(max(probability, 1e-9), 1.0 - 1e-9)
    return -math.log(p if label > 0.5 else 1.0 - p)
