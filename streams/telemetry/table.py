"""The catalogue as a table for `docs/operate.md`: `python -m streams.telemetry.table`."""

from streams.telemetry.catalogue import CATALOGUE
from streams.telemetry.metric import Metric


def render_table() -> str:
    """Every metric as a line of Markdown, in the order of the catalogue."""
    lines = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, CATALOGUE)]) + "\n"


def _line(metric: Metric) -> str:
    labels = ", ".join(metric.label_names)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


if __name__ == "__main__":
    print(render_table(), end="")
