"""Webhooks: offers, alerts and what else is on our topics, to a CRM and to others, each by its own.

* `destinations` - the file of destinations, read and checked; `secrets` by name only
* `addresses` - no request goes inside the network unless it is allowed
* `filters`, `tasks`, `bodies` - which records, what a person is to do, what a template makes of it
* `webhooks` - a record as a webhook: its id, its CloudEvent, its signature
* `posting` - one request and what its answer means; `pauses` - when the next may go
* `window` - what waits: in order per customer, bounded, and which offsets may be committed
* `reader` - a destination's own consumer group; `courier` - its loop, beside nobody else's
* `feedback` - what became of an offer, told to whoever decided it
* `parking` - what cannot be delivered, with its reason; `failures` - listed and driven again
* `server` - the process: one thread a destination, metrics, its end
"""
