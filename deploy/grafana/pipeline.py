"""Does it run, how fast, what is thrown out, what carries it."""

from deploy.grafana.panels import Board, Graph, Number, Row
from deploy.grafana.queries import WINDOW, quantile, rate, seen
from streams.telemetry import catalogue as c

NOW = Row(
    "Now",
    (
        Number("Events/s", "ops", rate(c.EVENTS), "Input events processed."),
        Number("Lag", "short", f"sum({c.LAG.name})", "Records not yet processed."),
        Number(
            "Event to offer, p99",
            "s",
            quantile(c.EVENT_TO_OFFER, 0.99),
            "From the record's timestamp to the commit of its offer.",
        ),
        Number(
            "Workers ready",
            "short",
            f"sum({c.READY.name})",
            "Restored, assigned, caught up with the models.",
        ),
        Number("Rows", "short", f"sum({c.ROWS.name})", "Customers and forwarding addresses held."),
        Number(
            "Events since start",
            "short",
            f"sum({c.EVENTS.name})",
            "Input events processed since the workers started.",
        ),
    ),
)
INPUTS = Row(
    "What comes in",
    (
        Graph(
            "Events by topic",
            "ops",
            ((rate(c.EVENTS, "topic"), "{{topic}}"),),
            "A topic that falls silent has a producer that did.",
        ),
        Graph(
            "Rejected by reason",
            "ops",
            ((seen(rate(c.REJECTED, "reason")), "{{reason}}"),),
            "They are in dead-letters: `offerstream dead-letters list`.",
        ),
        Graph(
            "Ignored, late, routed, misplaced",
            "ops",
            (
                (rate(c.IGNORED, "reason"), "ignored: {{reason}}"),
                (rate(c.LATE), "late"),
                (rate(c.ROUTED, "kind"), "routed: {{kind}}"),
                (rate(c.MISPLACED), "misplaced"),
            ),
            "Misplaced records come from a producer without the murmur2 partitioner.",
        ),
    ),
)
DECISIONS = Row(
    "What is decided",
    (
        Graph(
            "Decisions by verdict",
            "ops",
            ((rate(c.DECISIONS, "verdict"), "{{verdict}}"),),
            "Every decision, also those without an offer.",
        ),
        Graph(
            "Why offers were withheld",
            "ops",
            ((seen(rate(c.WITHHELD, "why_not")), "{{why_not}}"),),
            "One count for each offer that was not eligible.",
        ),
        Graph(
            "Event to offer",
            "s",
            ((quantile(c.EVENT_TO_OFFER, 0.5), "p50"), (quantile(c.EVENT_TO_OFFER, 0.99), "p99")),
            "Includes the wait for the epoch's commit.",
        ),
    ),
)
RUNTIME = Row(
    "What carries it",
    (
        Graph(
            "Lag by topic",
            "short",
            ((f"sum by (topic) ({c.LAG.name})", "{{topic}}"),),
            "Grows when input outruns the workers.",
        ),
        Graph(
            "Epochs",
            "ops",
            ((rate(c.COMMITS, "result"), "{{result}}"),),
            "Aborted epochs are done again; many of them want a look at the broker.",
        ),
        Graph(
            "Commit duration",
            "s",
            ((quantile(c.COMMIT_DURATION, 0.5), "p50"), (quantile(c.COMMIT_DURATION, 0.99), "p99")),
            "One Kafka transaction.",
        ),
        Graph(
            "Rows and outputs an epoch",
            "short",
            (
                (quantile(c.EPOCH_ROWS, 0.5), "rows p50"),
                (quantile(c.EPOCH_OUTPUTS, 0.5), "outputs p50"),
            ),
            "Group commit pays one transaction for many rows.",
        ),
        Graph(
            "CPU in process()",
            "percentunit",
            ((rate(c.PROCESS_TIME), "busy"),),
            "Seconds a second in decode, process and encode, over all workers.",
        ),
        Graph(
            "Timers", "ops", ((rate(c.TICKS), "fired"),), "Silence is an event: due rows looked at."
        ),
    ),
)
PROCESSES = Row(
    "Processes",
    (
        Graph(
            "Partitions by process",
            "short",
            ((f"{c.PARTITIONS.name}", "{{instance}}"),),
            "All partitions are with somebody; a process without any only stands by.",
        ),
        Graph(
            "Memory by process",
            "bytes",
            (
                ('process_resident_memory_bytes{job="offerstream"}', "{{instance}}"),
                (f"sum by (instance) ({c.STORE_MEMORY.name})", "{{instance}}: local stores"),
            ),
            "Flat once the stores' buffers are full; what rises for ever ends in a restart.",
        ),
        Graph(
            "CPU by process",
            "percentunit",
            ((f'rate(process_cpu_seconds_total{{job="offerstream"}}[{WINDOW}])', "{{instance}}"),),
            "One process uses one core: near 100 % it is time for another worker.",
        ),
    ),
)

PIPELINE = Board(
    "offerstream: pipeline", "offerstream-pipeline", (NOW, INPUTS, DECISIONS, RUNTIME, PROCESSES)
)
