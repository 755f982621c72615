"""The archive of this machine is where the verbs look first; it says what a folder says."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams import topics
from streams.admin.reference import example_shop, load_validated, reference_records
from streams.archive.keeping import Keeper, Keeping
from streams.archive.records import Row, people_of
from streams.cli import main
from streams.evaluation.inputs import read_records

DAY = Path(__file__).parents[2] / "golden" / "a-day-in-the-shop.jsonl"
NOBODY = {"OFFERSTREAM_BOOTSTRAP": "127.0.0.1:1"}
BEGIN_MS = 1_770_000_000_000
OUTPUTS = {
    topics.DECISION_LOG: "decision-log.jsonl",
    topics.LEARNING_EXAMPLES: "learning-examples.jsonl",
    topics.MODEL_SNAPSHOTS: "model-snapshots.jsonl",
}


def run(*arguments: str, archive: Path | None = None) -> Result:
    """The command, without a broker."""
    env = NOBODY if archive is None else {**NOBODY, "OFFERSTREAM_ARCHIVE_DIR": str(archive)}
    return CliRunner().invoke(main, list(arguments), env=env)


def archived(keeper: Keeper, topic: topics.Topic, records: list[tuple[int, str, bytes]]) -> None:
    """Records of one partition: second, key, value."""
    for offset, (second, key, value) in enumerate(records):
        told = json.loads(value)
        ids = [told.get(name) for name in ("decision_id", "version", "example_id")]
        row = Row(
            partition=0,
            offset=offset,
            at_ms=BEGIN_MS + 1_000 * second,
            key=key,
            id=next((i for i in ids if isinstance(i, str)), None),
            people=people_of(told),
            value=value.decode(),
        )
        keeper.take((topic.name, 0), offset + 1, row)


def is_json(value: bytes) -> bool:
    """Whether a record has a row as we make it here."""
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The golden day: what `replay` wrote, and the same as an archive with events."""
    home = tmp_path_factory.mktemp("day")
    out, root = home / "out", home / "kept"
    done = run("replay", str(DAY), "--out", str(out))
    assert done.exit_code == 0, done.output
    every = (*OUTPUTS, *topics.INPUTS, *topics.REFERENCES)
    keeper = Keeper(Keeping(root=root, topics=tuple(t.name for t in every), by_wall=False))
    for topic, name in OUTPUTS.items():
        lines = (out / name).read_bytes().splitlines()
        archived(keeper, topic, [(n, "key", line) for n, line in enumerate(lines)])
    sent = [r for r in read_records(str(DAY)) if not r.fault and is_json(r.value)]
    for topic in topics.INPUTS:
        mine = [(r.line, "key", r.value) for r in sent if r.topic == topic.name]
        archived(keeper, topic, mine)
    for name, by_key in reference_records(load_validated(example_shop())).items():
        topic = next(t for t in topics.REFERENCES if t.name == name)
        archived(keeper, topic, [(0, key, value) for key, value in by_key.items()])
    keeper.flush()
    return out, root


def test_the_archive_here_answers_without_a_broker(day: tuple[Path, Path]) -> None:
    """Without --log: what is archived is told, and that the broker could not be asked."""
    out, root = day
    here = run("explain", "--customer", "mia", "--json", archive=root)
    assert here.exit_code == 0, here.output
    assert "Only what is archived in" in here.stderr
    assert here.stdout == run("explain", "--customer", "mia", "--json", "--log", str(out)).stdout
    nothing = run("explain", "--customer", "mia", archive=root / "no")
    assert (nothing.exit_code, "no Kafka broker answers" in nothing.output) == (2, True)


def test_a_decision_comes_out_again_from_the_archive_alone(day: tuple[Path, Path]) -> None:
    """The reference data that stood then are archived, too: every byte is equal, said as JSON."""
    out, root = day
    lines = (out / "decision-log.jsonl").read_bytes().splitlines()
    decision_id = next(d["decision_id"] for d in map(json.loads, lines) if d["verdict"] == "offer")
    done = run("redecide", decision_id, "--log", str(root), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["equal"], told["differences"], told["verdict"]) == (True, [], "offer")
    assert told["reference"].startswith("archived, as of 2026-02-02")


def test_a_history_is_run_from_the_archive(day: tuple[Path, Path]) -> None:
    """The archived events under other reference data give what the file of events gives."""
    _, root = day
    shop = ("--reference", str(example_shop()), "--json")
    sides = [
        json.loads(run("backtest", source, *shop).stdout)["sides"]
        for source in (str(DAY), str(root))
    ]
    assert sides[0] == sides[1]
    assert sides[0][0]["whole"]["offers"] == 49


def test_a_policy_is_judged_from_the_archive(day: tuple[Path, Path]) -> None:
    """The same figures as from the folder that `replay` wrote."""
    told = [run("evaluate", "offers", str(where), "--json").stdout for where in day]
    assert told[0] == told[1]
    assert json.loads(told[0])["counts"]["judged"] > 0


def test_what_holds_no_events_is_said(day: tuple[Path, Path]) -> None:
    """A folder of `replay` holds what came out."""
    out, _ = day
    done = run("backtest", str(out), "--reference", str(example_shop()))
    assert (done.exit_code, "holds what came out" in done.output) == (2, True)
