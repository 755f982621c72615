"""A decision made again while not all of its snapshots are kept any more."""

import json

from streams.admin.deciding_again import NamedPolicy, decide_again, told_again
from streams.admin.kept_decisions import Kept
from streams.models import ResponseModel, UpliftModel
from tests.unit.decisions.people import shop
from tests.unit.decisions.test_shadow import OFFERS, RIVAL, entry_of


def test_a_lost_snapshot_of_the_challenger_does_not_hide_the_decision() -> None:
    """All but the challenger's part is made again and compared, and that is said."""
    policy = shop(*OFFERS, chooser="policy")
    model, uplift = ResponseModel(), UpliftModel()
    kept = Kept((entry_of(policy, 1, RIVAL),), {model.version: model}, {uplift.version: uplift})
    again = decide_again(kept, [NamedPolicy("here", lambda: policy)])
    assert (again.differences, again.unchecked) == ((), RIVAL.version)
    told = list(told_again(again, json_=False))
    assert any(f"what {RIVAL.version} would have chosen was not checked" in line for line in told)
    assert told[-1] == "decided again: every byte is equal"
    assert json.loads(next(told_again(again, json_=True)))["unchecked"] == RIVAL.version
