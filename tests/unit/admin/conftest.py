"""A day of the example shop as an archive, for everything that asks one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams import topics
from streams.admin.reference import example_shop, load_validated, reference_records
from streams.cli import main
from streams.evaluation.inputs import read_records
from tests.support.archived import archive_of

DAY = Path(__file__).parents[2] / "golden" / "a-day-in-the-shop.jsonl"
BEGIN_MS = 1_770_000_000_000
OUTPUTS = {
    topics.DECISION_LOG: "decision-log.jsonl",
    topics.LEARNING_EXAMPLES: "learning-examples.jsonl",
    topics.MODEL_SNAPSHOTS: "model-snapshots.jsonl",
}


def lines(path: Path) -> list[bytes]:
    """The lines of a file."""
    return path.read_bytes().splitlines()


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The golden day: what `replay` wrote, and the same as an archive with events."""
    home = tmp_path_factory.mktemp("day")
    out, root = home / "out", home / "kept"
    done = CliRunner().invoke(main, ["replay", str(DAY), "--out", str(out)])
    assert done.exit_code == 0, done.output
    sent = list(read_records(str(DAY)))
    catalog = reference_records(load_validated(example_shop()))
    archive_of(
        root,
        {
            topic: [(BEGIN_MS + 1_000 * n, "key", v) for n, v in enumerate(lines(out / name))]
            for topic, name in OUTPUTS.items()
        }
        | {
            topic: [
                (BEGIN_MS + 1_000 * r.line, "key", r.value)
                for r in sent
                if r.topic == topic.name and not r.fault
            ]
            for topic in topics.INPUTS
        }
        | {
            topic: [(BEGIN_MS, key, value) for key, value in catalog[topic.name].items()]
            for topic in topics.REFERENCES
        },
    )
    return out, root
