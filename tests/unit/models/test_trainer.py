"""The trainer: once per example, snapshots now and then, resumable, honest about quality."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from streams.contracts.internal.learning import LearningExample, ModelSnapshot
from streams.contracts.times import DAY_MS, WEEK_MS
from streams.customer.rhythm import record_purchase
from streams.customer.row import ScoringMoment
from streams.errors import StateError
from streams.features.rhythm import churn_example
from streams.models import Trainer, initial_models, with_snapshot
from streams.models.pool import Tuning
from streams.models.quality import Prequential, doubts
from streams.models.response import CONTEXT_AXIS, NOTHING_LEARNED, OFFER_AXIS
from streams.models.trainer import FORMATS, SEEN_MAX, Trainee, formats_read, learner_of

MODELS = Path(__file__).parents[2] / "golden" / "models"


def response(number: int) -> LearningExample:
    """Example `number`: every third offer is used."""
    return LearningExample(
        example_id=f"x-{number}",
        model="response",
        observed_at_ms=1000 + number,
        label=float(number % 3 == 0),
        features={"c.recency": number % 3 - 1.0, "o.expected_rate": -1.0},
        offer_id="tea",
    )


def churn(number: int) -> LearningExample:
    """Scoring moment `number` of a customer of their own."""
    rhythm = record_purchase(None, number, 10.0)
    at_ms = number + WEEK_MS * (1 + number % 5)
    scored = ScoringMoment(at_ms, at_ms + WEEK_MS, rhythm)
    return churn_example(f"x-{number}", scored, number % 2 == 0, at_ms + WEEK_MS)


def test_publishes_every_n_examples_of_a_model() -> None:
    """The version names the model and how many examples it has learned."""
    trainer = Trainer(every=3)
    published = [trainer.learn(response(n)) for n in range(7)]
    snapshots = [s for s in published if s is not None]
    assert [s.version for s in snapshots] == ["response-3", "response-6"]
    assert snapshots[1].examples == 6
    assert snapshots[1].trained_at_ms == 1005
    assert snapshots[1].quality["rate"] == pytest.approx(1 / 3, abs=1e-6)


def test_an_example_is_learned_once() -> None:
    """The same id again changes not one byte."""
    once, twice = Trainer(), Trainer()
    for number in range(20):
        once.learn(response(number))
        twice.learn(response(number))
        twice.learn(response(number // 2))
    assert msgspec.json.encode(once.dump()) == msgspec.json.encode(twice.dump())


def test_what_was_seen_is_bounded() -> None:
    """Only the last ids are kept."""
    trainee = Trainer().trainees["response"]
    trainee.seen = dict.fromkeys(f"old-{n}" for n in range(SEEN_MAX))
    assert trainee.learn(response(1))
    assert len(trainee.seen) == SEEN_MAX
    assert "old-0" not in trainee.seen


def test_models_that_nobody_learns_change_nothing() -> None:
    """An example of a newer version's model is passed over."""
    trainer = Trainer(every=1)
    stranger = msgspec.structs.replace(response(1), model="unheard-of")
    assert trainer.learn(stranger) is None
    assert trainer.dump() == Trainer().dump()


def test_stopped_and_resumed_equals_uninterrupted() -> None:
    """A trainer stored as JSON and read back ends in the same bytes, and publishes the same."""
    stayed = Trainer(every=50)
    stream = [example(n) for n in range(200) for example in (response, churn)]
    for example in stream[:210]:
        stayed.learn(example)
    moved = Trainer.load(msgspec.json.decode(msgspec.json.encode(stayed.dump())), every=50)
    for example in stream[210:]:
        assert moved.learn(example) == stayed.learn(example)
    assert msgspec.json.encode(moved.dump()) == msgspec.json.encode(stayed.dump())


def test_a_challenger_learns_the_same_labels_and_leaves_the_response_model_alone() -> None:
    """Stopped and resumed it ends in the same bytes; tuned otherwise it begins anew."""
    short, alone = Tuning(half_lives=0.1, variances=2.0), Trainer(every=50)
    stayed = Trainer(every=50, challenger=short)
    moved, published = stayed, list[ModelSnapshot]()
    for number in range(200):
        alone.learn(response(number))
        found = [moved.learn(one) for one in moved.for_each(response(number))]
        published += [one for one in found if one is not None and one.model == "challenger"]
        if number == 100:
            wire = msgspec.json.encode(moved.dump())
            moved = Trainer.load(msgspec.json.decode(wire), 50, short)
    for number in range(101, 200):
        for one in stayed.for_each(response(number)):
            stayed.learn(one)
    assert msgspec.json.encode(moved.dump()) == msgspec.json.encode(stayed.dump())
    assert moved.dump()["response"] == alone.dump()["response"]
    assert published[-1].version == "challenger-200"
    view = with_snapshot(initial_models(), published[-1]).shadow
    assert view is not None
    assert view.version == "challenger-200"
    other = Trainer.load(moved.dump(), 50, Tuning(half_lives=2.0)).trainees["challenger"]
    assert other.examples == 200
    assert (
        other.learner.dump()
        == Trainer(1, Tuning(half_lives=2.0)).trainees["challenger"].learner.dump()
    )
    assert "challenger" not in Trainer.load(moved.dump(), 50).trainees


def test_a_challenger_tuned_otherwise_says_otherwise() -> None:
    """Wider variances of the prior follow the first labels faster."""
    trainer = Trainer(1, Tuning(variances=20.0))
    for number in range(1, 3):
        for one in trainer.for_each(response(number)):
            trainer.learn(one)
    said = [
        trainer.trainees[name].learner.learn(response(4)) for name in ("response", "challenger")
    ]
    assert said[0] is not None
    assert said[1] is not None
    assert said[1] < said[0] - 0.01


def test_snapshots_of_both_models_serve() -> None:
    """What is published can be read from JSON and decides under its version."""
    trainer, models = Trainer(every=20), initial_models()
    for number in range(20):
        for example in (response(number), churn(number)):
            snapshot = trainer.learn(example)
            if snapshot is not None:
                wire = msgspec.json.encode(snapshot)
                models = with_snapshot(models, msgspec.json.decode(wire, type=ModelSnapshot))
    assert models.response.version == "response-20"
    assert models.churn.version == "churn-20"
    assert models.response.own[models.response.rows["tea"]].any()


def test_an_unsound_snapshot_leaves_the_last_good_one() -> None:
    """Worse than a constant, or far off in the sum: the models stay what they were."""
    good = Trainer(every=1).learn(response(1))
    assert good is not None
    figures = {"window": 1000.0, "rate": 0.2, "log_loss": 0.6, "log_loss_constant": 0.5}
    bad = msgspec.structs.replace(good, quality={**figures, "calibration": 1.0})
    assert with_snapshot(initial_models(), bad).response.version == NOTHING_LEARNED
    assert with_snapshot(initial_models(), good).response.version == "response-1"


def test_soundness() -> None:
    """Few labels excuse; many do not."""
    figures = {"window": 1000.0, "rate": 0.2, "log_loss": 0.4, "log_loss_constant": 0.5}
    assert doubts({**figures, "calibration": 1.1}) == ()
    assert doubts({**figures, "calibration": 1.4}) == ("out_of_calibration",)
    assert doubts({**figures, "calibration": 0.7}) == ("out_of_calibration",)
    assert doubts({**figures, "log_loss": 0.6}) == ("worse_than_constant",)
    assert doubts({**figures, "window": 200.0, "calibration": 1.4}) == ()
    assert doubts({}) == ()


def test_prequential_figures() -> None:
    """Figures of four predictions, by hand."""
    quality = Prequential([(0.8, 1.0, ""), (0.6, 0.0, ""), (0.6, 1.0, ""), (0.1, 0.0, "")])
    assert quality.figures() == {
        "window": 4.0,
        "rate": 0.5,
        "log_loss": 0.438905,
        "log_loss_constant": 0.693147,
        "calibration": 1.05,
        "auc": 0.875,
    }


def test_newer_formats_are_refused() -> None:
    """A state or a snapshot of a newer format is not guessed at."""
    state = Trainer().dump()
    state["response"] = {**Trainer().trainees["response"].dump(), "format": 5}
    with pytest.raises(StateError, match="response"):
        Trainer.load(state)
    snapshot = msgspec.structs.replace(Trainer().trainees["churn"].snapshot(), format=4)
    with pytest.raises(StateError, match="format 4"):
        with_snapshot(initial_models(), snapshot)


@pytest.mark.parametrize("model", [m for m in FORMATS if 1 not in formats_read(m)])
def test_state_of_an_older_format_is_forgotten(model: str) -> None:
    """What this version cannot read stops no learner: it begins anew and keeps its count."""
    anew = Trainer(challenger=Tuning()).trainees[model]
    old = {**anew.dump(), "format": 1, "learner": {}, "examples": 40}
    trainee = Trainer.load({model: old}, challenger=Tuning()).trainees[model]
    assert trainee.learner.dump() == anew.learner.dump()
    assert trainee.examples == 40


def test_what_was_written_before_there_were_pairs_is_read() -> None:
    """A snapshot of format 2 decides, and a state of format 2 goes on with what it knows."""
    trainer = Trainer(every=20)
    published = [s for n in range(20) if (s := trainer.learn(response(n))) is not None]
    new = ("pairs", "levels", "own_levels", "believed")
    before = {name: told for name, told in published[0].parameters.items() if name not in new}
    before["shares"] = [0.25] * 4
    older = msgspec.structs.replace(published[0], format=2, parameters=before)
    assert with_snapshot(initial_models(), older).response.version == "response-20"
    state = trainer.dump()
    state["response"] = {
        **trainer.trainees["response"].dump(),
        "format": 2,
        "learner": before,
    }
    loaded = Trainer.load(state, every=20)
    versions = [s.version for n in range(20, 40) if (s := loaded.learn(response(n))) is not None]
    assert versions == ["response-40"]


@pytest.mark.parametrize("lost", [{}, {"pairs": ""}], ids=["no pairs", "empty pairs"])
def test_pairs_that_were_lost_are_no_older_format(lost: dict[str, object]) -> None:
    """A snapshot or a state of this format without its pairs is damaged: it is not read."""
    whole = Trainer().trainees["response"]
    rest = {name: told for name, told in whole.learner.dump().items() if name != "pairs"} | lost
    with pytest.raises(StateError, match="response model's parameters"):
        Trainee.load("response", {**whole.dump(), "learner": rest})
    snapshot = msgspec.structs.replace(whole.snapshot(), parameters=rest)
    with pytest.raises(StateError, match="response model's parameters"):
        with_snapshot(initial_models(), snapshot)


def stored(name: str) -> ModelSnapshot:
    """A snapshot that an older version wrote."""
    return msgspec.json.decode((MODELS / f"{name}.json").read_bytes(), type=ModelSnapshot)


@pytest.mark.parametrize("name", ["response.v2", "response.v3"])
def test_stored_snapshots_of_the_response_model_are_read(name: str) -> None:
    """They say what the code that wrote them said, and their learner learns on."""
    told = {
        "response.v2": [0.5646416755784331, 0.3890325793111954, 0.4506547158304899],
        "response.v3": [0.5646377781157242, 0.38903121926053263, 0.45064795757948345],
    }[name]
    snapshot = stored(name)
    assert snapshot.format == int(name[-1])
    model = with_snapshot(initial_models(), snapshot).response
    assert model.version == "response-300"
    context, offer = dict.fromkeys(CONTEXT_AXIS, 0.0), dict.fromkeys(OFFER_AXIS, 0.0)
    context |= {"c.recency": 0.3, "c.on_app": 1.0}
    offer |= {"o.affinity": 0.5, "o.price_cut": 1.0}
    said = model.response_probabilities(
        np.array([*context.values()], np.float32),
        np.array([[*offer.values()]] * 3, np.float32),
        ["offer-0", "offer-1", "new"],
        [-1.4] * 3,
    )
    assert said == pytest.approx(told, abs=1e-6)
    learner = learner_of("response", snapshot.parameters, snapshot.format)
    before = learner.dump()
    learner.learn(response(1))
    assert learner.dump() != before


def test_a_stored_snapshot_of_the_churn_model_is_read() -> None:
    """It scores as the code that wrote it did; the life table, which it lacks, begins anew."""
    snapshot = stored("churn.v2")
    assert (snapshot.format, "silences" in snapshot.parameters) == (2, False)
    model = with_snapshot(initial_models(), snapshot).churn
    assert (model.version, model.silences) == ("churn-9000", None)
    rhythm = None
    for day in (0, 20, 45):
        rhythm = record_purchase(rhythm, day * DAY_MS, 20.0)
    assert rhythm is not None
    score = model.score(rhythm, 9 * WEEK_MS, tick_ms=WEEK_MS, horizon_ticks=13.0)
    assert score.risk == pytest.approx(0.38491677314249134, abs=1e-9)
    assert (score.source, score.carried) == ("blend", True)
    assert score.expected_next_purchase_at_ms == 5_926_160_048


def test_a_life_table_that_was_lost_is_no_older_format() -> None:
    """A snapshot or a state of this format without it is damaged: it is not read."""
    whole = Trainer().trainees["churn"]
    rest = {name: told for name, told in whole.learner.dump().items() if name != "silences"}
    with pytest.raises(StateError, match="churn model's parameters"):
        Trainee.load("churn", {**whole.dump(), "learner": rest})
    old = Trainee.load("churn", {**whole.dump(), "format": 2, "learner": rest})
    assert old.learner.dump() == whole.learner.dump()
    snapshot = msgspec.structs.replace(whole.snapshot(), parameters=rest)
    with pytest.raises(StateError, match="churn model's parameters"):
        with_snapshot(initial_models(), snapshot)


def test_a_model_of_an_older_format_begins_anew_under_new_names() -> None:
    """Its snapshot is refused with a sentence; its learner knows nothing, and goes on counting."""
    trainer = Trainer(every=20)
    published = [s for n in range(20) if (s := trainer.learn(response(n))) is not None]
    older = msgspec.structs.replace(published[0], format=1, parameters={"weights": {"1*1": 3.0}})
    with pytest.raises(StateError, match="response-20 has format 1; this version reads 2, 3 and 4"):
        with_snapshot(initial_models(), older)
    state = trainer.dump()
    state["response"] = {
        **trainer.trainees["response"].dump(),
        "format": 1,
        "learner": {"weights": {"1*1": 3.0}, "offers": ["tea"], "iterations": 20},
    }
    loaded = Trainer.load(state, every=20)
    assert (
        loaded.trainees["response"].learner.dump() == Trainer().trainees["response"].learner.dump()
    )
    assert loaded.learn(response(3)) is None, "learned before: not learned twice"
    versions = [s.version for n in range(20, 60) if (s := loaded.learn(response(n))) is not None]
    assert versions == ["response-20-20", "response-20-40"], "what it explores by is what it knows"
