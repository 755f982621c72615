"""offerstream: the next best offer and churn alerts, from a stream of what customers do.

The map of the house, in the order in which an event walks through it:

* `contracts` - bytes to structs and back; `topics` - the catalogue of topics
* `identity` - which person; `customer` - the row and how an event changes it
* `leases` - what a partition may spend of offers' budgets; the treasury that grants it
* `features` - row and time to numbers; `models` - River estimators that learn online
* `decisions` - offers; `alerts` - who is about to leave; `feedback` - outcomes to labels
* `pipeline` - `process()`: the way above on one screen
* `audit` - a second, slow implementation that proves what went out; shares no code with the above
* `telemetry`, `settings` - what is measured, what is set
* `runtime` - Faust, Kafka transactions and RocksDB, knowing nothing of customers
* `worker` - the Faust app; `broker` - how it reaches Kafka; `admin` - topics, dead letters
* `gateway` - events come in over HTTP, acknowledged
* `delivery` - webhooks go out, each destination by itself; `archive` - Parquet by type and day
* `demo` - a shop to try, on a broker without installation; `simulator` - shoppers with known truth
* `evaluation` - replay, backtest, churn evaluation over the same `process()`
* `cli`, `verbs` - the command `offerstream`, a file a noun
"""

__version__ = "0.1.0"
