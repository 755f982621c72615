"""The models that a worker decides with: the newest good snapshots, or what somebody went back to.

A snapshot that is not sound leaves the one before it in place; a rollback stands until it is taken
back, whatever comes meanwhile. No Kafka here.
"""

from collections.abc import Callable, Mapping

import structlog
from msgspec.structs import replace

from streams.contracts.inputs.rules import Rejected
from streams.contracts.internal.learning import (
    CHALLENGER,
    PROMOTED,
    ROLLBACK,
    ModelSnapshot,
    Rollback,
)
from streams.contracts.internal.learning_records import (
    decode_promotion,
    decode_rollback,
    decode_snapshot,
)
from streams.errors import OfferstreamError, StateError
from streams.features.calibration import CALIBRATION_MODEL
from streams.models import doubts_of, initial_models, may_serve, with_snapshot
from streams.models.incremental_margin import MARGIN_MODEL
from streams.models.offer_margin import OFFER_MARGIN_MODEL
from streams.models.pool import Tuning
from streams.models.response import tuning_of
from streams.models.save_rates import SaveRatesLearner
from streams.telemetry import catalogue as metrics
from streams.telemetry import labels as by
from streams.telemetry.catalogue.learning import TOP_CASES, TOP_PRECISION
from streams.worker.meter import Meter

log = structlog.get_logger()

WINDOW_MIN = 100  # labels; what fewer say of a model is chance, and would wake somebody
_QUALITY = (
    (metrics.LOG_LOSS, "log_loss"),
    (metrics.CONSTANT_LOG_LOSS, "log_loss_constant"),
    (metrics.AUC, "auc"),
    (metrics.CALIBRATION, "calibration"),
)
_CALIBRATION = {
    **{f"said_risk_{n}": (metrics.RISK_SAID, risk) for n, risk in enumerate(by.RISK.values)},
    **{f"came_risk_{n}": (metrics.RISK_CAME, risk) for n, risk in enumerate(by.RISK.values)},
    **{f"said_gaps_{n}": (metrics.SILENCE_SAID, g) for n, g in enumerate(by.OWN_GAPS.values)},
    **{f"came_gaps_{n}": (metrics.SILENCE_CAME, g) for n, g in enumerate(by.OWN_GAPS.values)},
    "gap_risk": (metrics.CALIBRATION_GAP, "risk"),
    "gap_silence": (metrics.CALIBRATION_GAP, "silence"),
}


class Snapshots:
    """Records of `model-snapshots` by key, and the models that follow from them."""

    def __init__(
        self, meter: Meter, clock_s: Callable[[], float], *, shadowing: bool = True
    ) -> None:
        """`shadowing`: decisions log what the challenger would have chosen, if there is one."""
        self._meter = meter
        self._clock_s = clock_s
        self._newest: dict[tuple[str, bool], ModelSnapshot] = {}
        self._rollbacks: dict[str, Rollback] = {}
        self._fell_back: set[str] = set()
        self._promoted: Tuning | None = None
        self.models = initial_models(shadowing=shadowing)

    def take(self, key: bytes, value: bytes | None) -> Rejected | None:
        """Take one record; what it says against it, if it cannot be used."""
        if value is None:
            return None
        if key.endswith(ROLLBACK.encode()):
            return self._take_rollback(value)
        if key.endswith(PROMOTED.encode()):
            return self._take_promotion(value)
        snapshot = decode_snapshot(value)
        return snapshot if isinstance(snapshot, Rejected) else self._take_snapshot(snapshot)

    def _take_snapshot(self, snapshot: ModelSnapshot) -> Rejected | None:
        serves = may_serve(snapshot)
        known = self._newest.get((snapshot.model, serves))
        if known is not None and known.examples > snapshot.examples:
            return None
        if snapshot.model in self._rollbacks:
            fault = self._fault(snapshot)
        else:
            fault = self._put_in_force(snapshot)
        if fault is not None:
            return fault
        self._newest[snapshot.model, serves] = snapshot
        if serves:
            self._note_time(snapshot.model)
        self._note_quality(snapshot)
        self._note_held_back(snapshot.model)
        return None

    def _take_rollback(self, value: bytes) -> Rejected | None:
        asked = decode_rollback(value)
        if isinstance(asked, Rejected):
            return asked
        if asked.in_force and not may_serve(asked):
            return Rejected("out_of_range", "$.quality", "speaks against deciding with it")
        newest = self._newest.get((asked.model, True))
        fault = None
        if asked.in_force:
            fault = self._put_in_force(asked)
        elif newest is not None:
            fault = self._put_in_force(newest)
        if fault is not None:
            return fault
        self._rollbacks.pop(asked.model, None)
        if asked.in_force:
            self._rollbacks[asked.model] = asked
        self._note_held_back(asked.model)
        log.warning(
            "model_rolled_back" if asked.in_force else "model_rollback_taken_back",
            model=asked.model,
            version=asked.version,
            by=asked.by,
            why=asked.why,
        )
        return None

    def _take_promotion(self, value: bytes) -> Rejected | None:
        """The challenger and the response model change places, or change back."""
        asked = decode_promotion(value)
        if isinstance(asked, Rejected):
            return asked
        try:
            self._promoted = tuning_of(asked.parameters) if asked.in_force else None
        except StateError as error:
            return _unusable(error)
        fault = None
        if asked.in_force and self.models.challenger is None:
            fault = self._put_in_force(asked)  # of a topic that has not kept any other yet
        self._change_places()
        if self.models.promoted and (CHALLENGER,) not in self._meter.values_of(
            metrics.SNAPSHOT_TIME
        ):
            self._note_time(CHALLENGER)
        log.warning(
            "challenger_promoted" if asked.in_force else "challenger_taken_back",
            version=asked.version,
            by=asked.by,
            why=asked.why,
        )
        return fault

    def _change_places(self) -> None:
        """What was promoted decides; a challenger that was tuned otherwise since is another one."""
        rival, tuning = self.models.challenger, self._promoted
        promoted = tuning is not None and (rival is None or rival.tuning == tuning)
        if rival is not None and tuning is not None and promoted < self.models.promoted:
            log.warning("promoted_challenger_was_tuned_otherwise", version=rival.version)
        self.models = replace(self.models, promoted=promoted)
        if not self._has_age(CHALLENGER):
            self._meter.forget(metrics.SNAPSHOT_TIME, CHALLENGER)

    def _put_in_force(self, snapshot: ModelSnapshot) -> Rejected | None:
        try:
            self.models = with_snapshot(self.models, snapshot)
        except OfferstreamError as error:
            return _unusable(error)
        self._change_places()
        if may_serve(snapshot):
            self._meter.set(metrics.MODEL_EXAMPLES, snapshot.model, value=snapshot.examples)
            self._meter.set(metrics.MODEL_FORMAT, snapshot.model, value=snapshot.format)
        return None

    def _fault(self, snapshot: ModelSnapshot) -> Rejected | None:
        """Why it could not be put in force; it is not."""
        try:
            with_snapshot(self.models, snapshot)
        except OfferstreamError as error:
            return _unusable(error)
        return None

    def _note_held_back(self, model: str) -> None:
        """Whether an older snapshot decides than the newest, and why; a change is logged."""
        good, unsound = (self._newest.get((model, serves)) for serves in (True, False))
        fell_back = unsound is not None and (good is None or good.examples < unsound.examples)
        set_ = self._meter.set
        set_(metrics.MODEL_HELD_BACK, model, "rollback", value=float(model in self._rollbacks))
        set_(metrics.MODEL_HELD_BACK, model, "unsound", value=float(fell_back))
        if fell_back == (model in self._fell_back):
            return
        self._fell_back.symmetric_difference_update({model})
        if unsound is not None and fell_back:
            log.warning(
                "model_fell_back",
                model=model,
                newest=unsound.version,
                decides="" if good is None else good.version,
                because=list(doubts_of(model, unsound.quality)),
            )
        elif good is not None:
            log.info("model_serves_again", model=model, version=good.version)

    def _note_time(self, model: str) -> None:
        if self._has_age(model):
            self._meter.set(metrics.SNAPSHOT_TIME, model, value=self._clock_s())

    def _has_age(self, model: str) -> bool:
        """Its age wakes somebody where nobody teaches it: none of a rival that is of no use."""
        return model != CHALLENGER or self.models.shadowing or self.models.promoted

    def _note_quality(self, snapshot: ModelSnapshot) -> None:
        """How good the newest is, whether it decides or not."""
        set_, model, quality = self._meter.set, snapshot.model, snapshot.quality
        if quality.get("window", 0.0) >= WINDOW_MIN:
            for metric, name in _QUALITY:
                if name in quality:
                    set_(metric, model, value=quality[name])
        if model == CALIBRATION_MODEL:
            self._note_calibration(quality)
        if model == SaveRatesLearner.model_id:
            self._note_top(quality)
        if model == MARGIN_MODEL:
            self._note_margin(quality)
        if model == OFFER_MARGIN_MODEL:
            self._note_offer_margins(quality)

    def _note_margin(self, quality: Mapping[str, float]) -> None:
        """What deciding brings: each pair of arms with its interval, and how many people."""
        for name, value in quality.items():
            kind, _, rest = name.partition("_")
            pair, _, estimate = name.rpartition("_")
            if kind == "people":
                self._meter.set(metrics.WINDOWS, rest, value=value)
            elif pair in by.ARM_PAIR.values and estimate in by.ESTIMATE.values:
                self._meter.set(metrics.INCREMENTAL, pair, estimate, value=value)

    def _note_offer_margins(self, quality: Mapping[str, float]) -> None:
        """What each offer with a holdout brings, as far as there are enough people."""
        seen = {offer_id for offer_id, _ in self._meter.values_of(metrics.OFFER_WINDOWS)}
        for name, value in quality.items():
            kind, _, offer_id = name.partition(":")
            if offer_id not in seen and len(seen) >= by.OFFER_HELD.named_max:
                continue
            seen.add(offer_id)
            if kind in by.ESTIMATE.values:
                self._meter.set(metrics.OFFER_INCREMENTAL, offer_id, kind, value=value)
            elif kind.startswith("people_"):
                group = kind.removeprefix("people_")
                self._meter.set(metrics.OFFER_WINDOWS, offer_id, group, value=value)

    def _note_top(self, quality: Mapping[str, float]) -> None:
        """How good the first k cases of a week's list were, as far as it is known."""
        for k in by.TOP.values:
            if f"top_{k}_cases" in quality:
                self._meter.set(TOP_CASES, k, value=quality[f"top_{k}_cases"])
                for estimate in by.ESTIMATE.values:
                    value = quality[f"top_{k}_{estimate}"]
                    self._meter.set(TOP_PRECISION, k, estimate, value=value)

    def _note_calibration(self, quality: Mapping[str, float]) -> None:
        """What was said of churn and what came, bin by bin."""
        for name, (metric, label) in _CALIBRATION.items():
            if name in quality:
                self._meter.set(metric, label, value=quality[name])
        self._meter.set(metrics.CALIBRATION_LABELS, value=quality.get("labels", 0.0))
        self._meter.set(metrics.SCORE_CORRECTED, value=quality.get("corrected", 0.0))


def _unusable(error: OfferstreamError) -> Rejected:
    return Rejected("unsupported_version", "$", type(error).__name__)
