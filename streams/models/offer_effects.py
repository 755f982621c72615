"""What sending an offer changes, in orders and margin: the mean of the offer, more by the person.

Means are in a row of four: orders, their standard error, margin, its standard error.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.outputs.terms import EffectColumns, EffectRow
from streams.contracts.reference.structs import Offer
from streams.models.person_effect import Regressed

DIGITS = 4


class Effects(Struct, frozen=True):
    """The immutable view.

    Attributes:
        means: of each offer, then of each class, last of all offers, shape `[4, n]`.
        rows: where an offer stands in `means`; `classes`: where a class stands.
        person: how people differ; None while nothing is known of that.
    """

    means: NDArray[np.float64]
    rows: Mapping[str, int]
    classes: Mapping[str, int]
    person: Regressed | None

    def of(self, offers: Sequence[Offer], context: NDArray[np.float32]) -> EffectColumns:
        """Of each offer to the person with these features, `features.context_vector`.

        What is not known of an offer is that of its class, else that of all offers.
        """
        last, rows, classes = self.means.shape[1] - 1, self.rows, self.classes
        found = [rows.get(o.offer_id, classes.get(o.class_, last)) for o in offers]
        told = self.means.take(np.array(found, np.intp), 1)
        if self.person is not None:
            more, variances = self.person.of(context)
            told[0::2] += more[:, None]
            told[1::2] = np.sqrt(told[1::2] ** 2 + variances[:, None])
        told = np.round(told, DIGITS) + 0.0  # no zero of -0
        orders, orders_error, margin, margin_error = map(tuple, told.tolist())
        return orders, orders_error, margin, margin_error


def effects_of(
    offers: Mapping[str, EffectRow],
    classes: Mapping[str, EffectRow],
    shop: EffectRow,
    person: Regressed | None,
) -> Effects:
    """The view of these means."""
    means = np.array([*offers.values(), *classes.values(), shop]).T.copy()
    means.flags.writeable = False
    rows = {name: n for n, name in enumerate(offers)}
    return Effects(means, rows, {name: len(rows) + n for n, name in enumerate(classes)}, person)
