"""Does it run, how fast, what is thrown out, what carries it."""

from deploy.grafana.panels import COUNT, Board, Graph, Number, Row
from deploy.grafana.queries import WINDOW, quantile, rate, seen, total
from streams.telemetry import catalogue as c
from streams.telemetry.catalogue.events import DELETED_UNREAD

NOW = Row(
    "How is it now?",
    (
        Number("Events/s", "ops", rate(c.EVENTS), "Input events processed."),
        Number("Lag", COUNT, f"sum({c.LAG.name})", "Records not yet processed."),
        Number(
            "Event to offer, p99",
            "s",
            quantile(c.EVENT_TO_OFFER, 0.99),
            "From the record's timestamp to the commit of its offer.",
        ),
        Number(
            "Workers ready",
            COUNT,
            f'sum({c.READY.name}{{job="offerstream"}})',
            "Restored, assigned, caught up with the models; the learner is not counted.",
        ),
        Number("Rows", COUNT, f"sum({c.ROWS.name})", "Customers and forwarding addresses held."),
        Number(
            "Events since start",
            COUNT,
            f"sum({c.EVENTS.name})",
            "Input events processed since the workers started.",
        ),
    ),
)
INPUTS = Row(
    "What comes in?",
    (
        Graph(
            "Which topics send?",
            "ops",
            ((rate(c.EVENTS, "topic"), "{{topic}}"),),
            "A topic that falls silent has a producer that did.",
        ),
        Graph(
            "What is rejected, and why?",
            "ops",
            ((seen(rate(c.REJECTED, "reason")), "{{reason}}"),),
            "They are in dead-letters: `offerstream dead-letters list`.",
        ),
        Graph(
            "What is ignored, late, routed, misplaced?",
            "ops",
            (
                (seen(rate(c.IGNORED, "reason")), "ignored: {{reason}}"),
                (rate(c.LATE), "late"),
                (seen(rate(c.ROUTED, "kind")), "routed: {{kind}}"),
                (rate(c.MISPLACED), "misplaced"),
            ),
            "Misplaced records come from a producer without the murmur2 partitioner.",
        ),
    ),
)
OVER_HTTP = Row(
    "What comes in over HTTP?",
    (
        Graph(
            "How are requests answered?",
            "ops",
            ((seen(rate(c.GATEWAY_REQUESTS, "status")), "{{status}}"),),
            "503: Kafka did not confirm; 429: a source sends too much; 401: a key is wrong.",
        ),
        Graph(
            "What becomes of their events?",
            "ops",
            ((seen(rate(c.GATEWAY_EVENTS, "fate")), "{{fate}}"),),
            "Ignored is what is no event of ours; rejected is in dead-letters.",
        ),
        Graph(
            "How long until Kafka has them?",
            "s",
            ((quantile(c.GATEWAY_ACK, 0.5), "p50"), (quantile(c.GATEWAY_ACK, 0.99), "p99")),
            "Until all in-sync replicas have a request's records.",
        ),
        Graph(
            "What waits on the disk for Kafka?",
            "bytes",
            ((c.SPOOL_BYTES.name, "{{instance}}"),),
            "Only where `gateway.spool_dir` is set; it is sent when Kafka is back.",
        ),
    ),
)
DECISIONS = Row(
    "What is decided?",
    (
        Graph(
            "How do decisions end?",
            "ops",
            ((seen(rate(c.DECISIONS, "verdict")), "{{verdict}}"),),
            "Every decision, also those without an offer.",
        ),
        Graph(
            "Why are offers withheld?",
            "ops",
            ((seen(rate(c.WITHHELD, "why_not")), "{{why_not}}"),),
            "One count for each offer that was not eligible.",
        ),
        Graph(
            "How fast is an offer?",
            "s",
            ((quantile(c.EVENT_TO_OFFER, 0.5), "p50"), (quantile(c.EVENT_TO_OFFER, 0.99), "p99")),
            "Includes the wait for the epoch's commit.",
        ),
    ),
)
RUNTIME = Row(
    "What carries it?",
    (
        Graph(
            "Where does it fall behind?",
            "short",
            (
                (f"sum by (topic) ({c.LAG.name})", "{{topic}}"),
                (seen(total(DELETED_UNREAD, "topic")), "deleted unread {{topic}}"),
            ),
            "Grows when input outruns the workers; what Kafka deletes unread is lost.",
        ),
        Graph(
            "Do commits succeed?",
            "ops",
            ((rate(c.COMMITS, "result"), "{{result}}"),),
            "Aborted epochs are done again; many of them want a look at the broker.",
        ),
        Graph(
            "How long does a commit take?",
            "s",
            ((quantile(c.COMMIT_DURATION, 0.5), "p50"), (quantile(c.COMMIT_DURATION, 0.99), "p99")),
            "One Kafka transaction.",
        ),
        Graph(
            "How much does one commit carry?",
            "short",
            (
                (quantile(c.EPOCH_ROWS, 0.5), "rows p50"),
                (quantile(c.EPOCH_OUTPUTS, 0.5), "outputs p50"),
            ),
            "Group commit pays one transaction for many rows.",
        ),
        Graph(
            "How busy is deciding?",
            "percentunit",
            ((rate(c.PROCESS_TIME), "busy"),),
            "Seconds a second in decode, process and encode, over all workers.",
        ),
        Graph(
            "Do timers fire?",
            "ops",
            ((rate(c.TICKS), "fired"),),
            "Silence is an event: due rows looked at.",
        ),
    ),
)
PROCESSES = Row(
    "Are the processes well?",
    (
        Graph(
            "Who holds the partitions?",
            "short",
            ((f'{c.PARTITIONS.name}{{job="offerstream"}}', "{{instance}}"),),
            "All partitions are with a worker; one without any only stands by.",
        ),
        Graph(
            "Does memory stay flat?",
            "bytes",
            (
                (
                    'process_resident_memory_bytes{job=~"offerstream|learner|treasury"}',
                    "{{instance}}",
                ),
                (f"sum by (instance) ({c.STORE_MEMORY.name})", "{{instance}}: local stores"),
            ),
            "Flat once the stores' buffers are full; what rises for ever ends in a restart.",
        ),
        Graph(
            "Is a process at its limit?",
            "percentunit",
            (
                (
                    f'rate(process_cpu_seconds_total{{job=~"offerstream|learner|treasury"}}[{WINDOW}])',
                    "{{instance}}",
                ),
            ),
            "One process uses one core: near 100 % it is time for another worker.",
        ),
    ),
)

PIPELINE = Board(
    "offerstream: pipeline",
    "offerstream-pipeline",
    (NOW, INPUTS, OVER_HTTP, DECISIONS, RUNTIME, PROCESSES),
)
