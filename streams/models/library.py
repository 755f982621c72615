"""The models that decide now, and how a published snapshot takes the place of one."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from streams.contracts.internal.learning import CHALLENGER, RESPONSE, ModelSnapshot
from streams.errors import StateError
from streams.models.calibration import Calibration
from streams.models.capacity import CapacityModel
from streams.models.churn import ChurnModel
from streams.models.fatigue import FatigueModel
from streams.models.incremental_margin import IncrementalMargin
from streams.models.offer_margin import OfferMargins
from streams.models.quality import doubts
from streams.models.response import ResponseModel
from streams.models.save_rates import SaveRates
from streams.models.signal_lifts import SignalLifts
from streams.models.tracks import TrackModel
from streams.models.trainer import LEARNERS, formats_read, learner_of
from streams.models.uplift import UpliftModel


class Models(Struct, frozen=True):
    """One view a model, read only.

    Attributes:
        challenger: the response model's rival, where one has learned enough.
        promoted: the two have changed places.
        shadowing: whether decisions log what the one that does not decide would have chosen.
    """

    response: ResponseModel
    churn: ChurnModel
    tracks: TrackModel = TrackModel()
    capacity: CapacityModel = CapacityModel()
    signal_lifts: SignalLifts = SignalLifts()
    calibration: Calibration = Calibration()
    save_rates: SaveRates = SaveRates()
    margin: IncrementalMargin = IncrementalMargin()
    uplift: UpliftModel = UpliftModel()
    fatigue: FatigueModel = FatigueModel()
    offer_margin: OfferMargins = OfferMargins()
    challenger: ResponseModel | None = None
    promoted: bool = False
    shadowing: bool = True

    @property
    def champion(self) -> ResponseModel:
        """The response model that decides: the challenger only when it was promoted."""
        return self.challenger if self.promoted and self.challenger else self.response

    @property
    def shadow(self) -> ResponseModel | None:
        """The response model that is scored beside it, and decides nothing."""
        if not self.shadowing or self.challenger is None:
            return None
        return self.response if self.promoted else self.challenger


def initial_models(*, shadowing: bool = True) -> Models:
    """Models that have learned nothing and serve all the same."""
    return Models(ResponseModel(), ChurnModel(), shadowing=shadowing)


def may_serve(snapshot: ModelSnapshot) -> bool:
    """Whether deciding may read it: nothing speaks against it."""
    return not doubts_of(snapshot.model, snapshot.quality)


def doubts_of(model: str, quality: Mapping[str, float]) -> tuple[str, ...]:
    """What speaks against deciding with a model of this quality; only response models are asked.

    A wrong churn risk is corrected where it is read; the others weigh what they know themselves.
    """
    return doubts(quality) if model in (RESPONSE, CHALLENGER) else ()


def with_snapshot(models: Models, snapshot: ModelSnapshot) -> Models:
    """The models after a snapshot; one that is not sound leaves the last good one in place.

    Raises:
        StateError: the snapshot is of a format that is not read, or damaged.
    """
    if snapshot.model not in LEARNERS or not may_serve(snapshot):
        return models
    readable = formats_read(snapshot.model)
    if snapshot.format not in readable:
        raise StateError(
            f"snapshot {snapshot.version} has format {snapshot.format}; "
            f"this version reads {_listed(readable)}"
        )
    learner = learner_of(snapshot.model, snapshot.parameters, snapshot.format)
    view = learner.view(snapshot.version)
    return replace(models, **{snapshot.model: view})


def _listed(formats: Sequence[int]) -> str:
    """In words.

    >>> _listed((1,)), _listed((2, 3, 4))
    ('1', '2, 3 and 4')
    """
    *most, last = map(str, formats)
    return f"{', '.join(most)} and {last}" if most else last
