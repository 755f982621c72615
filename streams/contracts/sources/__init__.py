"""sources: what other systems write, mapped to our events by tables.

* `<source>.yaml` - the mapping of one source, as data
* `mapping` - what such a table may say, and how it is read
* `own`, `places` - the mapping files of a shop, checked; `tables` - all that are in force
* `messages`, `snowplow` - single messages out of what was sent or stored
* `apply` - a message and a table to an event, with the origin of every field
* `records` - records of files and topics, read as the gateway reads a request
* `values`, `times`, `ids` - the conversions that a table may name

A mapping never judges: what it makes goes through `inputs.decode` like any other event.
"""

from typing import Final

SOURCES: Final = ("ga4", "segment", "shopify", "snowplow", "woocommerce")
