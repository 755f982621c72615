"""Snapshots are listed and told from where they are kept; going back makes a record of its own."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.admin.log_places import LogPlace
from streams.admin.promotion import demote, promote
from streams.admin.rollback import EARLIER_MAX, roll_back, take_back
from streams.admin.snapshot_words import going_back_told, in_a_line, told
from streams.admin.snapshots import kept_models, named
from streams.contracts.internal.learning import ModelSnapshot, key_of
from streams.contracts.internal.learning_records import (
    decode_promotion,
    decode_rollback,
    encode_snapshot,
)
from streams.errors import OperatorError
from tests.unit.worker.test_snapshots import rival, snapshot


def place(folder: Path, *snapshots: ModelSnapshot) -> LogPlace:
    """A folder that holds these."""
    lines = b"".join(encode_snapshot(one) + b"\n" for one in snapshots)
    (folder / "model-snapshots.jsonl").write_bytes(lines)
    return LogPlace(folder, False, None, print)


def test_the_list_says_which_decides_and_what_may_not(tmp_path: Path) -> None:
    """The newest is not sound, so the one before decides."""
    kept = kept_models(place(tmp_path, snapshot(200), snapshot(400), snapshot(600, 3.0)))
    lines = [in_a_line(one, kept["response"]) for one in kept["response"].snapshots]
    assert [line.split()[0] for line in lines] == ["response-600", "response-400", "response-200"]
    assert lines[0].endswith("may not serve: it says too much or too little by a fifth or more")
    assert lines[1].endswith("decides")
    words = "\n".join(told(named(kept, "response"), kept["response"]))
    assert "response-400, the response model: learned from 400 labels" in words
    assert "of its last 1,000 predictions 50.0% came true" in words


def test_going_back_and_taking_it_back_say_who_when_and_why(tmp_path: Path) -> None:
    """The record holds the older snapshot whole, and what was asked before."""
    told_ = [snapshot(200), snapshot(400)]
    asked = roll_back(place(tmp_path, *told_), "response-200", "ana", "labels were lost")
    assert decode_rollback(encode_snapshot(asked)) == asked
    assert key_of(asked, serves=True) == b"response.rollback"
    assert encode_snapshot(
        ModelSnapshot(**{n: getattr(asked, n) for n in ModelSnapshot.__struct_fields__})
    ) == encode_snapshot(told_[0])
    kept = kept_models(place(tmp_path, *told_, asked))
    assert in_a_line(named(kept, "response"), kept["response"]).endswith(
        "decides (rollback by ana)"
    )
    undone = take_back(place(tmp_path, *told_, asked), "response", "ben", "found again")
    assert not undone.in_force
    assert len(undone.earlier) == 1
    assert undone.earlier[0].endswith("ana: decide with response-200: labels were lost")
    kept = kept_models(place(tmp_path, *told_, asked, undone))
    assert named(kept, "response").version == "response-400"
    last = list(told(named(kept, "response"), kept["response"]))[-1]
    assert last.endswith("ben: decide with the newest again: found again")


def test_what_cannot_be_gone_back_to_is_refused(tmp_path: Path) -> None:
    """A version that is not kept, one that may not serve, one of another format, no rollback."""
    strange = replace(snapshot(300), format=1)
    there = place(tmp_path, snapshot(200), strange, snapshot(400, 3.0))
    with pytest.raises(OperatorError, match="no snapshot response-9 is kept"):
        roll_back(there, "response-9", "ana", "")
    with pytest.raises(OperatorError, match="response-400 may not serve: it says too much"):
        roll_back(there, "response-400", "ana", "")
    with pytest.raises(OperatorError, match="this version does not read its format, 1"):
        roll_back(there, "response-300", "ana", "")
    with pytest.raises(OperatorError, match="no rollback of the model response is in force"):
        take_back(there, "response", "ana", "")


def test_promoting_the_challenger_and_taking_it_back_say_who_when_and_why(tmp_path: Path) -> None:
    """The list says which of the two decides; what cannot be is refused."""
    told_ = [snapshot(200), rival(200), rival(400), rival(600, 3.0)]
    there = place(tmp_path, *told_)
    kept = kept_models(there)
    lines = [in_a_line(named(kept, name), kept[name]) for name in ("response", "challenger")]
    assert lines[0].endswith("decides")
    assert lines[1].startswith("challenger-400")
    assert lines[1].endswith("is scored beside")
    with pytest.raises(OperatorError, match="the challenger does not decide"):
        demote(there, "ana", "")
    asked = promote(there, "ana", "it uses more")
    assert decode_promotion(encode_snapshot(asked)) == asked
    assert key_of(asked, serves=True) == b"challenger.promoted"
    there = place(tmp_path, *told_, asked)
    kept = kept_models(there)
    lines = [in_a_line(named(kept, name), kept[name]) for name in ("response", "challenger")]
    assert lines[0].endswith("is scored beside")
    assert lines[1].endswith("decides (promoted by ana)")
    with pytest.raises(OperatorError, match="the challenger decides already"):
        promote(there, "ben", "")
    undone = demote(there, "ben", "it was luck")
    kept = kept_models(place(tmp_path, *told_, asked, undone))
    assert in_a_line(named(kept, "response"), kept["response"]).endswith("  decides")
    last = list(told(named(kept, "challenger"), kept["challenger"]))
    assert last[-2].endswith("ana: let the challenger decide: it uses more")
    assert last[-1].endswith("ben: let the response model decide: it was luck")
    with pytest.raises(OperatorError, match="there is no challenger that may serve"):
        promote(place(tmp_path, snapshot(200), rival(400, 3.0)), "ana", "")


def test_going_back_says_what_it_does_while_the_challenger_decides(tmp_path: Path) -> None:
    """The response model is scored only: the way to let it decide is named."""
    told_: list[ModelSnapshot] = [snapshot(200), snapshot(400), rival(200), rival(400)]

    def says(version: str) -> list[str]:
        there = place(tmp_path, *told_)
        asked = roll_back(there, version, "ana", "")
        return list(going_back_told(asked, kept_models(there)[asked.model]))

    assert says("response-200")[0].startswith("workers decide with response-200, trained until")
    assert says("challenger-200")[0].startswith("workers score challenger-200, trained until")
    assert says("challenger-200")[-1] == "the response model goes on deciding"
    told_.append(promote(place(tmp_path, *told_), "ana", ""))
    assert says("challenger-200")[0].startswith("workers decide with challenger-200")
    lines = says("response-200")
    assert lines[0].startswith("workers score response-200")
    assert lines[1] == "  offerstream models rollback --latest response --why ..."
    assert lines[2].startswith("the challenger goes on deciding")
    assert lines[3] == "  offerstream models promote --back --why ..."
    told_.append(roll_back(place(tmp_path, *told_), "response-200", "ana", ""))
    there = place(tmp_path, *told_)
    undone = take_back(there, "response", "ana", "")
    said = list(going_back_told(undone, kept_models(there)["response"]))
    assert said[0].startswith("workers score the newest good snapshot of the model response again")


def test_a_challenger_tuned_otherwise_is_told_and_can_be_promoted_itself(tmp_path: Path) -> None:
    """What was promoted is another one: the response model decides meanwhile."""
    other = replace(rival(600), version="challenger-400-200", examples=600)
    other = replace(other, parameters={**other.parameters, "tuning": {"half_lives": 2.0}})
    told_: list[ModelSnapshot] = [snapshot(600), rival(400)]
    told_ += [promote(place(tmp_path, *told_), "ana", ""), other]
    kept = kept_models(place(tmp_path, *told_))
    assert in_a_line(named(kept, "response"), kept["response"]).endswith("  decides")
    line = in_a_line(named(kept, "challenger"), kept["challenger"])
    assert line.endswith("is scored beside")
    assert line.split()[3] == "200", "labels since it began anew"
    last = list(told(named(kept, "challenger"), kept["challenger"]))[-1]
    assert last.startswith("it is not the challenger that was promoted")
    assert not demote(place(tmp_path, *told_), "ana", "").in_force
    told_.append(promote(place(tmp_path, *told_), "ana", ""))
    kept = kept_models(place(tmp_path, *told_))
    assert in_a_line(named(kept, "challenger"), kept["challenger"]).endswith(
        "decides (promoted by ana)"
    )


def test_what_was_asked_before_is_bounded(tmp_path: Path) -> None:
    """However often somebody goes back, the record keeps the last twenty."""
    told_ = [snapshot(200), snapshot(400)]
    asked = roll_back(place(tmp_path, *told_), "response-200", "ana", "0")
    for number in range(1, EARLIER_MAX + 5):
        asked = replace(asked, asked_at_ms=number)
        asked = roll_back(place(tmp_path, *told_, asked), "response-200", "ana", str(number))
    assert len(asked.earlier) == EARLIER_MAX
