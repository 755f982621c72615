"""What has moved a churn case so far, which moves it no more: of one case, or of two as one."""

from msgspec.structs import replace

from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer.row import AlertCase


def moved_by(case: AlertCase, score: float, lifted: dict[ChurnSignalCode, float]) -> AlertCase:
    """The case after a score and signals, each with its factor on the odds, have moved it."""
    most = dict(case.lifted)
    for code, factor in lifted.items():
        most[code] = max(factor, most.get(code, factor))
    return replace(
        case,
        spent=tuple(sorted({*case.spent, *lifted})),
        score_max=max(case.score_max, score),
        lifted=tuple(sorted(most.items())),
    )


def moved_by_both(mine: AlertCase, other: AlertCase) -> AlertCase:
    """My case, where what has moved the other's case moves it no more."""
    both = moved_by(mine, other.score_max, dict(other.lifted))
    return replace(both, spent=tuple(sorted({*both.spent, *other.spent})))
