"""Do the webhooks arrive, and what waits?"""

from deploy.grafana.panels import Board, Graph, Row
from deploy.grafana.queries import WINDOW, rate, seen, total
from streams.telemetry import catalogue as c
from streams.telemetry.catalogue.delivery import DELETED_UNDELIVERED

ARRIVING = Row(
    "Do webhooks arrive?",
    (
        Graph(
            "Who gets how many?",
            "ops",
            ((seen(rate(c.DELIVERY_RECORDS, "destination, fate")), "{{destination}}: {{fate}}"),),
            "Filtered ones are not sent; parked ones are in `offerstream deliver failures`.",
        ),
        Graph(
            "What do destinations answer?",
            "ops",
            (
                (
                    seen(rate(c.DELIVERY_REQUESTS, "destination, result")),
                    "{{destination}}: {{result}}",
                ),
            ),
            "Each try counts: much of `again` beside few that arrive is a destination in trouble.",
        ),
        Graph(
            "How soon do they arrive?",
            "s",
            (
                (
                    "histogram_quantile(0.99, sum by (le, destination) "
                    f"(rate({c.DELIVERY_SECONDS.name}_bucket[{WINDOW}])))",
                    "{{destination}}: p99",
                ),
            ),
            "From the record on its topic to the destination's answer.",
        ),
    ),
)
WAITING = Row(
    "What waits?",
    (
        Graph(
            "How old is what waits?",
            "s",
            ((f"max by (destination) ({c.DELIVERY_OLDEST.name})", "{{destination}}"),),
            "Rises while a destination does not answer; the others stay flat.",
        ),
        Graph(
            "How far behind is each?",
            "short",
            (
                (f"max by (destination) ({c.DELIVERY_LAG.name})", "{{destination}}"),
                (seen(total(DELETED_UNDELIVERED, "destination")), "deleted {{destination}}"),
            ),
            "Offsets of its topics that are not done; the end of a transaction counts as one.",
        ),
        Graph(
            "Why is something parked?",
            "ops",
            (
                (
                    seen(rate(c.DELIVERY_PARKED, "destination, reason")),
                    "{{destination}}: {{reason}}",
                ),
            ),
            "Mend the cause, then `offerstream deliver redrive`.",
        ),
    ),
)

WEBHOOKS = Board("offerstream: webhooks", "offerstream-webhooks", (ARRIVING, WAITING))
