"""A table of the Open Bandit Dataset, as a judge of policies reads it."""

from collections.abc import Iterator
from pathlib import Path

from streams.errors import OperatorError
from streams.evaluation.number_tables import header_of, rows_of
from streams.evaluation.off_policy import Logged
from streams.evaluation.over_arms import Row, logged_of

OPEN_BANDIT = ("item_id", "click", "propensity_score")
NEEDED = "docs/ask-the-log.md tells what is needed"


def is_open_bandit(path: Path) -> bool:
    """Whether a file is a table of the Open Bandit Dataset."""
    return path.is_file() and set(OPEN_BANDIT) <= set(header_of(path))


def read_open_bandit(path: Path) -> Logged:
    """A table of the Open Bandit Dataset (Saito and others 2021), judged for a uniform choice.

    Every impression counts as somebody else's: the table does not tell who is who.

    Raises:
        OperatorError: a line is not as it should be.
    """
    rows = list(_impressions(path))
    items = len({item for item, _, _ in rows})
    rate = sum(click for _, click, _ in rows) / max(len(rows), 1)
    target = 1.0 / max(items, 1)
    return logged_of(
        [
            Row(action_probability, target, click, rate, rate, 0.0, str(number))
            for number, (_, click, action_probability) in enumerate(rows)
        ]
    )


def _impressions(path: Path) -> Iterator[tuple[str, float, float]]:
    for number, row in rows_of(path):
        try:
            click, action_probability = float(row["click"]), float(row["propensity_score"])
        except ValueError as error:
            raise OperatorError(f"{path}: line {number} cannot be read: {NEEDED}") from error
        if not 0.0 < action_probability <= 1.0:
            raise OperatorError(
                f"{path}: line {number}: propensity_score {action_probability} is none"
            )
        yield row["item_id"], click, action_probability
