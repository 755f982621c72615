"""Since when the challenger has been tuned as it is, for versions of another tuning are another."""

import msgspec

from streams import topics
from streams.admin.log_places import LogPlace, records
from streams.admin.snapshots import decoded
from streams.contracts.internal.learning import CHALLENGER, ModelSnapshot
from streams.evaluation.replay import FILES

_SNAPSHOT = msgspec.json.Decoder(ModelSnapshot)


def tuned_at(place: LogPlace) -> int:
    """How many labels the challenger had learned when it last began anew; 0 where it never did.

    Its newest snapshot counts all labels, and its parameters those that it has learned since; of a
    folder without snapshots it is 0.

    Raises:
        OperatorError: nothing can be read there, or a record is damaged.
    """
    name = FILES[topics.MODEL_SNAPSHOTS.name]
    if place.folder is not None and not place.archived and not (place.folder / name).is_file():
        return 0
    newest: ModelSnapshot | None = None
    for where, value in records(place, topics.MODEL_SNAPSHOTS):
        one = decoded(_SNAPSHOT, where, value)
        if one.model == CHALLENGER and (newest is None or one.examples > newest.examples):
            newest = one
    if newest is None:
        return 0
    learned = newest.parameters.get("examples")
    return newest.examples - learned if isinstance(learned, int) else 0
