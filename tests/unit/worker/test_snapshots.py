"""Which snapshot decides: the newest good one, or the one that somebody went back to."""

from msgspec.structs import asdict, replace

from streams.contracts.internal.learning import (
    LearningExample,
    ModelSnapshot,
    Promotion,
    Rollback,
    key_of,
)
from streams.contracts.internal.learning_records import encode_snapshot
from streams.models import Trainer, may_serve
from streams.telemetry import catalogue as metrics
from streams.worker.meter import Meter
from streams.worker.snapshots import Snapshots

FIGURES = {"window": 1000.0, "rate": 0.5, "log_loss": 0.4, "log_loss_constant": 0.5}


def snapshot(examples: int, calibration: float = 1.0) -> ModelSnapshot:
    """Of the response model, with a full window of labels."""
    trainer = Trainer(every=1)
    learned = trainer.learn(
        LearningExample(example_id="x", model="response", observed_at_ms=0, label=1.0, features={})
    )
    assert learned is not None
    return replace(
        learned,
        version=f"response-{examples}",
        examples=examples,
        quality={**FIGURES, "calibration": calibration},
    )


def back_to(one: ModelSnapshot, *, in_force: bool = True) -> Rollback:
    """What `models rollback` publishes, and takes back."""
    return Rollback(**asdict(one), asked_at_ms=1, by="ops", why="a test", in_force=in_force)


def rival(examples: int, calibration: float = 1.0) -> ModelSnapshot:
    """A snapshot of the challenger."""
    one = snapshot(examples, calibration)
    return replace(one, model="challenger", version=f"challenger-{examples}")


def promoted(one: ModelSnapshot, *, in_force: bool = True) -> Promotion:
    """What `models promote` publishes, and takes back."""
    return Promotion(**asdict(one), asked_at_ms=1, by="ops", why="a test", in_force=in_force)


class Worker:
    """What follows the topic: one that was there all the time, or one that starts anew."""

    def __init__(self, *, shadowing: bool = True) -> None:
        self.meter = Meter()
        self.snapshots = Snapshots(self.meter, lambda: 1_000.0, shadowing=shadowing)

    def take(self, *records: ModelSnapshot) -> str:
        """Take records in order; the version that decides after them."""
        for one in records:
            key = key_of(one, serves=may_serve(one))
            assert self.snapshots.take(key, encode_snapshot(one)) is None
        return self.snapshots.models.champion.version

    @property
    def shadow(self) -> str:
        """What is scored beside it; empty where nothing is."""
        shadow = self.snapshots.models.shadow
        return "" if shadow is None else shadow.version

    def held_back(self, by: str) -> float:
        """The metric."""
        return self.meter.value(metrics.MODEL_HELD_BACK, "response", by)


def compacted(*records: ModelSnapshot) -> tuple[ModelSnapshot, ...]:
    """What a compacted topic has kept of them."""
    kept: dict[bytes, ModelSnapshot] = {}
    for one in records:
        key = key_of(one, serves=may_serve(one))
        kept.pop(key, None)
        kept[key] = one
    return tuple(kept.values())


def test_a_restarted_worker_has_the_last_sound_snapshot() -> None:
    """The topic is compacted by key: the newest, that is not sound, does not take its place."""
    told = (snapshot(200), snapshot(300), snapshot(400, 3.0))
    worker = Worker()
    assert worker.take(*compacted(*told)) == "response-300"
    assert worker.meter.value(metrics.MODEL_EXAMPLES, "response") == 300
    assert worker.meter.value(metrics.CALIBRATION, "response") == 3.0
    assert worker.held_back("unsound") == 1


def test_the_worker_falls_back_by_itself_and_goes_on_when_a_sound_one_comes() -> None:
    """An unsound snapshot changes nothing but the metric; the next sound one serves."""
    worker = Worker()
    assert worker.take(snapshot(200)) == "response-200"
    assert worker.held_back("unsound") == 0
    assert worker.take(snapshot(400, 3.0)) == "response-200"
    assert worker.held_back("unsound") == 1
    assert worker.take(snapshot(600)) == "response-600"
    assert worker.held_back("unsound") == 0


def test_a_rollback_stands_whatever_comes_until_it_is_taken_back() -> None:
    """Newer snapshots wait; a worker that starts anew decides the same; then the newest serves."""
    old = snapshot(200)
    told = [old, snapshot(400), back_to(old), snapshot(600), snapshot(800, 3.0)]
    worker = Worker()
    assert worker.take(*told[:2]) == "response-400"
    assert worker.take(*told[2:]) == "response-200"
    assert Worker().take(*compacted(*told)) == "response-200"
    assert worker.meter.value(metrics.MODEL_EXAMPLES, "response") == 200
    assert worker.held_back("rollback") == 1
    told.append(back_to(old, in_force=False))
    assert worker.take(told[-1]) == "response-600"
    assert Worker().take(*compacted(*told)) == "response-600"
    assert worker.held_back("rollback") == 0


def test_a_rollback_that_cannot_be_used_changes_nothing() -> None:
    """Noise, another format, figures that speak against it: refused with a reason."""
    worker = Worker()
    worker.take(snapshot(400))
    strange = replace(back_to(snapshot(200)), format=99)
    unsound = back_to(snapshot(200, 3.0))
    for value in (b"{}", encode_snapshot(strange), encode_snapshot(unsound)):
        assert worker.snapshots.take(b"response.rollback", value) is not None
    assert worker.snapshots.models.response.version == "response-400"
    assert worker.held_back("rollback") == 0


def test_a_promoted_challenger_decides_and_its_newer_snapshots_follow_until_taken_back() -> None:
    """The response model is scored beside it; a worker that starts anew decides the same."""
    worker = Worker()
    told: list[ModelSnapshot] = [snapshot(200), rival(200)]
    assert (worker.take(*told), worker.shadow) == ("response-200", "challenger-200")
    told.append(promoted(rival(200)))
    assert (worker.take(told[-1]), worker.shadow) == ("challenger-200", "response-200")
    told += [snapshot(400), rival(400), rival(600, 3.0)]
    assert (worker.take(*told[-3:]), worker.shadow) == ("challenger-400", "response-400")
    anew = Worker()
    assert (anew.take(*compacted(*told)), anew.shadow) == ("challenger-400", "response-400")
    told.append(promoted(rival(400), in_force=False))
    for each in (worker, Worker()):
        assert each.take(*compacted(*told)) == "response-400"
        assert each.shadow == "challenger-400"


def tuned(one: ModelSnapshot, half_lives: float) -> ModelSnapshot:
    """It, of a learner whose challenger has other settings."""
    return replace(one, parameters={**one.parameters, "tuning": {"half_lives": half_lives}})


def test_a_challenger_that_was_tuned_otherwise_since_it_was_promoted_does_not_decide() -> None:
    """It begins anew and knows little; promoted itself it decides, also after a restart."""
    worker = Worker()
    told: list[ModelSnapshot] = [snapshot(400), tuned(rival(400), 2.0)]
    told.append(promoted(told[-1]))
    assert worker.take(*told) == "challenger-400"
    told.append(tuned(rival(600), 3.0))
    for each in (worker, Worker()):
        assert each.take(*compacted(*told)) == "response-400"
        assert each.shadow == "challenger-600"
    told.append(promoted(told[-1]))
    for each in (worker, Worker()):
        assert each.take(*compacted(*told)) == "challenger-600"


def test_a_promotion_outlives_a_format_that_is_not_read_any_more() -> None:
    """The response model decides until the challenger has learned anew, and no longer."""
    old = replace(rival(400), format=1)
    worker = Worker()
    assert worker.take(snapshot(600)) == "response-600"
    refused = worker.snapshots.take(b"challenger.promoted", encode_snapshot(promoted(old)))
    assert refused is not None
    assert worker.take(snapshot(800)) == "response-800"
    assert worker.take(rival(600)) == "challenger-600"
    strange = replace(promoted(rival(600)), parameters={"tuning": "loud"})
    assert worker.snapshots.take(b"challenger.promoted", encode_snapshot(strange)) is not None
    assert worker.take() == "challenger-600"


def test_only_a_challenger_that_is_taught_or_decides_has_an_age() -> None:
    """So ModelsStaleBurns wakes nobody for what neither decides nor learns, and else somebody."""
    quiet = Worker(shadowing=False)
    quiet.take(snapshot(200), rival(200))
    assert ("challenger",) not in quiet.meter.values_of(metrics.SNAPSHOT_TIME)
    quiet.take(promoted(rival(200)))
    assert quiet.meter.value(metrics.SNAPSHOT_TIME, "challenger") == 1_000.0
    quiet.take(promoted(rival(200), in_force=False))
    assert ("challenger",) not in quiet.meter.values_of(metrics.SNAPSHOT_TIME)
    taught = Worker()
    taught.take(rival(200))
    assert taught.meter.value(metrics.SNAPSHOT_TIME, "challenger") == 1_000.0
    taught.take(promoted(rival(200)), promoted(rival(200), in_force=False))
    assert taught.meter.value(metrics.SNAPSHOT_TIME, "challenger") == 1_000.0


def test_without_a_challenger_promoted_or_not_the_response_model_decides() -> None:
    """A record of a promotion that is damaged or may not serve changes nothing."""
    worker = Worker()
    assert worker.take(snapshot(200), promoted(rival(200, 3.0))) == "response-200"
    assert worker.snapshots.take(b"challenger.promoted", b"{}") is not None
    quiet = Snapshots(Meter(), lambda: 0.0, shadowing=False)
    for one in (snapshot(200), rival(200)):
        quiet.take(key_of(one, serves=True), encode_snapshot(one))
    assert quiet.models.shadow is None


def test_a_compacted_topic_keeps_old_snapshots_at_every_age() -> None:
    """After 1,000 snapshots about one is left for each doubling of age, and the newest always."""
    first = snapshot(200)
    told = [replace(first, examples=n, version=f"response-{n}") for n in range(200, 200_001, 200)]
    kept = sorted(one.examples // 200 for one in compacted(*told))
    assert kept[-1] == 1000
    ages = [1001 - number for number in kept]
    for age in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        assert any(age <= one <= 2 * age for one in ages), f"none of age {age} in {ages}"
    assert len(kept) <= 16
