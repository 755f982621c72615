"""Randomized tables: who was treated, what came of it, and what is known of each person."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.errors import OperatorError
from streams.evaluation.number_tables import header_of, rows_of

Floats = NDArray[np.float64]
ROWS_MAX = 5_000_000
ARM_MIN = 100
OFFERS = ("offer", "used")
RESERVED = ("treatment", "outcome", "treatment_probability", *OFFERS)


class Trial(Struct, frozen=True):
    """A randomized table.

    Attributes:
        names: of the features.
        features: shape `[n, k]`, standardized.
        treated: 1.0 or 0.0, shape `[n]`.
        outcomes: shape `[n]`.
        treatment_probability: P(treated), shape `[n]`.
        offers: which offer each person got, empty for nobody's; none where that is not told.
        used: 1.0 for who used it, shape `[n]`.
    """

    names: tuple[str, ...]
    features: Floats
    treated: Floats
    outcomes: Floats
    treatment_probability: Floats
    offers: tuple[str, ...] = ()
    used: Floats = np.zeros(0)


def read_trial(path: Path) -> Trial:
    """A CSV: `treatment` (0 or 1), `outcome`, features, and perhaps more.

    `treatment_probability` where people were not treated alike; `offer` and `used` (0 or 1) where
    there were several.

    Raises:
        OperatorError: columns are missing, a line is no number, or an arm is too small.
    """
    head = header_of(path)
    names = tuple(name for name in head if name not in RESERVED)
    if not {"treatment", "outcome"} <= set(head) or not names:
        raise OperatorError(f"{path}: needs the columns treatment, outcome, and features")
    several = set(OFFERS) <= set(head)
    offers, read = list[str](), []
    for number, row in islice(rows_of(path), ROWS_MAX + 1):
        read.append(_numbers(path, number, row, names))
        if several:
            offers.append(row["offer"] if read[-1][0] else "")
    if len(read) > ROWS_MAX:
        raise OperatorError(f"{path}: over {ROWS_MAX:,} rows, which is more than are read")
    table = np.array(read, np.float64).reshape(-1, len(names) + 4)
    treated = table[:, 0]
    arms = int(treated.sum()), int((1.0 - treated).sum())
    if min(arms) < ARM_MIN:
        raise OperatorError(
            f"{path}: {arms[0]:,} treated and {arms[1]:,} others; {ARM_MIN} of each are needed"
        )
    features = table[:, 4:]
    spread = features.std(0)
    scaled = (features - features.mean(0)) / np.where(spread > 0.0, spread, 1.0)
    treatment_probability = np.where(np.isnan(table[:, 2]), treated.mean(), table[:, 2])
    told = names, scaled, treated, table[:, 1], treatment_probability
    return Trial(*told, tuple(offers), table[:, 3] if several else np.zeros(0))


def _numbers(path: Path, number: int, row: dict[str, str], names: Sequence[str]) -> list[float]:
    try:
        treated, outcome = float(row["treatment"]), float(row["outcome"])
        treatment_probability = float(row.get("treatment_probability") or "nan")
        used = float(row.get("used") or 0.0)
        told = [treated, outcome, treatment_probability, used]
        told += [float(row[name]) for name in names]
    except (TypeError, ValueError, KeyError) as error:
        wrong = _no_number(row, ("treatment", "outcome", *names))
        raise OperatorError(f"{path}: line {number}: {wrong or error}") from error
    if treated not in (0.0, 1.0) or treatment_probability <= 0.0 or treatment_probability >= 1.0:
        raise OperatorError(
            f"{path}: line {number}: treatment is 0 or 1, treatment_probability between them"
        )
    if not all(np.isfinite([outcome, *told[3:]])):
        raise OperatorError(f"{path}: line {number}: a number is not finite")
    return told


def _no_number(row: dict[str, str], required: Sequence[str]) -> str:
    """The first column whose cell is no number, and the cell; empty cells of others are left out.

    >>> _no_number({"x": "1", "age": "old"}, ("x", "age"))
    "age must be a number, not 'old'"
    """
    others = [name for name in ("treatment_probability", "used") if row.get(name)]
    for name in (*required, *others):
        try:
            float(row[name])
        except (TypeError, ValueError, KeyError):
            return f"{name} must be a number, not {row.get(name)!r}"
    return ""
