"""Whether there is time for a case in a week: by what a contact gains."""

from streams.alerts.moves import Move
from streams.alerts.scoring import Scoring
from streams.contracts.outputs.effects import CaseWeighed
from streams.contracts.reference.structs import ChurnDefinition

Weighed = tuple[Move | None, tuple[CaseWeighed, ...]]


def weigh(move: Move | None, gain: float, scoring: Scoring, definition: ChurnDefinition) -> Weighed:
    """The move, unless it opens a case in a week that has time for others only.

    Those that are left untreated take no time, so more are opened than are contacted.

    Returns:
        The move or none, and where there is a weekly capacity how the case was weighed.
    """
    per_week, treated = definition.cases_per_week, 1.0 - definition.control_share
    if move is None or move.transition != "entered" or per_week is None or treated <= 0.0:
        return move, ()
    least = None if scoring.capacity is None else scoring.capacity.threshold(per_week / treated)
    opens = least is None or gain >= least
    return (move if opens else None), (CaseWeighed(round(gain, 6), opens),)
