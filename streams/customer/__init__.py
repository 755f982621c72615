"""The row, and how an event changes it: everything that we know of one customer.

The map of this room:

* `row` (`parts`): the structs, their limits, `due_at_ms`. `trigger_events`: what an event meant.
* `applying`: `apply`, and the table of appliers by event name. An applier lives with its concern:
  `browsing`, `carts`, `interests`, `purchases` (`orders`: the facts of one), `rhythm`, `zones`
  (`visit_times`), `consents` (`gpp`, `tcf`, `us_privacy`), `profiles`, `phones`; `activity` is what
  they share, `change` what they take and give.
* `recent`: an event is taken in once. `counters`, `decay`: counts and sums over time.
* `merge`: two rows become one. `codec`, `trimming`: rows as bytes, versions, the size limit.
* `case_alerts`: by which of its alerts a case is known.
* `places`: what of the reference data changes rows; `shop_terms`: an event in the shop's terms.
  `offer_goods`: which goods an offer is for, and what of a cart counts for it.
  `zone_time`: the person's clock.
"""

from streams.contracts.reference.addresses import address_key
from streams.customer.applying import APPLIERS, Applied, apply, objected
from streams.customer.change import Change, EventTiming, Sale
from streams.customer.codec import decode_row, encode_row
from streams.customer.consents import is_granted
from streams.customer.merge import merge_customers
from streams.customer.places import Places, places_of
from streams.customer.row import (
    ROW_BYTES_MAX,
    ROW_VERSION,
    Alias,
    Customer,
    Erased,
    PersonRow,
    Row,
    due_at_ms,
    new_customer,
)
from streams.customer.shop_terms import in_shop_terms
from streams.customer.trigger_events import TriggerEvent
from streams.customer.visit_times import elapse

__all__ = [
    "APPLIERS",
    "ROW_BYTES_MAX",
    "ROW_VERSION",
    "Alias",
    "Applied",
    "Change",
    "Customer",
    "Erased",
    "EventTiming",
    "PersonRow",
    "Places",
    "Row",
    "Sale",
    "TriggerEvent",
    "address_key",
    "apply",
    "decode_row",
    "due_at_ms",
    "elapse",
    "encode_row",
    "in_shop_terms",
    "is_granted",
    "merge_customers",
    "new_customer",
    "objected",
    "places_of",
]
