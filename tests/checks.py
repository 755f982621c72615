"""One battery of checks over every model that learns, after river's `checks.common`.

A model is any class of `streams.models` with `model_id`, `learn(example)`, `dump()`,
`view(version)` and a classmethod `load(data)`; `tests/unit/models/test_battery.py` runs each check
on each of them.
"""

import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, Self

import msgspec

from streams import models
from streams.contracts.internal.learning import LearningExample

DUMP_BYTES_MAX = 1_000_000  # a snapshot is one Kafka record


class Learner(Protocol):
    """What the battery asks of a model."""

    def learn(self, example: LearningExample) -> float | None:
        """Learn one label, and tell what was said of it before."""

    def dump(self) -> dict[str, object]:
        """Every parameter by name."""

    @classmethod
    def load(cls, data: Mapping[str, object]) -> Self:
        """What `dump` wrote out."""


class Subject(NamedTuple):
    """A model, and what it is checked with.

    Attributes:
        make: a model that has learned nothing.
        examples: the first n examples of one fixed stream that can be learned from; each call
            makes them anew and equal.
        predict: the model's P(label is 1) for an example's features.
        warm_up: after how many examples the model must be better than the constant rate.
        bound_at: two sizes of stream between which the dump may grow by a tenth at most.
    """

    make: Callable[[], Any]
    examples: Callable[[int], Sequence[LearningExample]]
    predict: Callable[[Any, LearningExample], float]
    warm_up: int = 2000
    bound_at: tuple[int, int] = (3000, 9000)


def learners() -> list[type]:
    """Every model that learns, found by walking `streams.models`."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(models.__path__, f"{models.__name__}."):
        kinds = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        found.update((name, kind) for name, kind in kinds if _is_learner(kind))
    return [found[name] for name in sorted(found)]


def _is_learner(kind: type) -> bool:
    parts = ("model_id", "learn", "dump", "load", "view")
    return all(hasattr(kind, part) for part in parts) and not getattr(kind, "_is_protocol", False)


def check_predicts_before_learning(of: Subject) -> None:
    """A model that knows nothing answers with a probability, and so does its reloaded dump."""
    (example,) = of.examples(1)
    for learner in (of.make(), _reload(of.make())):
        assert 0.0 < of.predict(learner, example) < 1.0


def check_learns(of: Subject) -> None:
    """After the warm-up its log loss on examples not yet seen is below the constant rate's."""
    learner, examples, warm_up = of.make(), of.examples(2 * of.warm_up), of.warm_up
    for example in examples[:warm_up]:
        learner.learn(example)
    rate = sum(e.label for e in examples[:warm_up]) / warm_up
    own = constant = 0.0
    for example in examples[warm_up:]:
        own += _log_loss(example.label, of.predict(learner, example))
        constant += _log_loss(example.label, rate)
        learner.learn(example)
    assert own < constant, f"log loss {own / warm_up:.4f}, constant rate {constant / warm_up:.4f}"


def check_learning_tells_what_was_said(of: Subject) -> None:
    """`learn` returns what the model said of the label before, where it foretells any at all."""
    learner, twin = of.make(), of.make()
    for example in of.examples(300):
        before = twin.predict(example) if hasattr(twin, "predict") else None
        assert learner.learn(example) == before
        twin.learn(example)
    assert learner.dump() == twin.dump()


def check_dump_and_load_are_equal(of: Subject) -> None:
    """A model stored half way as JSON and read back goes on exactly like the one that stayed."""
    stayed, examples = of.make(), of.examples(600)
    for example in examples[:300]:
        stayed.learn(example)
    moved = _reload(stayed)
    assert moved.dump() == stayed.dump()
    for example in examples[300:]:
        assert of.predict(moved, example) == of.predict(stayed, example)
        stayed.learn(example)
        moved.learn(example)
    assert moved.dump() == stayed.dump()


def check_same_stream_makes_the_same_model(of: Subject) -> None:
    """Nothing but the examples decides: two runs end in equal bytes."""
    first, second = _trained(of.make, of.examples(300)), of.examples(300)
    assert _encode(first) == _encode(_trained(of.make, second))


def check_examples_are_not_changed(of: Subject) -> None:
    """Learning leaves the example as it was, its dict of features included."""
    examples = of.examples(50)
    before = msgspec.json.encode(examples)
    _trained(of.make, examples)
    assert msgspec.json.encode(examples) == before


def check_an_example_that_lacks_a_feature_changes_nothing(of: Subject) -> None:
    """An older version wrote it, say: it is learned without, or refused with nothing changed."""
    learner, examples = of.make(), of.examples(340)
    for example in examples[:300]:
        learner.learn(example)
    for example in examples[300:]:
        for name in example.features:
            rest = {n: value for n, value in example.features.items() if n != name}
            before, lacking = _encode(learner), _lacking(learner, example, rest)
            assert lacking in (None, name)
            assert lacking is None or _encode(learner) == before


def _lacking(learner: Learner, example: LearningExample, features: dict[str, float]) -> str | None:
    """The feature that the model says is missing; None where it has learned."""
    try:
        learner.learn(msgspec.structs.replace(example, features=features))
    except KeyError as error:
        return str(error.args[0])
    return None


def check_memory_is_bounded(of: Subject) -> None:
    """The dump stops growing with the stream and fits into one record."""
    few, many = of.bound_at
    learner, examples = of.make(), of.examples(many)
    for example in examples[:few]:
        learner.learn(example)
    size_few = len(_encode(learner))
    for example in examples[few:]:
        learner.learn(example)
    size_many = len(_encode(learner))
    assert size_many <= 1.1 * size_few, f"{size_few} bytes at {few}, {size_many} at {many}"
    assert size_many < DUMP_BYTES_MAX


CHECKS: tuple[Callable[[Subject], None], ...] = (
    check_predicts_before_learning,
    check_learns,
    check_learning_tells_what_was_said,
    check_dump_and_load_are_equal,
    check_same_stream_makes_the_same_model,
    check_examples_are_not_changed,
    check_an_example_that_lacks_a_feature_changes_nothing,
    check_memory_is_bounded,
)


def _trained(make: Callable[[], Any], examples: Sequence[LearningExample]) -> Any:
    learner = make()
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
