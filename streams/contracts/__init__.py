"""contracts: what comes in and what goes out, as structs, and the way between them and bytes.

* `inputs` - events: their structs, bytes to event or `Rejected`
* `outputs` - effects and payloads, effect to record
* `reference` - offers, products, stock, beacons, policies: as files and as records
* `internal` - routed messages, labeled examples, model snapshots
* `catalogue` - which topic carries which struct and which event names, once

`schemas/` is written from the structs (`python -m streams.contracts.schemas schemas/`).
"""
