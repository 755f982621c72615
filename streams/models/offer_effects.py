"""What sending an offer changes, in orders and margin: the mean of the offer, more by the person.

Means are in a row of four: orders, their standard error, margin, its standard error.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from streams.contracts.outputs.terms import EffectColumns, EffectRow
from streams.contracts.reference.structs import Offer
from streams.features.offer_table import Where
from streams.models.last_catalog import LastCatalog
from streams.models.person_effect import Regressed

SCALE, ZERO = np.array(1e4), np.array(0.0)
"""What is told has four digits. As arrays, which numpy takes sooner than plain numbers."""
Floats = NDArray[np.float64]
Means = tuple[Floats, Floats]


class Effects(Struct, frozen=True, dict=True):
    """The immutable view.

    Attributes:
        means: of each offer, then of each class, last of all offers, shape `[4, n]`.
        rows: where an offer stands in `means`; `classes`: where a class stands.
        person: how people differ; None while nothing is known of that.
    """

    means: Floats
    rows: Mapping[str, int]
    classes: Mapping[str, int]
    person: Regressed | None

    def of(
        self, offers: Sequence[Offer], context: NDArray[np.float32], where: Where = None
    ) -> EffectColumns:
        """Of each offer to the person with these features, `features.context_vector`.

        What is not known of an offer is that of its class, else that of all offers. `where`: the
        places of the offers that are asked for; None: all.
        """
        means, errors = self._catalog.of(offers, self._means)
        if where is not None:
            means, errors = means.take(where, 1), errors.take(where, 1)
        told = np.empty((2, *means.shape))
        if self.person is None:
            told[0], told[1] = means, errors
        else:
            more, variances = self.person.of(context)
            np.add(means, more[:, None], out=told[0])
            np.add(errors**2, variances[:, None], out=told[1])
            np.sqrt(told[1], out=told[1])
        # Rounded as `np.round` does it, in half of its time; then no zero is -0.
        told *= SCALE
        np.rint(told, out=told)
        told /= SCALE
        told += ZERO
        (orders, margin), (orders_error, margin_error) = told.tolist()
        return tuple(orders), tuple(orders_error), tuple(margin), tuple(margin_error)

    @cached_property
    def _catalog(self) -> LastCatalog[Offer, Means]:
        return LastCatalog()

    def _means(self, offers: Sequence[Offer]) -> Means:
        """Of orders and of margin: means and their errors for each offer, shape `[2, n]` both."""
        last, rows, classes = self.means.shape[1] - 1, self.rows, self.classes
        found = [rows.get(o.offer_id, classes.get(o.class_, last)) for o in offers]
        told = self.means.take(np.array(found, np.intp), 1)
        return told[0::2].copy(), told[1::2].copy()


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
