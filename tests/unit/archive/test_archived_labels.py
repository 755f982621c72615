"""Labels by which the churn score is judged are archived, and an erasure finds them."""

from collections import Counter
from pathlib import Path

import msgspec

from streams import topics
from streams.archive import every_row
from streams.archive.erasures import Asked
from streams.archive.keeping import Keeper, Keeping
from streams.archive.records import Row, row_of
from streams.contracts.internal.learning import CUSTOMER_KEY, LearningExample
from streams.contracts.internal.learning_records import encode_example
from streams.customer.row import Said
from streams.features.calibration import calibration_example
from streams.features.churn_signals import lift_example
from tests.unit.archive.test_archive_keeping import BEGIN_MS, DAY_MS, LINKS, link
from tests.unit.archive.test_archive_records import Message

LABELS = topics.LEARNING_EXAMPLES
SAID = Said(0.4, 0.6, 2.5)


class At(Message):
    """A record of its own offset and time."""

    def __init__(self, example: LearningExample, offset: int, at_ms: int) -> None:
        super().__init__(encode_example(example))
        self._offset, self._at_ms = offset, at_ms

    def offset(self) -> int:
        """Where it lies."""
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        """When it was written."""
        return 1, self._at_ms


def label(person: str) -> LearningExample:
    """Of a look at somebody."""
    return calibration_example(f"x-{person}", SAID, DAY_MS, True, BEGIN_MS, person)


def kept(example: LearningExample, offset: int = 0, at_ms: int = BEGIN_MS) -> Row | None:
    """How it is archived."""
    return row_of(LABELS.name, At(example, offset, at_ms))


def test_a_label_names_a_pseudonym_and_no_id() -> None:
    """What the archive finds it by is in the record; an id never looks like it."""
    row = kept(label("ann"))
    assert row is not None
    (name,) = row.people
    assert name[0] == "#"
    assert name[1:].isdigit()
    assert row.people != getattr(kept(label("bo")), "people", ())
    assert '"ann"' not in (row.value or "")


def test_what_names_nobody_is_not_kept() -> None:
    """Labels of an older version, and those that the signals and the score learn from."""
    features = dict(label("ann").features)
    del features[CUSTOMER_KEY]
    assert kept(msgspec.structs.replace(label("ann"), features=features)) is None
    assert kept(lift_example("x", SAID, DAY_MS, True, BEGIN_MS)) is None


def test_an_erasure_takes_labels_out_under_all_linked_ids(tmp_path: Path) -> None:
    """Those of that time, also when they come late; later ones and those of others stay."""
    keeper = Keeper(Keeping(root=tmp_path, topics=(LABELS.name, LINKS), by_wall=False))
    keeper.take((LINKS, 0), 1, link(0, "ann", "old-ann"))
    until_ms = BEGIN_MS + DAY_MS
    told = [("ann", BEGIN_MS), ("old-ann", BEGIN_MS), ("bo", BEGIN_MS), ("ann", until_ms + 1)]
    for offset, (person, at_ms) in enumerate(told):
        keeper.take((LABELS.name, 3), offset + 1, kept(label(person), offset, at_ms))
    keeper.flush()
    keeper.ask(Asked(("ann",), until_ms))
    keeper.flush()
    keeper.take((LABELS.name, 3), 5, kept(label("old-ann"), 4, BEGIN_MS))
    keeper.flush()
    left = [msgspec.json.decode(value)["example_id"] for value in every_row(tmp_path, LABELS)]
    assert Counter(left) == {"x-bo": 1, "x-ann": 1}
