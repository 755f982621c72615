"""What the learner reads and writes: labelled examples and snapshots of models, all by name."""

from functools import lru_cache
from typing import Final

from msgspec import Struct

CUSTOMER_KEY: Final = "customer_key"
"""The feature by which labels of one person are known as one person's: a pseudonym."""
TWOS_MAX: Final = 15
RESPONSE: Final = "response"
CHALLENGER: Final = "challenger"
"""A response model that learns the same labels, tuned otherwise, and does not decide."""
_OF_A_CHALLENGER: Final = f"{CHALLENGER}-"


class LearningExample(Struct, frozen=True, kw_only=True):
    """A record of `learning-examples`, key = `model`: features of decision time and their label.

    `example_id` is unique per label; the same id is learned once. `observed_at_ms` is the event
    time at which the label became known. `arm`: of the experiment, where a decision is judged.
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
    arm: str | None = None


def version_of(model: str, examples: int, before: int = 0) -> str:
    """The name of what a model knows after so many examples, begun anew after so many before.

    >>> version_of("response", 600), version_of("challenger", 200, before=3000)
    ('response-600', 'challenger-3000-200')
    """
    return f"{model}-{before}-{examples}" if before else f"{model}-{examples}"


@lru_cache(maxsize=64)  # every decision asks it of the few versions that decide
def examples_of(version: str) -> int:
    """How many examples a version knows, by its name; 0 where it names none.

    >>> examples_of("response-600"), examples_of("challenger-3000-200"), examples_of("cold-start")
    (600, 200, 0)
    """
    number = version.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


def all_examples_of(version: str) -> int:
    """How many examples a version has seen in all, also before it began anew, by its name.

    >>> all_examples_of("response-600"), all_examples_of("challenger-3000-200")
    (600, 3200)
    """
    return sum(int(part) for part in version.split("-") if part.isascii() and part.isdigit())


def is_challengers(version: str) -> bool:
    """Whether a version is one of the challenger.

    >>> is_challengers(version_of(CHALLENGER, 600)), is_challengers("cold-start")
    (True, False)
    """
    return version.startswith(_OF_A_CHALLENGER)


class ModelSnapshot(Struct, frozen=True, kw_only=True):
    """A record of `model-snapshots`: every parameter by its name.

    Its key (`key_of`) leaves some of the older ones where the topic is compacted.
    """

    model: str
    version: str
    format: int
    examples: int
    trained_at_ms: int
    parameters: dict[str, object]
    quality: dict[str, float] = {}


class Rollback(ModelSnapshot, frozen=True, kw_only=True):
    """The snapshot that workers decide with because somebody said so: a record of its own key.

    It holds the whole snapshot, so it serves however long the topic keeps others. Taken back it
    stays, with `in_force` false: decisions that name its version can still be made again.

    Attributes:
        asked_at_ms, by, why: when, who and what for.
        in_force: whether it decides; false: the newest good snapshot does again.
        earlier: what was asked before, in words, the newest last.
    """

    asked_at_ms: int
    by: str
    why: str
    in_force: bool = True
    earlier: tuple[str, ...] = ()


class Promotion(Rollback, frozen=True, kw_only=True):
    """The challenger decides, and the response model is scored beside it, until it is taken back.

    It holds the challenger's snapshot of that moment; newer ones follow it, as long as they are
    tuned alike. `in_force` false: they have changed back.
    """

    promotes: bool = True


ROLLBACK: Final = ".rollback"
PROMOTED: Final = ".promoted"
UNSOUND: Final = ".unsound"


def key_of(snapshot: ModelSnapshot, *, serves: bool) -> bytes:
    """The key of a record of `model-snapshots`; `serves`: whether workers may decide with it.

    Of those that serve, the key counts how often 2 divides the number of examples. So the newest is
    always kept, and of the older ones about one for each doubling of their age. One that may not
    serve has one key, and never takes the place of one that may.

    >>> def key(examples):
    ...     known = {"format": 2, "trained_at_ms": 0, "parameters": {}}
    ...     return key_of(ModelSnapshot(model="response", version="", examples=examples, **known),
    ...                   serves=True)
    >>> key(200), key(400), key(600)
    (b'response.3', b'response.4', b'response.3')
    """
    if isinstance(snapshot, Promotion):
        return f"{snapshot.model}{PROMOTED}".encode()
    if isinstance(snapshot, Rollback):
        return f"{snapshot.model}{ROLLBACK}".encode()
    if not serves:
        return f"{snapshot.model}{UNSOUND}".encode()
    twos = (snapshot.examples & -snapshot.examples).bit_length() - 1
    return f"{snapshot.model}.{min(max(twos, 0), TWOS_MAX)}".encode()
